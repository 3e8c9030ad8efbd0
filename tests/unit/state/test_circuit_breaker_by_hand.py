"""What an operator does with a circuit breaker: for all processes, beside what they do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.state.circuit_breaker import COOL_DOWN_LIMIT_S, READ_EVERY_S, BreakerState
from tests.unit.state.test_circuit_breaker import START_S, Hearing

HALF = "half-open"
acts = st.sampled_from(["", "opens", "close", 60, 14_400])


@given(st.lists(st.tuples(st.floats(0, 2_000), acts), max_size=30))
def test_what_an_operator_does_holds_at_once_and_shortens_nothing(
    steps: list[tuple[float, str | int]],
) -> None:
    state, now_s = BreakerState(), START_S
    for pause_s, act in steps:
        now_s += pause_s
        now_ms, before = int(now_s * 1000), state
        if act == "close":
            state = state.closed(now_ms)
            assert (state.phase(now_ms), state.share(now_ms)) == ("closed", 1)
        elif isinstance(act, int):
            state = state.held(now_ms, act)
            assert state.open_for_s(now_ms) == max(act, before.open_for_s(now_ms))
        elif act and not state.open_for_s(now_ms):
            state = state.opened(now_ms)
            assert state.open_for_s(now_ms) <= COOL_DOWN_LIMIT_S
        share = state.share(now_ms)
        assert state.phase(now_ms) == ("open" if not share else "closed" if share == 1 else HALF)
        later = [state.share(now_ms + add) for add in range(0, 16_000_000, 100_000)]
        assert later == sorted(later)
        assert later[-1] == 1


def hold(state: BreakerState) -> BreakerState:
    return state.held(int(START_S * 1000), 300)


def test_an_operators_change_counts_for_all_processes() -> None:
    hearing = Hearing(processes=2)
    hearing.fail()
    hearing.processes[1].change("sim", hold)
    hearing.now_s += READ_EVERY_S
    for process in (0, 1):
        assert hearing.wait_s(process) == 300 - READ_EVERY_S
        assert hearing.processes[process].look("sim").times == 1


def test_a_change_is_made_to_what_another_process_wrote_meanwhile() -> None:
    hearing = Hearing(processes=2)

    def fails(_: int, call: str) -> None:
        if call == "swap":
            hearing.faults.on_call = lambda *_: None
            hearing.fail()

    hearing.faults.on_call = fails
    hearing.processes[1].change("sim", hold)
    assert hearing.state() == BreakerState(int(START_S * 1000), int(START_S * 1000) + 300_000, 1)


def test_a_change_whose_answer_is_lost_is_made_once_more() -> None:
    hearing = Hearing()
    hearing.faults.lose_answer = {1}
    hearing.processes[0].change("sim", hold)
    assert hearing.state().open_until_ms == int(START_S * 1000) + 300_000


@pytest.mark.parametrize("call", ["get", "swap"])
def test_a_change_that_is_not_written_says_so(call: str) -> None:
    hearing = Hearing()

    def fail(_: int, called: str) -> None:
        if called == call:
            raise StoreUnavailable("busy")

    hearing.faults.on_call = fail
    with pytest.raises(StoreUnavailable):
        hearing.processes[0].change("sim", hold)
    assert hearing.state() == BreakerState()


def test_a_change_that_others_keep_changing_gives_up() -> None:
    hearing = Hearing(processes=2)

    def change(number: int, call: str) -> None:
        if call == "swap":
            hearing.store.existing["breaker#sim"] = f"[{number},0,0]"

    hearing.faults.on_call = change
    with pytest.raises(StoreUnavailable, match="kept changing"):
        hearing.processes[0].change("sim", hold)
