"""Records that a process remembers, by name, for some seconds.

A record that is remembered answers only what it suits: before anything is refused on its account
it is read anew, since an operator or a customer may have changed it a moment ago. So is what was
absent. Whoever keeps asking for what does not suit costs a read in `CONFIRMED_S`, no more.

Seconds are those of the wall clock. The monotonic clock may stand still while Lambda keeps a
process frozen between two invocations, or as a snapshot, and what it counts would outlive that.
"""

import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from harkara.base.time import Clock

CONFIRMED_S = 2.0
# What was read so lately is of now.
NOW_S = 0.1

T = TypeVar("T")


class _Known(NamedTuple, Generic[T]):
    """What was read when; `confirmed_s` is when it was last read anew because it did not suit."""

    value: T | None
    read_s: float
    confirmed_s: float | None = None


class Cache(Generic[T]):
    """Remembers up to `limit` records for `kept_s` seconds each, and as many that are absent.

    `read` gets a name and what is remembered of it, which it may return where that still stands.
    What is absent has a room of its own: invented names push nothing out that exists.
    """

    def __init__(
        self,
        read: Callable[[str, T | None], T | None],
        kept_s: float,
        limit: int,
        clock: Clock,
    ) -> None:
        self._read = read
        self._kept_s = kept_s
        self._clock = clock
        self._limit = limit
        self._present: dict[str, _Known[T]] = {}
        self._absent: dict[str, _Known[T]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._present) + len(self._absent)

    def get(self, name: str, suits: Callable[[T], bool] | None = None) -> T | None:
        """Return a record, None where there is none; raises what `read` raises.

        Where `suits` is false of what is remembered, the record is read anew.
        """
        known, now_s = self._present.get(name) or self._absent.get(name), self._clock()
        if known is None or not self._is_within(known.read_s, self._kept_s, now_s):
            return self._remember(name, _Known(self._read(name, known and known.value), now_s))
        suited = known.value is not None and (suits is None or suits(known.value))
        is_of_now = self._is_within(known.read_s, NOW_S, now_s)
        if suited or is_of_now or self._is_within(known.confirmed_s, CONFIRMED_S, now_s):
            return self._remember(name, known)
        return self._remember(name, _Known(self._read(name, known.value), now_s, now_s))

    def _remember(self, name: str, known: _Known[T]) -> T | None:
        """Put a record behind those that were used before it; forget the first if it is full."""
        with self._lock:
            for room in (self._present, self._absent):
                room.pop(name, None)
            room = self._absent if known.value is None else self._present
            room[name] = known
            if len(room) > self._limit:
                del room[next(iter(room))]
        return known.value

    @staticmethod
    def _is_within(then_s: float | None, span_s: float, now_s: float) -> bool:
        """Whether a time is less than a span ago. One to come is of a clock that was set back."""
        return then_s is not None and 0 <= now_s - then_s < span_s
