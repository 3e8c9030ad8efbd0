"""When it is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.retries import SUBMIT_DELAYS_S, delay_after, submit_delay, with_jitter


@given(st.floats(0, 1e6), st.floats(0, 1, exclude_max=True))
def test_jitter_never_shortens_and_adds_a_fifth_at_most(delay_s: float, luck: float) -> None:
    jittered = with_jitter(delay_s, luck)
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
    assert submit_delay(attempt, retry_after_s) == delay_s


def test_the_pauses_between_submits_grow() -> None:
    assert list(SUBMIT_DELAYS_S) == sorted(set(SUBMIT_DELAYS_S))
