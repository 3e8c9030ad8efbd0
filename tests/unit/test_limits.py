"""Limits of an account: what passes in a time, in a day, and who is told to wait for how long."""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accounts import Account, Limits
from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.services.limits import AccountLimits, Refusal, Usage, admit, shard_count
from tests.fakes import FakeLimitStore, Faults

# 1 January 2026, 00:00 IST.
MIDNIGHT = 1_767_205_800
NOON = MIDNIGHT + 12 * 3600
DAY_S = 24 * 3600
TODAY = (MIDNIGHT + 19_800) // DAY_S


class Sending:
    """An account that sends through several processes, at times by hand."""

    def __init__(self, processes: int = 1, luck: float | None = 0.0, **limits: Any) -> None:
        self.now_s = float(NOON)
        self.faults = Faults()
        self.store = FakeLimitStore(self.faults)
        self.account = Account(id="acme", name="Acme", carrier="sim", limits=Limits(**limits))
        dice = random.Random(1)  # noqa: S311 - the same each time
        self.processes = [
            AccountLimits(
                self.store, lambda: self.now_s, dice.random if luck is None else lambda: luck
            )
            for _ in range(processes)
        ]

    def take(self, segment_count: int = 1, process: int = 0) -> RequestRefused | None:
        """Take; return the refusal."""
        try:
            self.processes[process].take(self.account, segment_count)
        except RequestRefused as refused:
            return refused
        return None

    def codes(self, count: int, segment_count: int = 1) -> list[Code | None]:
        """Take so often at once; return what was answered."""
        refusals = [self.take(segment_count) for _ in range(count)]
        return [refused.code if refused else None for refused in refusals]


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
    """Whichever of three processes takes, on whatever it saw last."""
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


@given(st.sampled_from([0.5, 5, 100]), st.lists(st.integers(1, 500), max_size=50))
def test_who_keeps_to_the_rate_is_never_refused(per_s: float, counts: Sequence[int]) -> None:
    limits = Limits(segments_per_s=per_s)
    usage, now_us = Usage(), NOON * 1_000_000
    for count in counts:
        next_usage = admit(limits, usage, now_us, count)
        assert isinstance(next_usage, Usage)
        usage, now_us = next_usage, now_us + int(count * 1_000_000 / per_s)


@given(
    st.builds(
        Limits,
        requests_per_s=st.sampled_from([0, 0.3, 7]),
        segments_per_s=st.sampled_from([0, 0.3, 70]),
        segments_per_day=st.sampled_from([0, 500]),
    ),
    st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 300)), min_size=1, max_size=30),
)
def test_after_the_time_that_a_refusal_names_and_not_before_it_passes(
    limits: Limits, sent: Sequence[tuple[int, int]]
) -> None:
    usage, now_us = Usage(), NOON * 1_000_000
    for after_us, count in sent:
        now_us += after_us
        result = admit(limits, usage, now_us, count)
        # The day's end is one thing to wait for, and the first second after it may be another.
        for _ in range(2):
            if isinstance(result, Refusal):
                assert isinstance(admit(limits, usage, result.until_us - 1, count), Refusal)
                now_us = result.until_us
                result = admit(limits, usage, now_us, count)
        assert isinstance(result, Usage)
        usage = result


# A day


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
    limits = Limits(segments_per_day=1_000)
    usage = Usage(day=TODAY + 1, day_segment_count=900)
    before_us = (MIDNIGHT + DAY_S) * 1_000_000 - 1
    assert isinstance(admit(limits, usage, before_us, 200), Refusal)
    assert isinstance(admit(limits, usage, before_us, 100), Usage)


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
    segment_limit: int, per_day: int, luck: float, data: st.DataObject
) -> None:
    sending = Sending(luck=luck, requests_per_s=5_000, segments_per_day=per_day)
    sending.account = sending.account.model_copy(update={"segment_limit": segment_limit})
    largest = min(per_day, 1_000 * segment_limit)
    assert sending.take(data.draw(st.integers(1, largest) | st.just(largest))) is None


@given(st.lists(st.integers(1, 9_000), min_size=20, max_size=200))
def test_the_day_is_over_only_where_no_shard_has_room(sizes: list[int]) -> None:
    sending = Sending(luck=None, requests_per_s=5_000, segments_per_day=160_000)
    assert shard_count(sending.account) == 16
    admitted = 0
    for size in sizes:
        sending.now_s += 1
        refused = sending.take(size)
        if refused is None:
            admitted += size
        elif refused.code is Code.DAILY_LIMIT:
            assert 160_000 - admitted < 16 * size


