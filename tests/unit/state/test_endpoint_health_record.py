"""The record of an endpoint after each post, by the answer and the record before."""

from dataclasses import replace

import pytest

from harkara.model.callbacks import PostResult
from harkara.state.endpoint_health_record import (
    OPEN_LIMIT_S,
    OPEN_S,
    QUICK_MS,
    REFRESHED_EVERY_S,
    SLOW_LIMIT_S,
    SLOW_S,
    THROTTLED_S,
    HealthRecord,
)

NOW_MS = 1_767_258_000_000
AGO_MS = NOW_MS - 1000
TAKEN = PostResult(200, "HTTP 200", duration_ms=QUICK_MS)
SLOW = replace(TAKEN, duration_ms=QUICK_MS + 1)
FAILED = PostResult(500, "HTTP 500")
FRESH = HealthRecord(acked_ms=AGO_MS, quick_ms=AGO_MS)
STALE = HealthRecord(acked_ms=NOW_MS - REFRESHED_EVERY_S * 1000, quick_ms=AGO_MS)
TWICE = HealthRecord(acked_ms=AGO_MS - 1, failures=2, failed_ms=AGO_MS, throttled=True)
OPEN = HealthRecord(failures=3, failed_ms=AGO_MS, open_until_ms=NOW_MS + 1)
ASKED = HealthRecord(acked_ms=AGO_MS, open_until_ms=NOW_MS + 20_000, throttled=True)
ACKED = HealthRecord(acked_ms=NOW_MS, quick_ms=NOW_MS)


@pytest.mark.parametrize(
    ("before", "result", "after"),
    [
        pytest.param(HealthRecord(), TAKEN, ACKED, id="its first"),
        pytest.param(FRESH, TAKEN, FRESH, id="as it did lately: nothing to write"),
        pytest.param(STALE, TAKEN, ACKED, id="not so lately"),
        pytest.param(FRESH._replace(quick_ms=0), TAKEN, ACKED, id="quick again"),
        pytest.param(FRESH, SLOW, FRESH._replace(quick_ms=0), id="slow"),
        pytest.param(STALE, SLOW, HealthRecord(acked_ms=NOW_MS), id="slow, and not so lately"),
        pytest.param(
            OPEN._replace(gone=True),
            TAKEN,
            ACKED._replace(failed_ms=AGO_MS),
            id="it opens what is shut or gone",
        ),
        pytest.param(
            ASKED._replace(failures=1),
            TAKEN,
            ASKED._replace(acked_ms=NOW_MS, quick_ms=NOW_MS),
            id="and leaves a pause that was asked for",
        ),
    ],
)
def test_an_acknowledgement_is_put_down_where_it_says_more_than_is_known(
    before: HealthRecord, result: PostResult, after: HealthRecord
) -> None:
    assert before.with_result(result, NOW_MS, 0) == after


@pytest.mark.parametrize(
    ("before", "result", "after"),
    [
        pytest.param(
            HealthRecord(),
            PostResult(429, ""),
            HealthRecord(open_until_ms=NOW_MS + THROTTLED_S * 1000, throttled=True),
            id="429",
        ),
        pytest.param(
            HealthRecord(),
            PostResult(503, "", 7),
            HealthRecord(open_until_ms=NOW_MS + 7000, throttled=True),
            id="503 with a time",
        ),
        pytest.param(ASKED, PostResult(429, "", 19), ASKED, id="it asked for more before"),
        pytest.param(
            ASKED,
            PostResult(429, "", 21),
            ASKED._replace(open_until_ms=NOW_MS + 21_000),
            id="for less",
        ),
        pytest.param(FRESH, PostResult(410, ""), FRESH._replace(gone=True), id="410"),
        pytest.param(TWICE, PostResult(499, ""), TWICE._replace(failures=0), id="a refusal"),
    ],
)
def test_an_answer_that_refuses_is_no_failure(
    before: HealthRecord, result: PostResult, after: HealthRecord
) -> None:
    assert before.with_result(result, NOW_MS, 0) == after


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(FAILED, id="500"),
        pytest.param(PostResult(500, "", 20), id="500 with a time"),
        pytest.param(PostResult(503, ""), id="503 without one"),
        pytest.param(PostResult(0, "no answer"), id="no answer"),
    ],
)
def test_failures_in_a_row_are_counted_and_the_third_opens_the_circuit(result: PostResult) -> None:
    once = HealthRecord().with_result(result, NOW_MS, 0)
    assert once == HealthRecord(failures=1, failed_ms=NOW_MS)
    assert TWICE.with_result(result, NOW_MS, acked_ms=AGO_MS) == HealthRecord(
        failures=3, failed_ms=NOW_MS, open_until_ms=NOW_MS + OPEN_S * 1000
    )
    assert OPEN.with_result(result, NOW_MS, 0) == OPEN, "it was under way when that was shut"
    acknowledged = TWICE.with_result(result, NOW_MS, acked_ms=AGO_MS + 1)
    assert acknowledged == TWICE._replace(failures=1, failed_ms=NOW_MS)


@pytest.mark.parametrize(("failures", "open_s"), [(3, 10), (8, 300), (50, OPEN_LIMIT_S)])
def test_it_is_open_twice_as_long_each_time_up_to_a_limit(failures: int, open_s: int) -> None:
    failed = HealthRecord(failures=failures, failed_ms=AGO_MS).with_result(FAILED, NOW_MS, 0)
    assert failed.open_until_ms == NOW_MS + open_s * 1000


@pytest.mark.parametrize(
    ("until_ms", "slows", "slow_s", "after"),
    [
        pytest.param(0, 0, SLOW_S, 1, id="the first"),
        pytest.param(NOW_MS, 1, 2 * SLOW_S, 2, id="at once again"),
        pytest.param(NOW_MS - SLOW_LIMIT_S * 1000 + 1, 2, 4 * SLOW_S, 3, id="within an hour"),
        pytest.param(NOW_MS - SLOW_LIMIT_S * 1000, 2, SLOW_S, 1, id="an hour later"),
        pytest.param(NOW_MS, 10, SLOW_LIMIT_S, 11, id="no longer than an hour"),
    ],
)
def test_an_account_that_disappoints_is_not_quick_for_longer_each_time(
    until_ms: int, slows: int, slow_s: int, after: int
) -> None:
    before = HealthRecord(slow_until_ms=until_ms, slows=slows)
    assert before.after_slow_post(NOW_MS) == HealthRecord(
        slow_until_ms=NOW_MS + slow_s * 1000, slows=after
    )


def test_what_was_under_way_when_that_was_noted_disappoints_no_more() -> None:
    recorded = HealthRecord(slow_until_ms=NOW_MS + 1, slows=1)
    assert recorded.after_slow_post(NOW_MS) == recorded


def test_a_lease_replaces_its_own_and_those_that_are_over() -> None:
    before = HealthRecord(leases=(("a", NOW_MS + 1), ("over", NOW_MS), ("mine", NOW_MS + 9)))
    after = before.with_lease("mine", NOW_MS + 5, NOW_MS)
    assert after.leases == (("a", NOW_MS + 1), ("mine", NOW_MS + 5))
    assert after.without_lease("mine").leases == (("a", NOW_MS + 1),)
