"""A request under a key is served once, despite deaths and concurrent repeats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.idempotency import Answer
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from tests.support.fakes import Faults, ProcessKilled
from tests.unit.repeating import OTHER, TIMEOUT_S, Gateway


@dataclass
class Meanwhile(Faults):
    """Runs another action before one of the calls."""

    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)

    def before(self, name: str) -> int:
        number = super().before(name)
        self.meanwhile.pop(number, lambda: None)()
        return number


CALLS = ["put_if_absent run", *["put_batch", "send submit"] * 2, "put_if_absent end"]


def test_the_calls_of_a_request_are_those_that_are_broken_here() -> None:
    gateway = Gateway()
    gateway.once()
    assert gateway.faults.calls == CALLS


@pytest.mark.parametrize("at", range(len(CALLS)))
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_repeat_after_a_death_makes_the_same_ids(at: int, moment: str) -> None:
    expected = Gateway().ids()
    gateway = Gateway()
    getattr(gateway.faults, moment).add(at)
    with pytest.raises(ProcessKilled):
        gateway.once()
    begun, ended = (moment, at) != ("kill_before", 0), (moment, at) == ("kill_after", 5)
    if begun and not ended:
        refused = gateway.refusal()
        assert refused.code is Code.REQUEST_IN_PROGRESS
        assert refused.retry_after_s > 0
        assert gateway.refusal(OTHER).code is Code.IDEMPOTENCY_CONFLICT
    gateway.now_s += TIMEOUT_S + 1
    ids = gateway.ids()
    if begun:
        assert ids == expected
    assert gateway.store.packed.keys() == gateway.enqueued() == set(ids)
    assert gateway.runs == (1 if ended or at == 0 else 2)
    assert gateway.ids() == ids


@pytest.mark.parametrize("at", range(len(CALLS)))
def test_two_at_the_same_time_never_run_twice(at: int) -> None:
    gateway = Gateway(Meanwhile())
    assert isinstance(gateway.faults, Meanwhile)
    outcomes: list[Answer | Code] = []

    def serve() -> None:
        try:
            outcomes.append(gateway.once())
        except RequestRefused as refused:
            outcomes.append(refused.code)

    gateway.faults.meanwhile[at] = serve
    serve()
    answers = {outcome for outcome in map(str, outcomes) if outcome != Code.REQUEST_IN_PROGRESS}
    assert gateway.runs == len(answers) == 1


@pytest.mark.parametrize("at", range(2 + len(CALLS)))
def test_two_that_take_over_at_the_same_time_never_run_twice(at: int) -> None:
    gateway = Gateway(Meanwhile(kill_before={1}))
    assert isinstance(gateway.faults, Meanwhile)
    with pytest.raises(ProcessKilled):
        gateway.once()
    gateway.now_s += TIMEOUT_S + 1
    gateway.runs = 0
    codes: list[Code | None] = []

    def serve() -> None:
        try:
            gateway.once()
            codes.append(None)
        except RequestRefused as refused:
            codes.append(refused.code)

    gateway.faults.meanwhile[len(gateway.faults.calls) + at] = serve
    serve()
    assert gateway.runs == 1
    assert set(codes) <= {None, Code.REQUEST_IN_PROGRESS}
    assert None in codes


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, TIMEOUT_S + 1, 3600]),
            st.sampled_from([None, "kill_before", "kill_after", "lose_answer"]),
            st.integers(0, 9),
        ),
        max_size=6,
    )
)
def test_whoever_dies_whenever_all_answers_are_alike(
    attempts: Sequence[tuple[int, str | None, int]],
) -> None:
    gateway = Gateway()
    answered = set()
    refusals = set()
    for after_s, fault, at in [*attempts, (TIMEOUT_S + 1, None, 0)]:
        gateway.now_s += after_s
        if fault:
            getattr(gateway.faults, fault).add(len(gateway.faults.calls) + at)
        try:
            answered.add(tuple(gateway.ids()))
        except ProcessKilled:
            pass
        except RequestRefused as refused:
            refusals.add(refused.code)
        gateway.faults.kill_before.clear()
        gateway.faults.kill_after.clear()
        gateway.faults.lose_answer.clear()
    (ids,) = answered
    assert refusals <= {Code.REQUEST_IN_PROGRESS}
    assert gateway.store.packed.keys() == gateway.enqueued() == set(ids)
