"""The circuit breaker of a carrier: when it opens, for how long, and how traffic returns."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode
from harkara.base.log_events import LogEvent
from harkara.state.circuit_breaker import (
    COOL_DOWN_LIMIT_S,
    COOL_DOWN_S,
    FAILURES_NEEDED,
    FIRST_SHARE,
    NEXT_LOOK_S,
    READ_EVERY_S,
    RETURN_S,
    WINDOW_S,
    BreakerState,
    CircuitBreakers,
)
from tests.support.fakes import FakeLimitStore, Faults

START_S = 1_767_258_000.0


class Hearing:
    """Processes that record outcomes at the carrier `sim`."""

    def __init__(self, processes: int = 1) -> None:
        self.now_s = START_S
        self.lot = 0.5
        self.faults = Faults()
        self.log_events: list[LogEvent] = []
        self.store = FakeLimitStore(self.faults)
        self.processes = [
            CircuitBreakers(
                self.store, lambda: self.now_s, lambda: self.lot, self.log_events.append
            )
            for _ in range(processes)
        ]

    def report(self, failed: int, count: int, process: int = 0) -> bool:
        """Record outcomes; return whether they opened the circuit."""
        circuit_breakers = self.processes[process]
        return circuit_breakers.report("sim", failed, count) and circuit_breakers.open("sim")

    def wait_s(self, process: int = 0) -> float:
        return self.processes[process].wait_s("sim")

    def fail(self) -> None:
        assert self.report(FAILURES_NEEDED, FAILURES_NEEDED)

    def state(self) -> BreakerState:
        text = self.store.existing.get("breaker#sim", "")
        return BreakerState(*decode(text)) if text else BreakerState()


@pytest.mark.parametrize(
    ("received", "opens"),
    [
        pytest.param([(100, 100)], True, id="a block fails"),
        pytest.param([(1, 1)] * FAILURES_NEEDED, True, id="one after the other"),
        pytest.param([(1, 1)] * (FAILURES_NEEDED - 1), False, id="too few to say"),
        pytest.param([(FAILURES_NEEDED, 2 * FAILURES_NEEDED)], True, id="half of it"),
        pytest.param([(FAILURES_NEEDED, 2 * FAILURES_NEEDED + 1)], False, id="less than half"),
        pytest.param([(0, 100), (60, 60)], False, id="most went well"),
        pytest.param([(0, 100)], False, id="nothing fails"),
        pytest.param([(9, 9), (0, 1)], False, id="what goes well opens nothing"),
    ],
)
def test_half_of_the_messages_failing_opens_it(
    received: list[tuple[int, int]], opens: bool
) -> None:
    hearing = Hearing()
    opened = [hearing.report(*each) for each in received]
    assert opened == [False] * (len(received) - 1) + [opens]
    assert (hearing.wait_s() > 0) is opens


def test_what_was_heard_long_ago_counts_no_more() -> None:
    hearing = Hearing()
    assert not hearing.report(FAILURES_NEEDED - 1, FAILURES_NEEDED - 1)
    hearing.now_s += WINDOW_S + 1
    assert not hearing.report(1, 1)


@pytest.mark.parametrize("moved_s", [-3600.0, -0.001, READ_EVERY_S, 3600.0])
def test_a_clock_that_was_moved_has_it_read_anew(moved_s: float) -> None:
    hearing = Hearing()
    assert hearing.wait_s() == 0
    hearing.now_s += moved_s
    hearing.wait_s()
    assert hearing.faults.calls == ["get"] * 2


def test_it_stays_open_for_the_cool_down_for_every_process() -> None:
    hearing = Hearing(processes=2)
    assert hearing.wait_s(1) == 0
    hearing.fail()
    assert hearing.wait_s(0) == COOL_DOWN_S
    assert hearing.wait_s(1) == 0, "the other process asks again later"
    hearing.now_s += READ_EVERY_S
    assert hearing.wait_s(1) == COOL_DOWN_S - READ_EVERY_S


def test_a_process_reads_it_every_few_seconds_at_the_most() -> None:
    hearing = Hearing()
    for _ in range(100):
        hearing.wait_s()
    assert hearing.faults.calls == ["get"]


def test_two_processes_that_find_the_carrier_dead_open_it_once() -> None:
    hearing = Hearing(processes=2)
    assert hearing.report(100, 100, process=0)
    assert not hearing.report(100, 100, process=1)
    assert hearing.state().times == 1


def test_its_traffic_returns_slowly() -> None:
    hearing = Hearing()
    hearing.fail()
    hearing.now_s += COOL_DOWN_S
    shares = []
    for _ in range(int(RETURN_S) + 1):
        hearing.now_s += 1
        let_in = 0
        for lot in range(100):
            hearing.lot = lot / 100
            let_in += hearing.wait_s() == 0
        shares.append(let_in)
    assert shares[0] == pytest.approx(100 * FIRST_SHARE, abs=3)
    assert shares == sorted(shares)
    assert shares[-1] == 100
    hearing.lot = 0.99
    hearing.now_s = START_S + COOL_DOWN_S
    assert hearing.wait_s() == NEXT_LOOK_S


def test_a_failure_while_it_returns_opens_it_for_twice_as_long() -> None:
    hearing = Hearing()
    hearing.fail()
    cool_downs = []
    for _ in range(8):
        state = hearing.state()
        cool_downs.append((state.open_until_ms - state.opened_at_ms) // 1000)
        hearing.now_s = state.open_until_ms / 1000
        assert not hearing.report(0, 1)
        assert hearing.report(1, 1)
    assert cool_downs[:3] == [COOL_DOWN_S, 2 * COOL_DOWN_S, 4 * COOL_DOWN_S]
    assert cool_downs == sorted(cool_downs)
    assert cool_downs[-1] == COOL_DOWN_LIMIT_S


def test_failures_before_the_cool_down_say_nothing_of_what_is_after_it() -> None:
    hearing = Hearing(processes=2)
    assert not hearing.report(FAILURES_NEEDED - 1, FAILURES_NEEDED - 1, process=1)
    hearing.fail()
    hearing.now_s += COOL_DOWN_S + RETURN_S
    hearing.wait_s(1)
    assert not hearing.report(1, 1, process=1)


def test_a_carrier_that_worked_for_long_begins_anew() -> None:
    hearing = Hearing()
    hearing.fail()
    hearing.now_s += COOL_DOWN_S
    assert hearing.report(1, 1)
    assert hearing.state().times == 2
    hearing.now_s += 2 * COOL_DOWN_S + 600
    hearing.fail()
    assert hearing.state().times == 1


def test_what_it_keeps_away_is_logged_until_all_is_back() -> None:
    hearing = Hearing(processes=2)
    hearing.wait_s()
    assert hearing.log_events == []
    hearing.fail()
    for pause_s in (READ_EVERY_S, COOL_DOWN_S, RETURN_S / 2, RETURN_S, READ_EVERY_S):
        hearing.now_s += pause_s
        hearing.wait_s()
    kept_away = [event.shares["breaker_state"] for event in hearing.log_events]
    # When it opens and while it is open, while traffic returns, and once it is closed.
    assert kept_away == [1, 1, pytest.approx(0.825), pytest.approx(0.375), 0]
    assert {event.carrier for event in hearing.log_events} == {"sim"}


def test_each_process_notes_what_it_reads() -> None:
    hearing = Hearing(processes=2)
    hearing.fail()
    hearing.wait_s(process=1)
    hearing.wait_s(process=1)
    assert [event.shares for event in hearing.log_events] == [{"breaker_state": 1}] * 2


def test_carriers_have_breakers_of_their_own() -> None:
    hearing = Hearing()
    hearing.fail()
    assert hearing.processes[0].wait_s("another") == 0


@pytest.mark.parametrize("call", ["get", "swap"])
def test_a_store_that_fails_stops_nothing(call: str) -> None:
    hearing = Hearing()

    def fail(_: int, called: str) -> None:
        if called == call:
            raise StoreUnavailable("busy")

    hearing.faults.on_call = fail
    assert hearing.wait_s() == 0
    assert hearing.report(100, 100)
    # At least this process stops sending to the carrier.
    assert hearing.wait_s() == COOL_DOWN_S


@given(st.lists(st.tuples(st.floats(0, 2_000), st.booleans()), max_size=30))
def test_it_is_always_open_closed_or_returning(steps: list[tuple[float, Any]]) -> None:
    state, now_s = BreakerState(), START_S
    for pause_s, opens in steps:
        now_s += pause_s
        now_ms = int(now_s * 1000)
        if opens and not state.open_for_s(now_ms):
            state = state.opened(now_ms)
        assert 0 <= state.open_for_s(now_ms) <= COOL_DOWN_LIMIT_S
        assert (state.share(now_ms) == 0) is (state.open_for_s(now_ms) > 0)
        assert not (state.is_returning(now_ms) and state.open_for_s(now_ms))
        later = [state.share(now_ms + add) for add in range(0, 2_000_000, 100_000)]
        assert all(one <= next_one for one, next_one in itertools.pairwise(later))
        assert later[-1] == 1
