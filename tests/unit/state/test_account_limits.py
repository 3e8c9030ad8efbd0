"""Limits of an account: requests admitted in a period and a day, and waits of refused ones."""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.model.accounts import Account, Limits
from harkara.state.account_limit_lines import BURST_US, Refusal, lines_of
from harkara.state.account_limits import LOOK_EVERY_US, SHARDS_TRIED, AccountLimits, shard_count
from harkara.state.rates_prefetch import PREFETCH_S
from tests.dynamo import MESSAGES, Dynamo
from tests.fakes import FakeLimitStore, Faults

# 1 January 2026, 00:00 IST.
MIDNIGHT = 1_767_205_800
NOON = MIDNIGHT + 12 * 3600
DAY_S = 24 * 3600
TODAY = (MIDNIGHT + 19_800) // DAY_S


class Sending:
    """An account that sends through several processes, with a manual clock."""

    def __init__(self, processes: int = 1, luck: float | None = 0.0, **limits: Any) -> None:
        self.now_s = float(NOON)
        self.faults = Faults()
        self.dynamo = Dynamo()
        self.store = FakeLimitStore(self.faults, self.dynamo)
        self.account = Account(id="acme", name="Acme", carrier="sim", limits=Limits(**limits))
        dice = random.Random(1)  # noqa: S311 - the same each time
        self.processes = [
            AccountLimits(
                self.store, lambda: self.now_s, dice.random if luck is None else lambda: luck
            )
            for _ in range(processes)
        ]

    def take(self, segment_count: int = 1, process: int = 0) -> RequestRefused | None:
        """Take from the limits; return the refusal, or None."""
        try:
            self.processes[process].take(self.account, segment_count)
        except RequestRefused as refused:
            return refused
        return None

    def shards(self) -> list[str]:
        """Return the partitions of the stored items, oldest first."""
        return [pk for pk, _ in self.dynamo.tables[MESSAGES].items]

    def expires_at_s(self, shard: int = 0) -> int:
        """Return the time until which a shard's item is kept at least."""
        return int(self.dynamo.tables[MESSAGES].items[f"rate#acme#{shard}", "timeline"]["ttl"]["N"])

    def codes(self, count: int, segment_count: int = 1) -> list[Code | None]:
        """Take `count` times at one moment; return the codes, None for admitted requests."""
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
def test_what_one_shard_refuses_the_next_may_admit(luck: float, tried: list[int]) -> None:
    sending = Sending(luck=luck, requests_per_s=320)
    assert sending.codes(3 * 21) == [None] * 3 * 21
    assert sending.shards() == [f"rate#acme#{shard}" for shard in tried]
    assert sending.codes(13 * 21 + 2) == [None] * 13 * 21 + [Code.RATE_LIMITED] * 2


def test_of_shards_that_others_filled_a_few_are_asked_and_again_only_after_a_while() -> None:
    sending = Sending(processes=2, requests_per_s=320)
    sending.codes(16 * 21)
    calls = len(sending.faults.calls)
    refused = [sending.take(process=1) for _ in range(1_000)]
    assert {each and each.code for each in refused} == {Code.RATE_LIMITED}
    assert len(sending.faults.calls) == calls + SHARDS_TRIED
    # A free place is still there when the process reads again.
    assert LOOK_EVERY_US <= BURST_US / 2
    sending.now_s += LOOK_EVERY_US / 1_000_000
    assert sending.take(process=1) is None


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


# Reservations in advance


def busy(sending: Sending, count: int = 50, process: int = 0) -> int:
    """Send 100 requests a second from a process for a while; return how many were admitted."""
    admitted = 0
    for _ in range(count):
        sending.now_s += 0.01
        admitted += sending.take(process=process) is None
    return admitted


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"requests_per_s": 200}, id="requests"),
        pytest.param({"segments_per_s": 5_000}, id="segments"),
        pytest.param({"segments_per_day": 100_000}, id="a day"),
        pytest.param(
            {"requests_per_s": 200, "segments_per_s": 900, "segments_per_day": 9**9}, id="all"
        ),
    ],
)
def test_a_busy_process_admits_most_requests_without_a_call(limits: dict[str, Any]) -> None:
    sending = Sending(**limits)
    busy(sending)
    calls = len(sending.faults.calls)
    assert busy(sending, 100) == 100
    assert len(sending.faults.calls) - calls <= 25


