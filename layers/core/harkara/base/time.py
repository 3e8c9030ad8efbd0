"""Convert times, and tell the time left in an invocation.

Work that would not finish in time is queued again instead.
"""

import math
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ParamSpec, TypeVar

from harkara.base.errors import OutOfTime

Clock = Callable[[], float]
"""Returns Unix time in seconds."""

# IST has had no daylight saving since 1945, so it needs no time zone data.
IST_OFFSET_S = 5 * 3600 + 1800
DAY_S = 24 * 3600
END_MS = 10**13 - 1
"""Later than any time, and as long as any in Unix milliseconds."""

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS_S = {"d": DAY_S, "h": 3600, "m": 60, "s": 1}

RETRY_AFTER_LIMIT_S = 86_400
# The time reserved at the end of an invocation to answer, and to report failed batch items.
ANSWER_S = 2.0


def utc_text(at_ms: int) -> str:
    """Return Unix milliseconds in ISO 8601, UTC: `2026-01-31T18:30:00.000Z`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration_s(text: str) -> int:
    """Return a duration such as 30m, 24h, 90d in seconds. Raises ValueError with the rule."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("write a duration as 90s, 30m, 24h or 7d")
    return int(match[1]) * _UNITS_S[match[2]]


def duration_text(seconds: int) -> str:
    """Return a duration as it is written, in the largest unit of which it is a multiple."""
    fitting = (unit for unit, length_s in _UNITS_S.items() if seconds % length_s == 0)
    unit = next(fitting) if seconds else "s"
    return f"{seconds // _UNITS_S[unit]}{unit}"


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


# Work may always begin while at least this share of the invocation is left, however long it may
# take: otherwise work as long as a whole invocation would be queued again for ever.
_ALWAYS_ENOUGH = 0.6
_LEFT_S: ContextVar[Callable[[], float]] = ContextVar("left_s", default=lambda: math.inf)

P = ParamSpec("P")
T = TypeVar("T")


class Deadline:
    """The end of an invocation, from the remaining time that Lambda reports, in seconds."""

    def __init__(self, remaining_s: Callable[[], float]) -> None:
        self.remaining_s = remaining_s
        self.budget_s = remaining_s()

    def allows(self, needed_s: float) -> bool:
        """Return whether work that takes up to `needed_s` may begin."""
        return self.remaining_s() >= self._enough_s(needed_s)

    def require(self, needed_s: float) -> None:
        """Raise OutOfTime unless work that takes up to `needed_s` may begin."""
        if not self.allows(needed_s):
            raise OutOfTime("too little time is left")

    @contextmanager
    def keeping(self, needed_s: float) -> Iterator[None]:
        """Reserve `needed_s` for later work: inside the context `left_s` is shorter by as much."""
        with _within(lambda: self.remaining_s() - self._enough_s(needed_s)):
            yield

    def _enough_s(self, needed_s: float) -> float:
        return min(needed_s, self.budget_s * _ALWAYS_ENOUGH)


@contextmanager
def invocation(context: Any) -> Iterator[Deadline]:
    """Yield the deadline of a Lambda context; inside, `left_s` counts down to it."""
    deadline = Deadline(lambda: float(context.get_remaining_time_in_millis()) / 1000)
    with _within(deadline.remaining_s):
        yield deadline


def left_s() -> float:
    """Return how long the work at hand may take, in seconds; infinite outside an invocation."""
    return _LEFT_S.get()()


class Threads(ThreadPoolExecutor):
    """A thread pool that passes the caller's context, and so its deadline, to each call.

    `asyncio.to_thread` does the same.
    """

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        context = copy_context()
        return super().submit(lambda: context.run(call, *args, **kwargs))


@contextmanager
def without_patience() -> Iterator[None]:
    """Inside the context a call is tried once: no time is left for pauses."""
    with _within(lambda: 0.0):
        yield


@contextmanager
def _within(left: Callable[[], float]) -> Iterator[None]:
    token = _LEFT_S.set(left)
    try:
        yield
    finally:
        _LEFT_S.reset(token)