# Shards


@pytest.mark.parametrize(
    ("limits", "shards"),
    [
        pytest.param({"requests_per_s": 0.1}, 1, id="slow"),
        pytest.param({"requests_per_s": 20}, 1, id="what one item bears"),
        pytest.param({"requests_per_s": 21}, 2, id="more"),
        pytest.param({"requests_per_s": 5_000}, 16, id="never more than sixteen"),
        pytest.param({"requests_per_s": float("inf")}, 16, id="no end"),
        pytest.param({"segments_per_s": 500}, 5, id="each request may be one segment"),
        pytest.param({"requests_per_s": 5, "segments_per_s": 5_000}, 1, id="requests count"),
        pytest.param({"segments_per_day": 10**9}, 1, id="a day alone"),
        pytest.param({"requests_per_s": 5_000, "segments_per_day": 100}, 1, id="a small day"),
        pytest.param({"requests_per_s": 5_000, "segments_per_day": 29_999}, 2, id="a day of two"),
    ],
)
def test_an_account_has_as_many_shards_as_it_needs(limits: dict[str, Any], shards: int) -> None:
    assert shard_count(Sending(**limits).account) == shards


@pytest.mark.parametrize(
    ("luck", "tried"),
    [
        pytest.param(0.0, [0, 1, 2], id="the first"),
        pytest.param(0.5, [8, 9, 10], id="one in the middle"),
        pytest.param(0.999, [15, 0, 1], id="the last"),
    ],
)
def test_what_one_shard_refuses_two_others_may_admit(luck: float, tried: list[int]) -> None:
    sending = Sending(luck=luck, requests_per_s=320)
    codes = sending.codes(70)
    assert codes == [None] * 63 + [Code.RATE_LIMITED] * 7
    assert list(sending.store.standing) == [f"rate#acme#{shard}" for shard in tried]


def test_all_shards_together_admit_the_accounts_rate() -> None:
    sending = Sending(segments_per_s=300)
    assert shard_count(sending.account) == 3
    # A second's burst, and one request a shard.
    assert sending.codes(10, 100) == [None] * 6 + [Code.RATE_LIMITED] * 4


def test_the_wait_is_for_the_shard_that_is_free_first() -> None:
    sending = Sending(segments_per_s=300)
    assert [sending.take(segments) for segments in (1_000, 500, 800)] == [None] * 3
    refused = sending.take(1)
    assert refused is not None
    assert refused.retry_after_s == 4


# What it costs


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
    # Another process hears of it by its first call.
    assert sending.take(process=1) is not None
    assert sending.take(process=1) is not None
    assert len(sending.faults.calls) == calls + 1


def test_a_process_remembers_so_many_shards_and_then_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harkara.services.limits.CACHED_SHARDS", 3)
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
        def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str:
            super().swap(name, self.standing.get(name, ""), "[0,0,0,0]", expires_at_s)
            return ""

    sending = Sending(requests_per_s=5)
    service = AccountLimits(Busy(sending.faults), lambda: NOON, lambda: 0.0)
    with pytest.raises(StoreUnavailable):
        service.take(sending.account, 1)


def test_what_is_counted_outlasts_its_day_and_its_debt() -> None:
    sending = Sending(segments_per_s=0.001, segments_per_day=10_000)
    sending.take(1)
    assert sending.store.expires_at_s["rate#acme#0"] >= NOON + 1_000 + DAY_S
    sending = Sending(segments_per_s=0.001)
    sending.take(10_000)
    assert sending.store.expires_at_s["rate#acme#0"] >= NOON + 10_000_000


def test_another_accounts_requests_are_counted_apart() -> None:
    sending = Sending(requests_per_s=1)
    assert sending.codes(3) == [None, None, Code.RATE_LIMITED]
    sending.account = sending.account.model_copy(update={"id": "other"})
    assert sending.codes(3) == [None, None, Code.RATE_LIMITED]


def test_what_sends_nothing_waits_for_no_segments() -> None:
    limits = Limits(segments_per_s=1, requests_per_s=10)
    owing = admit(limits, Usage(), 0, 1000)
    assert isinstance(owing, Usage)
    assert isinstance(admit(limits, owing, 0, 1), Refusal)
    usage = owing
    for _ in range(10):  # its requests are counted all the same
        following = admit(limits, usage, 0, 0)
        assert isinstance(following, Usage)
        usage = following
    assert isinstance(admit(limits, usage, 0, 0), Refusal)