def test_a_process_that_was_frozen_spends_nothing_of_a_second_that_has_passed() -> None:
    sending = Sending(requests_per_s=1_000)
    busy(sending)
    calls = len(sending.faults.calls)
    sending.now_s += 3_600
    assert sending.take() is None
    assert len(sending.faults.calls) == calls + 1


def test_what_is_left_in_advance_at_midnight_is_of_the_day_before() -> None:
    sending = Sending(segments_per_day=5_000)
    sending.now_s = MIDNIGHT + DAY_S - 0.505
    assert busy(sending) == 50
    calls = len(sending.faults.calls)
    sending.now_s = MIDNIGHT + DAY_S + 0.001
    assert sending.take() is None
    assert len(sending.faults.calls) == calls + 1


def test_of_a_day_a_frozen_process_spends_the_rest_later() -> None:
    sending = Sending(segments_per_day=100_000)
    busy(sending)
    calls = len(sending.faults.calls)
    sending.now_s += 3_600
    assert [sending.take() for _ in range(3)] == [None] * 3
    assert len(sending.faults.calls) == calls


def test_places_in_hand_stay_there_when_another_limit_refuses() -> None:
    sending = Sending(requests_per_s=20, segments_per_day=100_000)
    busy(sending, 100)
    refused = sending.take(90_000)
    assert refused is not None
    assert refused.code is Code.RATE_LIMITED
    sending.now_s += 1
    calls = len(sending.faults.calls)
    assert busy(sending, 5) == 5
    assert len(sending.faults.calls) - calls <= 2


taken = st.lists(
    st.tuples(st.sampled_from([0, 0, 0.001, 0.01, 0.1, 1]), st.integers(1, 9), st.integers(0, 2)),
    min_size=50,
    max_size=150,
)


@settings(max_examples=25)
@given(st.sampled_from([30, 300, 5_000]), st.sampled_from([900, 9_000, 40_000]), taken)
def test_no_limit_is_exceeded_by_what_is_in_advance_and_of_a_day_little_is_lost(
    per_s: float, per_day: int, sent: Sequence[tuple[float, int, int]]
) -> None:
    """At the end a single process takes the rest of the day: the others are gone."""
    sending = Sending(4, None, requests_per_s=per_s, segments_per_s=per_s, segments_per_day=per_day)
    sending.account = sending.account.model_copy(update={"segment_limit": 1})
    shards = shard_count(sending.account)
    admitted: list[tuple[float, int]] = []
    for after_s, segment_count, process in sent:
        sending.now_s += after_s
        if sending.take(segment_count, process) is None:
            admitted.append((sending.now_s, segment_count))
    for first, (from_s, _) in enumerate(admitted):
        segments = 0
        for number, (to_s, count) in enumerate(admitted[first:], 1):
            segments += count
            assert number <= per_s * (1 + to_s - from_s + 1e-6) + shards
            assert segments <= per_s * (1 + to_s - from_s + 1e-6) + shards * 9
    left = per_day - sum(count for _, count in admitted)
    assert left >= 0
    lost = left
    for size in [1_000, 100, 10, 1] * shards:
        sending.now_s += 300
        while sending.take(size, 3) is None:
            lost -= size
            sending.now_s += size / 5
    # Each of the three had a thousandth of a shard in advance, and an unused half of one.
    assert 0 <= lost <= per_day % shards + 3 * 1.5 * per_day / shards / 1_000


@settings(max_examples=25)
@given(
    st.sampled_from([1, 5, 13, 20]),  # one shard
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=15),
)
def test_whoever_takes_and_stops_an_account_at_four_fifths_of_its_rate_is_never_refused(
    per_s: float, turns: Sequence[tuple[int, int]]
) -> None:
    """Unused reservations of other processes cost less than the fifth."""
    sending = Sending(4, 0.0, requests_per_s=per_s)
    for count, process in turns:
        for _ in range(count):
            assert sending.take(process=process) is None
            sending.now_s += 1.25 / per_s


def test_a_process_that_stops_keeps_others_from_little_for_a_moment() -> None:
    sending = Sending(2, 0.0, requests_per_s=20)
    for _ in range(40):
        sending.now_s += 0.05
        assert sending.take() is None
    passed = 0
    while sending.take(process=1) is None:
        passed += 1
    # A second's requests at once, and one more.
    assert passed >= 21 - 20 * 2 * PREFETCH_S
    sending.now_s += 2 + PREFETCH_S
    assert sum(sending.take(process=1) is None for _ in range(30)) >= 20
