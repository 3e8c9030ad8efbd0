"""Cache records in the process, by name, for some seconds.

A cached record is used only as long as it permits the request. Before a request is refused because
of a record, or because of its absence, the record is read anew, since an operator or a customer may
have changed it a moment ago. Repeated requests that are refused cost at most one read per
`CONFIRMED_S`.

Seconds are those of the wall clock. The monotonic clock may stand still while Lambda keeps a
process frozen between two invocations, or as a snapshot, so records would outlive their time.
"""

import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from harkara.base.time import Clock

CONFIRMED_S = 2.0
# Records read within this time count as current.
NOW_S = 0.1

T = TypeVar("T")


class _Known(NamedTuple, Generic[T]):
    """A cached record and its time of reading.

    `confirmed_s` is the last time that it was read anew because it did not suit.
    """

    value: T | None
    read_s: float
    confirmed_s: float | None = None


class Cache(Generic[T]):
    """Caches up to `limit` records for `kept_s` seconds each, and as many absent names.

    `read` gets a name and its cached record, which it may return if that has not changed. Absent
    names are cached apart, so invented names evict no existing record.
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
        """Return a record, None if there is none; raises the errors of `read`.

        If `suits` is false for the cached record, the record is read anew.
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
        """Store a record as the most recently used; evict the least recently used if it is full."""
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
        """Whether a time is less than a span ago; false for a future time (clock set back)."""
        return then_s is not None and 0 <= now_s - then_s < span_s
