"""Work that may begin in the time of an invocation, and work that is handed on."""

import pytest

from harkara.base.time import Deadline


class Remaining:
    """Lambda's remaining time, set by hand."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("budget_s", "remaining_s", "needed_s", "allowed"),
    [
        pytest.param(60, 60, 33, True, id="at the beginning"),
        pytest.param(60, 33, 33, True, id="just enough"),
        pytest.param(60, 32.9, 33, False, id="just too little"),
        pytest.param(60, 1, 0, True, id="nothing is needed"),
        pytest.param(10, 10, 33, True, id="longer than the invocation, at its beginning"),
        pytest.param(10, 6, 33, True, id="longer than the invocation, in its first part"),
        pytest.param(10, 5.9, 33, False, id="longer than the invocation, later"),
        pytest.param(60, -1, 3, False, id="over"),
    ],
)
def test_work_begins_only_when_it_can_end(
    budget_s: float, remaining_s: float, needed_s: float, allowed: bool
) -> None:
    remaining = Remaining(budget_s)
    deadline = Deadline(remaining)
    remaining.seconds = remaining_s
    assert deadline.allows(needed_s) is allowed
    assert deadline.remaining_s() == remaining_s
