"""Capacity that a busy process takes from an account's limits in advance."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.state.account_limits import shard_count
from harkara.state.rates_prefetch import PREFETCH_S
from tests.unit.limiting import DAY_S, MIDNIGHT, Sending


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
