"""Names of counters are bounded, in number and by the size of their item."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harkara.activity.counting import (
    DIMENSIONS,
    CounterKey,
    Counts,
    bounded,
)
from harkara.activity.names import CROSSED, ITEM_LIMIT_BYTES, NAMES_LIMIT, split_name

ITEM_BYTES = 400 * 1024
KEY = CounterKey("account#acme", "names#2026-11-30T14")
MEASURES = ("accepted", "refused", "segments", "price", "delivered", "clicks", "segments/failed")
# As long as a campaign's id may be, in characters of four bytes.
names = st.one_of(
    st.integers(0, 400).map(lambda number: f"name {number}"),
    st.integers(0, 400).map(lambda number: f"{number:03d}" + "\U0001f600" * 252),
    st.integers(0, 400).map(lambda number: f"otp|IN|a|b:{number}"),
)


@given(
    added=st.lists(
        st.dictionaries(
            st.tuples(st.sampled_from([*DIMENSIONS, CROSSED]), names, st.sampled_from(MEASURES)),
            st.integers(1, 10**12),
            max_size=250,
        ),
        max_size=12,
    ),
    many=st.integers(0, 400),
)
def test_no_item_outgrows_dynamodb_and_no_count_is_lost(
    added: list[dict[tuple[str, str, str], int]], many: int
) -> None:
    stored, expected = Counter[str](), Counter[tuple[str, str]]()
    long = [
        {("campaign", f"{n:03d}" + "\U0001f600" * 252, each): 1 for each in MEASURES}
        for n in range(many)
    ]
    for some in (*long, *added):
        counts: Counts = {KEY: Counter({":".join(name): count for name, count in some.items()})}
        for (dimension, _, measure), count in some.items():
            expected[dimension, measure] += count
        stored.update(bounded(counts, {KEY: frozenset(stored)})[KEY])
    found, known = Counter[tuple[str, str]](), {each: set[str]() for each in (*DIMENSIONS, CROSSED)}
    for attribute, count in stored.items():
        dimension, name, measure = split_name(attribute)
        found[dimension, measure] += count
        known[dimension].add(name)
    assert found == expected
    assert all(len({n for n in each if "other" not in n}) <= NAMES_LIMIT for each in known.values())
    size = sum(len(name.encode()) + len(str(count)) // 2 + 3 for name, count in stored.items())
    assert size <= ITEM_BYTES


def test_what_is_stored_goes_on_in_a_full_item() -> None:
    stored = frozenset(f"campaign:{n:03d}{'x' * 5_000}:accepted" for n in range(80))
    assert sum(map(len, stored)) > ITEM_LIMIT_BYTES
    old, new = next(iter(stored)), "sender:ACMEBK:accepted"
    crossed = "crossed:otp|IN|ACMEBK:accepted"
    counts = bounded({KEY: Counter({old: 2, new: 3, crossed: 4})}, {KEY: stored})[KEY]
    assert counts == {
        old: 2,
        "sender:other:accepted": 3,
        "crossed:otp|other|other:accepted": 4,
    }
