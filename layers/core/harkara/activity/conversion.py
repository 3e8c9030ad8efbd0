"""Watch how many OTPs of a prefix are verified. Few mean SMS pumping, or that no code arrives.

An hour is compared with the week before it, once 15 minutes of it have passed. Of a prefix that had
too few OTPs in that week, the whole account's share counts: pumping often begins with a country
that had none. An account that gives no feedback is not watched.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.activity.counting import account_partition, hour_text
from harkara.activity.names import split_name
from harkara.activity.store import ActivityReader
from harkara.base.errors import StoreUnavailable
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import DAY_S, Clock
from harkara.model.activity import HOUR_MS, hour_of

OTPS_LEAST = 50
"""With fewer OTPs no share is compared."""

_RIPE_MS = HOUR_MS // 4
_WEEK_MS = 7 * DAY_S * 1000
_LOOK_EVERY_S = 300
_WEEK_KEPT_MS = 6 * HOUR_MS
_ACCOUNTS_KEPT = 1_000


class Tally(NamedTuple):
    """OTPs that were accepted, and how many of them were verified."""

    accepted: int
    verified: int

    def is_low(self, usual: "Tally") -> bool:
        """Whether under half as many are verified as usual, of enough to tell."""
        share, half = 2 * self.verified * usual.accepted, usual.verified * self.accepted
        return self.accepted >= OTPS_LEAST and share < half


@dataclass(slots=True)
class _Known:
    """What this process knows of an account: when it looked, and the week before an hour."""

    looked_s: float = 0.0
    hour_ms: int = 0
    usual: Mapping[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConversionWatch:
    """Compares accounts' conversions, in the function `activity`, at most every five minutes."""

    store: ActivityReader
    clock: Clock
    emit: EventSink
    _known: dict[str, _Known] = field(default_factory=dict, init=False)

    def look(self, account_ids: Iterable[str]) -> None:
        """Log prefixes of accounts of whose OTPs under half as many as usual are verified.

        The next look makes good for one that the store does not answer.
        """
        now_s = self.clock()
        for account_id in account_ids:
            if len(self._known) >= _ACCOUNTS_KEPT and account_id not in self._known:
                self._known.clear()
            known = self._known.setdefault(account_id, _Known())
            if now_s - known.looked_s < _LOOK_EVERY_S:
                continue
            try:
                self._look(account_id, known, int(now_s * 1000))
            except StoreUnavailable:
                continue
            known.looked_s = now_s

    def _look(self, account_id: str, known: _Known, now_ms: int) -> None:
        hour_ms = hour_of(now_ms)
        if hour_ms - known.hour_ms >= _WEEK_KEPT_MS:
            before_ms = hour_ms - 2 * HOUR_MS
            known.usual = self._tallies(account_id, before_ms - _WEEK_MS, before_ms)
            known.hour_ms = hour_ms
        every = known.usual.values()
        whole = Tally(sum(each.accepted for each in every), sum(each.verified for each in every))
        if not whole.verified:
            return
        ripe = [hour_ms] if now_ms - hour_ms >= _RIPE_MS else []
        for each_ms in (hour_ms - HOUR_MS, *ripe):
            for prefix, tally in self._tallies(account_id, each_ms, each_ms).items():
                usual = known.usual.get(prefix, whole)
                usual = usual if usual.accepted >= OTPS_LEAST else whole
                if tally.is_low(usual):
                    self.emit(_event(account_id, hour_text(each_ms), prefix, tally, usual))

    def _tallies(self, account_id: str, from_ms: int, to_ms: int) -> Mapping[str, Tally]:
        """Return the tallies by prefix of the hours from one to another, both included."""
        counts: Counter[tuple[str, str]] = Counter()
        for prefix, measure, count in self._counts(account_id, from_ms, to_ms):
            counts[prefix, measure] += count
        return {
            prefix: Tally(counts[prefix, "accepted"], counts[prefix, "verified"])
            for prefix in sorted({prefix for prefix, _ in counts})
        }

    def _counts(self, account_id: str, from_ms: int, to_ms: int) -> Iterator[tuple[str, str, int]]:
        first, last = f"names#{hour_text(from_ms)}", f"names#{hour_text(to_ms)}"
        for _, item in self.store.counters(account_partition(account_id), first, last):
            for attribute, count in item.items():
                dimension, name, measure = split_name(attribute)
                if dimension == "prefix":
                    yield name, measure, count


def _event(account_id: str, hour: str, prefix: str, tally: Tally, usual: Tally) -> LogEvent:
    about = {
        "account_id": account_id,
        "hour": hour,
        "prefix": prefix,
        "accepted": tally.accepted,
        "verified": tally.verified,
        "usual_percent": round(100 * usual.verified / usual.accepted),
    }
    return LogEvent("few OTPs are verified", about, {"low_conversions": 1})
