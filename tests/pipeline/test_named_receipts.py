"""A carrier that cannot echo our reference: its receipts contain its own ids."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.base.errors import HttpAnswer, Outside
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.model.messages import DEFAULT_VALIDITY_S
from harkara.model.tasks import QueueName
from harkara.receipts.carrier_ids import DELAYS_S
from tests.pipeline import campaign
from tests.pipeline.callbacks import ask
from tests.support.caprices import DAY_S
from tests.support.fakes import Faults, no_texts
from tests.support.wired import ACCOUNT, TOKEN
from tests.support.world import World

SETTINGS = CarrierSettings.model_validate(
    {
        "name": "own",
        "kind": "http",
        "url": "https://own.example/send",
        "receipt_token_hashes": [hash_token(TOKEN)],
        "echoes_reference": False,
        "id_base": "hex",
        "http": {
            "json_body": {
                "to": "{to}",
                "text": "{text}",
                "tm": "{telemarketer_id}",
                "till": "{expires_at}",
            },
            "answer": {"id": "/id"},
            "receipts": {
                "id": "/id",
                "id_base": "decimal",
                "state": "/state",
                "states": {"ok": "delivered", "no": "failed"},
            },
        },
    }
)
FIRST_ID = 0xFF00


class OwnIds(World):
    """A world whose carrier counts its messages in hex, and reports them in decimal digits."""

    def __init__(
        self,
        delays_s: tuple[float, ...],
        telemarketer_ids: tuple[str, ...] = (),
        *,
        round_after: int = 1 << 16,
        seed: int = 0,
    ) -> None:
        account = {"carrier": "own", "telemarketer_ids": telemarketer_ids}
        super().__init__(Faults(seed=seed), account=ACCOUNT.model_copy(update=account))
        self.accounts.carriers["own"] = SETTINGS
        self.carrier = self._connect
        self.delays_s = delays_s
        self.round_after = round_after
        self.sent: list[str] = []
        self.telemarketers: set[str] = set()
        self.till: set[str] = set()
        # Called after the carrier has posted its receipts, before it answers.
        self.before_answer: Callable[[], Awaitable[object]] = _nothing

    def post(self, carrier_id: int) -> None:
        """Post a receipt."""
        body = to_json([{"id": str(carrier_id), "state": "ok"}])
        request = ReceiptRequest("POST", {}, {}, body)
        self.receive_service().receive("own", TOKEN, request)

    async def _connect(self, name: str) -> Connected:
        outside = Outside(self._exchange, no_texts)
        return Connected(SETTINGS, connect(SETTINGS, CarrierSecrets("x"), outside))

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        sent: dict[str, Any] = from_json(content)
        carrier_id = FIRST_ID + len(self.sent) % self.round_after
        self.sent.append(sent["to"])
        self.telemarketers.add(sent.get("tm", ""))
        self.till.add(sent.get("till", ""))
        for delay_s in self.delays_s:
            if delay_s:
                self.at(delay_s, lambda: self.post(carrier_id))
            else:
                self.post(carrier_id)
        await self.before_answer()
        return HttpAnswer(200, {}, to_json({"id": f"{carrier_id:X}"}))


async def _nothing() -> None:
    """Do nothing, the default of `before_answer`."""


@pytest.mark.parametrize(
    "delays_s",
    [
        pytest.param((0,), id="before the answer"),
        pytest.param((60,), id="later"),
        pytest.param((0, 60, 7200), id="again and again"),
    ],
)
def test_a_receipt_finds_its_message_by_the_carriers_id(delays_s: tuple[float, ...]) -> None:
    world = OwnIds(delays_s)
    answers = world.send([campaign.record("0001"), campaign.record("0002")])
    assert answers
    world.run()
    assert len(world.sent) == 2
    assert world.finals() == {answer.mid: "delivered" for answer in answers}
    assert set(world.called_back().values()) == {1}
    reported = [
        step["carrier_message_id"]
        for answer in answers
        for step in ask(world, answer.mid)["timeline"]
        if step["step"] == "submitted"
    ]
    assert reported == ["FF00", "FF01"], "as the carrier wrote it, not as it is compared"


def test_a_carrier_gets_the_last_telemarketer_of_the_accounts_chain() -> None:
    world = OwnIds((60,), telemarketer_ids=("1102", "1303"))
    world.send([campaign.record("0001")])
    world.run()
    assert world.telemarketers == {"1303"}


def test_a_receipt_of_no_message_is_given_up_and_counted() -> None:
    world = OwnIds((60,))
    answers = world.send([campaign.record("0001")])
    assert answers
    world.at(10, lambda: world.post(0xDEAD))
    world.run()
    assert world.finals() == {answers[0].mid: "delivered"}
    assert world.counts["of_no_message"] == 1
    assert world.counts["early"] == len(DELAYS_S)


def test_a_message_without_an_index_entry_is_accepted_and_ends_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not in doubt, so that it is never submitted again."""
    world = OwnIds((60,))
    monkeypatch.setattr("harkara.submit.dispatch.index_entries", lambda *_: [])
    answers = world.send([campaign.record("0001")])
    assert answers
    world.run()
    assert world.finals() == {answers[0].mid: "unknown"}
    assert (len(world.sent), world.in_doubt()) == (1, set())


