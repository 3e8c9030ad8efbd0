"""Convert times from and to the forms of JSON and HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

Clock = Callable[[], float]
"""Returns Unix time in seconds."""

# IST has had no daylight saving since 1945, so it needs no time zone data.
IST_OFFSET_S = 5 * 3600 + 1800
DAY_S = 24 * 3600

RETRY_AFTER_LIMIT_S = 86_400


def utc_text(at_ms: int) -> str:
    """Return Unix milliseconds in ISO 8601, UTC: `2026-01-31T18:30:00.000Z`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_date_s(value: str) -> float | None:
    """Return a date of an HTTP header as Unix time; None if the text is not a date."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, ArithmeticError, LookupError, TypeError):
        # The parser reads e-mail dates too, and some malformed ones raise other errors.
        return None
    # "-0000" and a date without a zone are returned naive, and mean UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def retry_after_s(value: str, now_s: float) -> int:
    """Return the seconds that a Retry-After header asks for, at most a day; 0 if invalid."""
    if value.isdecimal():
        return min(int(value[:9]), RETRY_AFTER_LIMIT_S)
    at_s = http_date_s(value)
    return 0 if at_s is None else int(min(max(0.0, at_s - now_s), RETRY_AFTER_LIMIT_S))
