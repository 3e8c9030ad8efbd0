"""Tokens of carriers: which process logs in, when, and what the others do meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from harkara.base.errors import StoreUnavailable, Token, TokenUnavailable
from harkara.base.log_events import LogEvent
from harkara.state.tokens import LEASE_S, NEW_S, PAUSE_S, CarrierTokens
from tests.support.fakes import FakeLimitStore, Faults, ProcessKilled
from tests.support.tokens import tokens
from tests.support.virtual import run

LIFETIME_S = 3600
WITHIN_S = 5.0


@dataclass
class Sharing:
    """Processes that share a token, with a manual clock; a login takes what `logging_in` does."""

    faults: Faults = field(default_factory=Faults)
    now_s: float = 1000.0
    lifetime_s: int = LIFETIME_S
    logins: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    events: list[LogEvent] = field(default_factory=list)
    logging_in: Callable[[], Awaitable[object]] = field(default=lambda: asyncio.sleep(0))

    def __post_init__(self) -> None:
        self.store = FakeLimitStore(self.faults)

    def process(self) -> CarrierTokens:
        return tokens(self.store, lambda: self.now_s, self.events.append, self.sleep)

    async def sleep(self, wait_s: float) -> None:
        self.now_s += wait_s
        await asyncio.sleep(0)

    async def log_in(self, previous: str, now_s: float) -> Token:
        self.logins.append(previous)
        number = len(self.logins)
        await self.logging_in()
        if self.refusals:
            raise TokenUnavailable(self.refusals.pop(0))
        return Token(f"token-{number}", self.lifetime_s)

    async def token(self, process: CarrierTokens, refused: str = "", version: str = "v1") -> str:
        return await process("sim", version, self.log_in, refused, WITHIN_S)

    def get(self, process: CarrierTokens, refused: str = "", version: str = "v1") -> str:
        return run(self.token(process, refused, version))


def test_processes_log_in_once_and_store_the_token_encrypted() -> None:
    sharing = Sharing()
    one, other = sharing.process(), sharing.process()
    assert [sharing.get(one), sharing.get(other), sharing.get(one)] == ["token-1"] * 3
    assert sharing.logins == [""]
    stored = sharing.store.existing["carrier-token#sim#v1"]
    assert "token-1" not in stored
    assert "token-1" not in repr(sharing.events)
    assert [(each.carrier, each.counts) for each in sharing.events] == [
        ("sim", {"token_renewals": 1})
    ]


def test_a_token_in_memory_costs_no_read() -> None:
    sharing = Sharing()
    process = sharing.process()
    sharing.get(process)
    calls = len(sharing.faults.calls)
    sharing.get(process)
    assert len(sharing.faults.calls) == calls


@pytest.mark.parametrize(
    ("lifetime_s", "passed_s", "logins"),
    [
        pytest.param(3600, 3299, 1, id="fresh"),
        pytest.param(3600, 3300, 2, id="five minutes before its end"),
        pytest.param(100, 89, 1, id="short and fresh"),
        pytest.param(100, 90, 2, id="a tenth before its end"),
        pytest.param(3600, 4000, 2, id="expired"),
    ],
)
def test_a_token_is_renewed_before_it_ends(lifetime_s: int, passed_s: int, logins: int) -> None:
    sharing = Sharing(lifetime_s=lifetime_s)
    process = sharing.process()
    sharing.get(process)
    sharing.now_s += passed_s
    assert sharing.get(process) == f"token-{logins}"
    assert sharing.logins == ["", "token-1"][:logins]


@pytest.mark.parametrize(
    ("passed_s", "expected"),
    [(3400, ["token-2", "token-1"]), (3700, ["token-2", "token-2"])],
    ids=["the old one is good", "the old one has expired"],
)
def test_while_one_process_renews_the_others_use_the_old_token_or_wait(
    passed_s: int, expected: list[str]
) -> None:
    sharing = Sharing()
    one, other = sharing.process(), sharing.process()
    assert sharing.get(one) == sharing.get(other) == "token-1"
    sharing.now_s += passed_s

    async def both() -> list[str]:
        gate = asyncio.Event()
        sharing.logging_in = gate.wait
        first = asyncio.create_task(sharing.token(one))
        while len(sharing.logins) < 2:
            await asyncio.sleep(0)
        second = asyncio.create_task(sharing.token(other))
        for _ in range(20):
            await asyncio.sleep(0)
        gate.set()
        return [await first, await second]

    assert run(both()) == expected
    assert len(sharing.logins) == 2


def test_tasks_of_one_process_log_in_once() -> None:
    sharing = Sharing()
    process = sharing.process()

    async def many() -> list[str]:
        return await asyncio.gather(*(sharing.token(process) for _ in range(20)))

    assert set(run(many())) == {"token-1"}
    assert len(sharing.logins) == 1


def test_a_refused_token_is_renewed_once_for_all() -> None:
    sharing = Sharing()
    one, other = sharing.process(), sharing.process()
    assert sharing.get(one) == sharing.get(other) == "token-1"
    sharing.now_s += NEW_S
    assert sharing.get(one, "token-1") == "token-2"
    assert sharing.get(other, "token-1") == "token-2"
    assert sharing.logins == ["", "token-1"]


def test_a_token_that_is_refused_when_new_is_not_renewed() -> None:
    sharing = Sharing()
    process = sharing.process()
    assert sharing.get(process) == "token-1"
    sharing.now_s += NEW_S - 1
    with pytest.raises(TokenUnavailable, match="a new token is refused"):
        sharing.get(process, "token-1")
    assert sharing.logins == [""]


def test_after_a_failed_login_nobody_logs_in_for_a_while() -> None:
    sharing = Sharing(refusals=["the login was answered 500"])
    one, other = sharing.process(), sharing.process()
    for process in (one, other, one):
        with pytest.raises(TokenUnavailable):
            sharing.get(process)
    assert sharing.logins == [""]
    sharing.now_s += PAUSE_S
    assert sharing.get(other) == "token-2"
    assert [(each.about, each.counts) for each in sharing.events] == [
        ({"reason": "the login was answered 500"}, {"token_failures": 1}),
        ({}, {"token_renewals": 1}),
    ]


def test_a_token_that_is_good_still_outlives_a_failed_renewal() -> None:
    sharing = Sharing()
    process = sharing.process()
    sharing.get(process)
    sharing.now_s += 3400
    sharing.refusals = ["the login was answered 500"]
    assert [sharing.get(process), sharing.get(process)] == ["token-1"] * 2
    assert len(sharing.logins) == 2


def test_a_process_that_dies_while_it_logs_in_delays_the_next_login() -> None:
    sharing = Sharing()

    async def die() -> None:
        raise ProcessKilled

    sharing.logging_in = die
    with pytest.raises(ProcessKilled):
        sharing.get(sharing.process())
    sharing.logging_in = lambda: asyncio.sleep(0)
    started_s = sharing.now_s
    assert sharing.get(sharing.process()) == "token-2"
    assert sharing.now_s - started_s == LEASE_S


@pytest.mark.parametrize("call", range(4))
def test_a_lost_answer_of_the_store_costs_no_second_login(call: int) -> None:
    sharing = Sharing(Faults(lose_answer={call}))
    assert sharing.get(sharing.process()) == "token-1"
    assert sharing.get(sharing.process()) == "token-1"
    assert sharing.logins == [""]


def test_who_gets_no_token_in_time_learns_so() -> None:
    sharing = Sharing()
    process = sharing.process()

    async def hang() -> str:
        sharing.logging_in = asyncio.Event().wait
        return await process("sim", "v1", sharing.log_in, "", 0.01)

    with pytest.raises(TokenUnavailable, match="no token in time"):
        run(hang())


def test_a_store_that_fails_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    sharing = Sharing()

    def fail(*_: object, **__: object) -> str:
        raise StoreUnavailable

    monkeypatch.setattr(sharing.store, "get", fail)
    with pytest.raises(StoreUnavailable):
        sharing.get(sharing.process())


def test_other_credentials_have_a_token_of_their_own() -> None:
    sharing = Sharing()
    process = sharing.process()
    assert sharing.get(process) == "token-1"
    assert sharing.get(process, version="v2") == "token-2"
