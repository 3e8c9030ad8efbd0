"""Limits of an account: requests admitted in a period and a day, and waits of refused ones."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.model.accounts import Limits
from harkara.state.account_limit_lines import Refusal, lines_of
from harkara.state.account_limits import AccountLimits, shard_count
from tests.support.fakes import FakeLimitStore
from tests.unit.limiting import DAY_S, NOON, Sending


def test_an_account_without_limits_costs_no_call() -> None:
    sending = Sending()
    assert sending.codes(1_000, 1_000) == [None] * 1_000
    assert sending.faults.calls == []


# A second


def test_a_seconds_requests_pass_at_once_and_one_more() -> None:
    sending = Sending(requests_per_s=5)
    assert sending.codes(8) == [None] * 6 + [Code.RATE_LIMITED] * 2
    sending.now_s += 1
    assert sending.codes(8) == [None] * 5 + [Code.RATE_LIMITED] * 3


def test_a_request_passes_with_all_its_segments_and_the_next_waits_for_them() -> None:
    sending = Sending(segments_per_s=100)
    assert sending.take(1_000) is None
    refused = sending.take(1)
    assert refused is not None
    # All but the second's burst.
    assert (refused.code, refused.retry_after_s) == (Code.RATE_LIMITED, 9)
    sending.now_s += 8.9
    assert sending.codes(1) == [Code.RATE_LIMITED]
    sending.now_s += 0.1
    assert sending.codes(2, 200) == [None, Code.RATE_LIMITED]


@pytest.mark.parametrize(
    ("limits", "segment_count", "passing"),
    [
        pytest.param({"requests_per_s": 2}, 1_000, 3, id="requests alone"),
        pytest.param({"segments_per_s": 100}, 50, 3, id="segments alone"),
        pytest.param({"requests_per_s": 2, "segments_per_s": 100}, 10, 3, id="both: requests"),
        pytest.param({"requests_per_s": 9, "segments_per_s": 100}, 50, 3, id="both: segments"),
        pytest.param({"requests_per_s": 0.1}, 1, 1, id="less than one a second"),
        pytest.param({"requests_per_s": float("inf")}, 1, 20, id="no end"),
    ],
)
def test_each_limit_counts_its_own(
    limits: dict[str, Any], segment_count: int, passing: int
) -> None:
    codes = Sending(**limits).codes(20, segment_count)
    assert codes == [None] * passing + [Code.RATE_LIMITED] * (20 - passing)


@given(
    requests_per_s=st.sampled_from([0, 0.5, 3, 45, 1_000]),
    segments_per_s=st.sampled_from([0, 0.5, 10, 330]),
    sent=st.lists(
        st.tuples(st.floats(0, 3), st.integers(1, 500), st.integers(0, 2)), min_size=1, max_size=60
    ),
)
def test_no_interval_admits_more_than_rate_and_burst_and_a_request_a_shard(
    requests_per_s: float, segments_per_s: float, sent: Sequence[tuple[float, int, int]]
) -> None:
    """Any of three processes takes, with its own last view of the shards."""
    sending = Sending(3, None, requests_per_s=requests_per_s, segments_per_s=segments_per_s)
    admitted: list[tuple[float, int]] = []
    for after_s, segment_count, process in sent:
        sending.now_s += after_s
        if sending.take(segment_count, process) is None:
            admitted.append((sending.now_s, segment_count))
    shards = shard_count(sending.account)
    for first, last in itertools.combinations_with_replacement(range(len(admitted)), 2):
        within = admitted[first : last + 1]
        lasted_s = 1 + within[-1][0] - within[0][0] + 1e-6
        if requests_per_s:
            assert len(within) <= requests_per_s * lasted_s + shards
        if segments_per_s:
            segments = sum(count for _, count in within)
            largest = max(count for _, count in within)
            assert segments <= segments_per_s * lasted_s + shards * largest


@given(st.sampled_from([0.5, 5, 100, 5_000]), st.lists(st.integers(1, 500), max_size=50))
def test_who_keeps_to_the_rate_is_never_refused(per_s: float, counts: Sequence[int]) -> None:
    sending = Sending(segments_per_s=per_s)
    sending.account = sending.account.model_copy(update={"segment_limit": 1})
    shards = shard_count(sending.account)
    for count in counts:
        assert sending.take(count) is None
        sending.now_s += count / per_s * shards


@given(
    limits=st.fixed_dictionaries(
        {
            "requests_per_s": st.sampled_from([0, 0.3, 7]),
            "segments_per_s": st.sampled_from([0, 0.3, 70]),
            "segments_per_day": st.sampled_from([0, 500]),
        }
    ),
    sent=st.lists(
        st.tuples(st.integers(0, 3_000_000), st.integers(1, 300)), min_size=1, max_size=30
    ),
)
def test_after_the_time_that_a_refusal_names_and_not_before_it_passes(
    limits: dict[str, Any], sent: Sequence[tuple[int, int]]
) -> None:
    own, ends, now_us = Limits(**limits), dict[str, int](), NOON * 1_000_000

    def refusal(at_us: int, count: int) -> Refusal | None:
        lines = lines_of(own, at_us, count, ends)
        refusals = (each.refusal(ends.get(each.name, 0)) for each in lines)
        return max(filter(None, refusals), default=None)

    for after_us, count in sent:
        now_us += after_us
        # The wait ends with the day, or in the first second after it.
        for _ in range(2):
            if refused := refusal(now_us, count):
                assert refusal(refused.until_us - 1, count)
                now_us = refused.until_us
        assert not refusal(now_us, count)
        for line in lines_of(own, now_us, count, ends):
            ends[line.name] = max(ends.get(line.name, 0), line.now) + line.width(count)


# Costs


def test_one_call_counts_a_request() -> None:
    sending = Sending(requests_per_s=5)
    sending.codes(3)
    assert sending.faults.calls == ["swap"] * 3


def test_a_flood_is_refused_without_a_call() -> None:
    sending = Sending(processes=2, requests_per_s=5)
    sending.codes(6)
    calls = len(sending.faults.calls)
    assert sending.codes(1_000) == [Code.RATE_LIMITED] * 1_000
    assert len(sending.faults.calls) == calls
    # Another process learns of it by its first call.
    assert sending.take(process=1) is not None
    assert sending.take(process=1) is not None
    assert len(sending.faults.calls) == calls + 1


def test_a_process_remembers_so_many_shards_and_then_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harkara.state.account_limits.CACHED_SHARDS", 3)
    sending = Sending(requests_per_s=1)
    refused = sending.account
    assert sending.codes(3) == [None, None, Code.RATE_LIMITED]
    for name in ("one", "two", "three"):
        sending.account = refused.model_copy(update={"id": name})
        assert sending.codes(1) == [None]
    sending.account, calls = refused, len(sending.faults.calls)
    assert sending.codes(2) == [Code.RATE_LIMITED] * 2
    assert len(sending.faults.calls) == calls + 1


def test_a_store_that_never_takes_a_write_is_unavailable() -> None:
    class Busy(FakeLimitStore):
        def extend_all(self, *_: object) -> tuple[dict[str, int], dict[str, int]]:
            return {}, {}

    sending = Sending(requests_per_s=5)
    service = AccountLimits(Busy(sending.faults), lambda: NOON, lambda: 0.0)
    with pytest.raises(StoreUnavailable):
        service.take(sending.account, 1)


def test_what_is_counted_outlasts_its_day_and_its_debt() -> None:
    sending = Sending(segments_per_s=0.001, segments_per_day=10_000)
    sending.take(1)
    assert sending.expires_at_s() >= NOON + 1_000 + DAY_S
    sending = Sending(processes=2, segments_per_s=0.001, requests_per_s=9)
    sending.take(10_000)
    assert sending.expires_at_s() >= NOON + 10_000_000
    # A request without segments is counted at the same item, even by a process without its state.
    for process in range(2):
        sending.take(0, process)
        assert sending.expires_at_s() >= NOON + 10_000_000


def test_another_accounts_requests_are_counted_apart() -> None:
    sending = Sending(requests_per_s=1)
    assert sending.codes(3) == [None, None, Code.RATE_LIMITED]
    sending.account = sending.account.model_copy(update={"id": "other"})
    assert sending.codes(3) == [None, None, Code.RATE_LIMITED]


def test_what_sends_nothing_waits_for_no_segments() -> None:
    sending = Sending(segments_per_s=1, requests_per_s=10, segments_per_day=1_000)
    assert sending.take(1_000) is None
    assert sending.codes(1) == [Code.DAILY_LIMIT]
    # Its requests are counted all the same.
    assert sending.codes(11, 0) == [None] * 10 + [Code.RATE_LIMITED]
