"""Shards of an account's limits: how many there are, and which one a request takes."""

from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.state.account_limit_lines import BURST_US
from harkara.state.account_limits import LOOK_EVERY_US, SHARDS_TRIED, shard_count
from tests.unit.limiting import Sending


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
    ("random_fraction", "tried"),
    [
        pytest.param(0.0, [0, 1, 2], id="the first"),
        pytest.param(0.5, [8, 9, 10], id="one in the middle"),
        pytest.param(0.999, [15, 0, 1], id="the last"),
    ],
)
def test_what_one_shard_refuses_the_next_may_admit(
    random_fraction: float, tried: list[int]
) -> None:
    sending = Sending(random_fraction=random_fraction, requests_per_s=320)
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
