"""Limit an account's promotional RCS messages to a number in a month of India.

Each number of an account has an item of its own with a timeline (`month`) of the month and how many
messages went there in it, which all processes extend together. The number stands there as a keyed
hash. What a carrier did not take after all stays counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from harkara.base.time import DAY_S, IST_OFFSET_S, Clock, Threads
from harkara.state.stores import Extension, LineStore

_LINE = "month"
_THREADS = 16
# More messages than any month has, so that each month has its own part of the line.
_MONTH_UNITS = 10**9
_KEPT_S = 40 * DAY_S


@dataclass(frozen=True, slots=True)
class RcsMonths:
    """Counts promotional RCS messages by number. `pseudonym` hashes an account and a number."""

    store: LineStore
    clock: Clock
    pseudonym: Callable[[str, str], str]

    def take(self, account_id: str, messages: Mapping[int, tuple[str, int]]) -> set[int]:
        """Count messages, as (number, limit of the month); return those beyond their limits.

        The keys are the caller's. A message beyond its limit is not counted. Raises
        StoreUnavailable; messages may then be counted.
        """
        begins = _month(self.clock()) * _MONTH_UNITS
        expires_at_s = int(self.clock()) + _KEPT_S

        def is_beyond(key: int) -> bool:
            number, limit = messages[key]
            line = Extension(begins, 1, 1, begins + limit - 1)
            name = f"rcs-month#{account_id}#{self.pseudonym(account_id, number)}"
            return not self.store.extend_all(name, {_LINE: line}, expires_at_s)[0]

        with Threads(_THREADS) as pool:
            beyond = list(pool.map(is_beyond, messages))
        return {key for key, is_so in zip(messages, beyond, strict=True) if is_so}


def _month(now_s: float) -> int:
    day = datetime.fromtimestamp(now_s + IST_OFFSET_S, UTC)
    return day.year * 12 + day.month
