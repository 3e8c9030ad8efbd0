"""A shared value under reads, swaps and a clock that is set back."""

from typing import NamedTuple

import pytest

from harkara.state.cell import Cell
from tests.support.fakes import FakeLimitStore, Faults


class Count(NamedTuple):
    """A value with a default."""

    number: int = 0


class Sharing:
    """Two processes that share a value, with a manual clock."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.faults = Faults()
        store = FakeLimitStore(self.faults)
        self.one, self.other = (Cell(store, lambda: self.now_s, "count#1", Count) for _ in range(2))


def test_a_swap_over_another_fails_once_and_caches_what_the_other_wrote() -> None:
    sharing = Sharing()
    assert sharing.one.value == Count()
    assert sharing.one.swap(Count(1), 1000)
    assert not sharing.other.swap(Count(5), 1000)
    assert sharing.other.value == Count(1)
    assert sharing.other.swap(Count(2), 1000)


@pytest.mark.parametrize(("passed_s", "reads"), [(0, 0), (2.9, 0), (3, 1), (-1, 1)])
def test_a_value_is_read_again_when_old_or_of_unknown_age(passed_s: float, reads: int) -> None:
    sharing = Sharing()
    assert sharing.one.read(3)
    sharing.other.swap(Count(7), 1000)
    sharing.now_s += passed_s
    assert sharing.one.read(3) is bool(reads)
    assert sharing.faults.calls.count("get") == 1 + reads
    assert sharing.one.read(3, anew=True)
    assert sharing.one.value == Count(7)


def test_a_value_that_is_kept_is_of_this_process_alone() -> None:
    sharing = Sharing()
    sharing.one.keep(Count(3))
    assert sharing.one.value == Count(3)
    assert sharing.other.read(3)
    assert sharing.other.value == Count()