@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize(
    "delays_s",
    [
        pytest.param((0,), id="before the answer"),
        pytest.param((60,), id="later"),
        pytest.param((0, 60, 1800), id="again and again"),
    ],
)
def test_a_carrier_that_counts_its_ids_round_means_the_last_message(
    delays_s: tuple[float, ...], count: int
) -> None:
    world = OwnIds(delays_s, round_after=1)
    mids = []
    for _ in range(count):
        answers = world.send([campaign.record("0001")])
        assert answers
        mids.append(answers[0].mid)
        world.run(2 * 3600)
        world.now += 2 * 3600
    world.run()
    assert world.finals() == dict.fromkeys(mids, "delivered")
    assert world.called_back() == dict.fromkeys(mids, 1)


@given(
    seed=st.integers(0, 10**6),
    reused=st.lists(
        st.tuples(
            st.integers(3601, 9 * DAY_S),
            st.sampled_from([0, 60, 3 * 3600, 2 * DAY_S]),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_a_receipt_is_of_the_last_message_of_its_id_whatever_has_expired(
    seed: int, reused: Sequence[tuple[int, int]]
) -> None:
    """Each message goes out `after_s` after the one before, its receipt `receipt_after_s` later."""
    world = OwnIds((), round_after=1, seed=seed)
    expected = Counter[str]()
    for after_s, receipt_after_s in reused:
        world.now += after_s
        answers = world.send([campaign.record("0001")])
        assert answers
        world.run(0.5)
        world.now += receipt_after_s
        world.post(FIRST_ID)
        world.run(600)
        expected[answers[0].mid] += 1
        assert world.called_back() == expected


def test_a_receipt_that_overtakes_its_answer_is_not_of_the_earlier_message_of_its_id() -> None:
    world = OwnIds((0,), round_after=1)
    mids = []
    for _ in range(2):
        answers = world.send([campaign.record("0001")])
        assert answers
        mids.append(answers[0].mid)
        world.before_answer = lambda: receipts_are_read(world)
        world.run(7200)
        world.now += 7200
    world.run()
    assert world.finals() == dict.fromkeys(mids, "delivered")


async def receipts_are_read(world: OwnIds) -> None:
    """Let `dlr` read the receipts that came before a carrier's answer."""
    for message in [each for each in world.queues.waiting if each.queue is QueueName.RECEIPT]:
        await asyncio.create_task(world.deliver(message))


def test_a_carrier_with_one_id_for_all_messages_has_one_index_entry_and_they_all_end() -> None:
    world = OwnIds((60,), round_after=1)
    for _ in range(8):
        world.send([campaign.record("0001")])
    world.run()
    assert len(world.sent) == len(world.finals()) == 8
    assert sum(key[1].startswith("carrier-id") for key in world.store.entries) == 1


def test_a_carrier_is_told_when_a_message_ends() -> None:
    world = OwnIds((60,))
    accepted_s = int(world.now)
    assert world.send([campaign.record("0001")])
    world.run()
    ends = datetime.fromtimestamp(accepted_s + DEFAULT_VALIDITY_S, UTC)
    assert world.till == {f"{ends:%Y-%m-%dT%H:%M:%SZ}"}
