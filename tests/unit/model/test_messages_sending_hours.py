"""The hours of promotional messages, in India's time, on all days."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.model.messages import DAYTIME_CATEGORIES, Category, MessageBatch, next_open_s


def at(text: str) -> float:
    """Return an Indian time as Unix seconds."""
    return datetime.fromisoformat(f"{text}+05:30").timestamp()


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        pytest.param("2026-11-22T10:00:00", "2026-11-22T10:00:00", id="it opens"),
        pytest.param("2026-11-22T20:59:59.9", "2026-11-22T20:59:59.9", id="the last moment"),
        pytest.param("2026-11-22T21:00:00", "2026-11-23T10:00:00", id="it closes"),
        pytest.param("2026-11-22T09:59:59.5", "2026-11-22T10:00:00", id="nearly open"),
        pytest.param("2026-11-22T00:00:00", "2026-11-22T10:00:00", id="midnight"),
        pytest.param("2026-11-22T05:29:59", "2026-11-22T10:00:00", id="the day before in UTC"),
        pytest.param("2026-12-31T23:30:00", "2027-01-01T10:00:00", id="the year ends"),
        pytest.param("2028-02-28T22:00:00", "2028-02-29T10:00:00", id="a leap day"),
        pytest.param("1970-01-01T05:30:00", "1970-01-01T10:00:00", id="the epoch"),
    ],
)
def test_the_window_is_from_ten_to_nine_in_the_evening(now: str, opens: str) -> None:
    assert next_open_s(at(now)) == at(opens)


@given(st.integers(0, 2**33))
def test_it_is_open_when_it_opens_and_was_not_before(now_s: int) -> None:
    opens_s = next_open_s(now_s)
    assert 0 <= opens_s - now_s <= 13 * 3600
    assert next_open_s(opens_s) == opens_s
    assert opens_s == now_s or next_open_s(opens_s - 1) == opens_s


@pytest.mark.parametrize(
    ("send_at", "daytime_only", "now", "ready"),
    [
        pytest.param("", False, "2026-11-22T03:00:00", "2026-11-22T03:00:00", id="at once"),
        pytest.param("", True, "2026-11-22T03:00:00", "2026-11-22T10:00:00", id="not at night"),
        pytest.param(
            "2026-11-24T03:00:00", False, "2026-11-22T03:00:00", "2026-11-24T03:00:00", id="later"
        ),
        pytest.param(
            "2026-11-24T03:00:00", False, "2026-11-24T04:00:00", "2026-11-24T04:00:00", id="late"
        ),
        pytest.param(
            "2026-11-24T22:00:00", True, "2026-11-22T12:00:00", "2026-11-25T10:00:00", id="both"
        ),
        pytest.param(
            "2026-11-24T12:00:00", True, "2026-11-24T21:30:00", "2026-11-25T10:00:00", id="missed"
        ),
    ],
)
def test_a_batch_is_ready_at_its_time_and_in_the_window(
    send_at: str, daytime_only: bool, now: str, ready: str
) -> None:
    batch = MessageBatch(
        id="1" + "0" * 26,
        account_id="acme",
        carrier="sim",
        category=Category.PROMOTIONAL,
        accepted_at_ms=int(at("2026-11-22T02:00:00") * 1000),
        block_size=100,
        endpoints=(),
        messages=(),
        daytime_only=daytime_only,
        send_at_ms=int(at(send_at) * 1000) if send_at else 0,
    )
    assert batch.ready_s(at(now)) == at(ready)


def test_service_explicit_messages_keep_the_hours_of_promotional_ones() -> None:
    assert {Category.PROMOTIONAL, Category.SERVICE_EXPLICIT} == DAYTIME_CATEGORIES
