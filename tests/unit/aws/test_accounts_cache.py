"""A process's cache of the Accounts table, and when it reads again."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.accounts import CONFIRMED_S, NOW_S, Cache
from harkara.base.errors import StoreUnavailable

KEPT_S = 60.0
LIMIT = 100


class Records:
    """Changing records, the number of reads of each, and a cache of them."""

    def __init__(self, **records: int) -> None:
        self.records = records
        self.now_s = 128.0
        self.reads: Counter[str] = Counter()
        self.cache = Cache(self._read, KEPT_S, LIMIT, lambda: self.now_s)

    def _read(self, name: str, _: int | None) -> int | None:
        self.reads[name] += 1
        return self.records.get(name)

    def is_seen(self, name: str, required: int) -> bool:
        return self.cache.get(name, lambda value: value == required) == required


def test_what_suits_is_read_once_in_its_time() -> None:
    table = Records(a=1)
    for after_s, reads in ((0.0, 1), (KEPT_S - 0.1, 1), (0.1, 2), (KEPT_S - 0.1, 2)):
        table.now_s += after_s
        assert table.cache.get("a") == 1
        assert table.reads["a"] == reads


@pytest.mark.parametrize("before", [{"a": 1}, {}], ids=["changed", "absent before"])
def test_what_does_not_suit_is_read_anew(before: dict[str, int]) -> None:
    table = Records(**before)
    table.cache.get("a")
    table.now_s += 2 * NOW_S
    table.records["a"] = 2
    assert table.is_seen("a", 2)
    assert table.reads["a"] == 2


def test_what_is_removed_is_seen_once_it_does_not_suit() -> None:
    table = Records(a=1)
    table.cache.get("a")
    del table.records["a"]
    table.now_s += 2 * NOW_S
    assert table.cache.get("a", lambda _: False) is None


@given(
    st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=200),
    st.booleans(),
)
def test_who_keeps_asking_costs_few_reads_and_hears_of_changes_in_time(
    pauses_s: list[float], there: bool
) -> None:
    """At any times of misses there is one read in CONFIRMED_S, besides that of the first miss."""
    table = Records(**({"a": 1} if there else {}))
    begin_s = table.now_s
    for pause_s in pauses_s:
        table.now_s += pause_s
        assert not table.is_seen("a", 2)
    assert table.reads["a"] <= 2 + (table.now_s - begin_s) / CONFIRMED_S
    table.records["a"] = 2
    table.now_s += CONFIRMED_S + 0.001
    assert table.is_seen("a", 2)


def test_invented_names_push_out_nothing_that_exists() -> None:
    table = Records(a=1, b=2)
    table.cache.get("a")
    table.cache.get("b")
    for number in range(10 * LIMIT):
        assert table.cache.get(f"invented{number}") is None
    assert (table.cache.get("a"), table.cache.get("b")) == (1, 2)
    assert (table.reads["a"], table.reads["b"]) == (1, 1)
    assert len(table.cache) == LIMIT + 2


def test_of_too_many_the_one_goes_that_was_not_used_for_longest() -> None:
    table = Records(**{str(number): number for number in range(LIMIT + 1)})
    for number in range(LIMIT):
        table.cache.get(str(number))
    table.cache.get("0")
    table.cache.get(str(LIMIT))
    assert len(table.cache) == LIMIT
    table.cache.get("0")
    table.cache.get("1")
    assert (table.reads["0"], table.reads["1"]) == (1, 2)


@pytest.mark.parametrize("moved_s", [-3600.0, -0.001, KEPT_S, 86_400.0])
def test_a_clock_that_was_moved_makes_nothing_last(moved_s: float) -> None:
    """As after a freeze of an hour, or a correction of the clock."""
    table = Records(a=1)
    table.cache.get("a")
    table.now_s += moved_s
    table.records["a"] = 2
    assert table.cache.get("a") == 2


def test_a_failure_is_remembered_by_nobody() -> None:
    answers: list[int | None] = [None, 3]

    def read(name: str, _: int | None) -> int:
        if (answer := answers.pop(0)) is None:
            raise StoreUnavailable("busy")
        return answer

    cache = Cache(read, KEPT_S, LIMIT, lambda: 0.0)
    with pytest.raises(StoreUnavailable):
        cache.get("a")
    assert cache.get("a") == 3
