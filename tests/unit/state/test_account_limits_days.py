"""Limits of an account's day: segments until midnight in India, in all shards together."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.state.account_limits import shard_count
from tests.unit.limiting import DAY_S, MIDNIGHT, Sending


def test_a_days_segments_are_never_exceeded_and_the_next_day_begins_at_midnight_ist() -> None:
    sending = Sending(segments_per_day=1_000)
    assert sending.codes(3, 400) == [None, None, Code.DAILY_LIMIT]
    assert sending.codes(2, 200) == [None, Code.DAILY_LIMIT]
    refused = sending.take(1)
    assert refused is not None
    assert (refused.code, refused.retry_after_s) == (Code.DAILY_LIMIT, 12 * 3600)
    sending.now_s = MIDNIGHT + DAY_S - 1
    assert sending.codes(1) == [Code.DAILY_LIMIT]
    sending.now_s = MIDNIGHT + DAY_S
    assert sending.codes(3, 500) == [None, None, Code.DAILY_LIMIT]


def test_a_clock_that_is_behind_at_midnight_forgets_nothing() -> None:
    sending = Sending(processes=2, segments_per_day=1_000)
    sending.now_s = MIDNIGHT + DAY_S
    assert sending.take(900, process=0) is None
    sending.now_s -= 0.001
    for process in range(2):
        refused = sending.take(200, process)
        assert refused is not None
        assert (refused.code, refused.retry_after_s) == (Code.DAILY_LIMIT, DAY_S + 1)
    assert sending.take(100, process=1) is None


@given(st.lists(st.tuples(st.integers(1, 9_000), st.integers(0, 2)), max_size=60))
def test_many_shards_never_exceed_the_day_together(sent: Sequence[tuple[int, int]]) -> None:
    sending = Sending(3, None, requests_per_s=100, segments_per_day=35_000)
    assert shard_count(sending.account) == 3
    admitted = 0
    for segment_count, process in sent:
        if sending.take(segment_count, process) is None:
            admitted += segment_count
        sending.now_s += 1
    assert admitted <= 35_000


@given(st.integers(1, 255), st.integers(1, 2_000_000), st.floats(0, 1, exclude_max=True), st.data())
def test_on_an_unused_day_any_request_passes_that_the_day_holds(
    segment_limit: int, per_day: int, random_fraction: float, data: st.DataObject
) -> None:
    sending = Sending(
        random_fraction=random_fraction, requests_per_s=5_000, segments_per_day=per_day
    )
    sending.account = sending.account.model_copy(update={"segment_limit": segment_limit})
    largest = min(per_day, 1_000 * segment_limit)
    assert sending.take(data.draw(st.integers(1, largest) | st.just(largest))) is None


@given(st.lists(st.integers(1, 9_000), min_size=20, max_size=200))
def test_the_day_is_over_only_where_no_shard_has_room(sizes: list[int]) -> None:
    sending = Sending(random_fraction=None, requests_per_s=5_000, segments_per_day=160_000)
    assert shard_count(sending.account) == 16
    admitted = 0
    for size in sizes:
        sending.now_s += 1
        refused = sending.take(size)
        if refused is None:
            admitted += size
        elif refused.code is Code.DAILY_LIMIT:
            assert 160_000 - admitted < 16 * size
