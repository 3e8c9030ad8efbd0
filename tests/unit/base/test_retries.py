"""The times of retries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.retries import (
    DUE_DELAY_S,
    JITTER,
    LAST_TRY_S,
    SUBMIT_DELAYS_S,
    delay_after,
    is_refusal,
    next_round,
    submit_delay,
    with_jitter,
    within_validity,
)


@given(st.floats(0, 1e6), st.floats(0, 1, exclude_max=True))
def test_jitter_never_shortens_and_adds_a_fifth_at_most(delay_s: float, fraction: float) -> None:
    jittered = with_jitter(delay_s, fraction)
    assert delay_s <= jittered <= delay_s * 1.2


@pytest.mark.parametrize(
    ("attempt", "delay_s"),
    [
        pytest.param(0, 5, id="after the first"),
        pytest.param(1, 30, id="after the second"),
        pytest.param(2, None, id="after the last"),
        pytest.param(9, None, id="after more than there are"),
    ],
)
def test_a_schedule_ends(attempt: int, delay_s: int | None) -> None:
    assert delay_after(attempt, (5, 30)) == delay_s


@pytest.mark.parametrize(
    ("attempt", "retry_after_s", "delay_s"),
    [
        pytest.param(1, 0, 1, id="the first pause"),
        pytest.param(2, 0, 5, id="the second"),
        pytest.param(7, 0, 1800, id="the last of the schedule"),
        pytest.param(50, 0, 1800, id="it stays at half an hour"),
        pytest.param(1, 20, 20, id="the carrier wants more"),
        pytest.param(4, 1, 60, id="the carrier wants less"),
    ],
)
def test_a_submit_waits_for_its_schedule_and_its_carrier(
    attempt: int, retry_after_s: int, delay_s: int
) -> None:
    assert submit_delay(attempt, retry_after_s, 86_400) == delay_s


@pytest.mark.parametrize(
    ("wait_s", "left_s", "expected_s"),
    [
        pytest.param(600, 725, 600, id="it leaves time for a try, jitter included"),
        pytest.param(600, 724, 362, id="it might not"),
        pytest.param(600, 300, 150, id="nor does the message live so long"),
        pytest.param(600, 10, 5, id="a last time"),
        pytest.param(600, 9, 10, id="then it is over"),
        pytest.param(600, -3, 1, id="it is over already"),
        pytest.param(0, 5, 0, id="at once"),
        pytest.param(0, 4, 5, id="too late for that"),
    ],
)
def test_a_wait_does_not_outlive_the_message(
    wait_s: float, left_s: float, expected_s: float
) -> None:
    assert within_validity(wait_s, left_s) == expected_s


@given(st.integers(1, 20), st.integers(0, 10**5), st.floats(0, 10**6))
def test_a_message_is_tried_shortly_before_its_end_or_not_at_all(
    attempt: int, retry_after_s: int, left_s: float
) -> None:
    pause_s = submit_delay(attempt, retry_after_s, left_s)
    assert pause_s * (1 + JITTER) <= left_s or left_s < 2 * LAST_TRY_S
    assert pause_s <= max(0, left_s) + 1


@given(st.integers(0, 20), st.floats(0, 2000), st.floats(-10, 2000))
def test_nor_does_a_round_make_it_miss_its_last_try(
    rounds: int, delay_s: float, left_s: float
) -> None:
    following = next_round(rounds, delay_s, left_s)
    assert following.delay_s >= delay_s
    latest_s = left_s - LAST_TRY_S if left_s >= 2 * LAST_TRY_S else max(0, left_s) + 1
    assert following.delay_s <= max(delay_s, latest_s, min(left_s - 120, DUE_DELAY_S))


@pytest.mark.parametrize("status", range(100, 600))
def test_4xx_refuses_a_callback_unless_it_speaks_of_the_moment(status: int) -> None:
    passing = (404, 405, 408, 425, 429)
    assert is_refusal(status) == (400 <= status < 500 and status not in passing)


def test_the_pauses_between_submits_grow() -> None:
    assert list(SUBMIT_DELAYS_S) == sorted(set(SUBMIT_DELAYS_S))
