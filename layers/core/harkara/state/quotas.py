"""Quotas: how much of something may be used in a minute, an hour, a day or a month of India.

    rate#<account>#spend          what messages cost, in millionths, of a day and of a month
    rate#<account>#otp#<prefix>   OTPs to numbers with this prefix, of a minute, an hour, a day

An item has a line for each period, which all processes extend together or not at all. A line only
grows: each period has its own stretch of it, so the cached end of a line is never later than the
stored one, and a refusal by the cache is correct.

A busy process takes what it expects to use within a second, at most a thousandth of the quota and a
hundredth of what is left of it, and uses the rest without a call. So one item is enough for an
account, and a changed quota counts at once: no shards hold parts of it. What a process has taken
counts as used: no quota is exceeded, and a process that is gone keeps that little from the others
until the period ends.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, NamedTuple

from harkara.base.errors import StoreUnavailable
from harkara.base.time import DAY_S, IST_OFFSET_S, Clock
from harkara.state.rates_prefetch import Demand
from harkara.state.stores import Extension, LineStore

PeriodName = Literal["minute", "hour", "day", "month"]
_WIDTHS_S: Mapping[PeriodName, int] = {"minute": 60, "hour": 3_600, "day": DAY_S}
# More than any period has, so that each has its own part of one line.
_UNITS = 10**16
_SECOND_US = 1_000_000
_PARTS, _PARTS_LEFT = 1_000, 100
# `Demand` tells how much a process needs in a fifth of a second.
_AHEAD = 5
_ATTEMPTS = 4
_ITEMS_KEPT = 10_000


class Quota(NamedTuple):
    """The most that may be used in each of these periods."""

    period: PeriodName
    amount: int


class Exhausted(NamedTuple):
    """A period whose quota does not hold the amount, and the seconds to its end.

    `room` is how much would pass now.
    """

    period: PeriodName
    wait_s: int
    room: int


class _Line(NamedTuple):
    """A quota in its present period: what of it is used, and in hand, which counts as used."""

    quota: Quota
    number: int
    used: int
    held: int

    @property
    def room(self) -> int:
        return max(0, self.quota.amount - self.used) + self.held

    @property
    def ends_s(self) -> int:
        return _begins_s(self.quota.period, self.number + 1)

    def extension(self, amount: int, in_advance: int) -> Extension:
        """Return how to extend the line for an amount, or for more of it in advance."""
        quota, begins = self.quota.amount, self.number * _UNITS
        most = min(quota // _PARTS, (quota - self.used) // _PARTS_LEFT)
        width = max(amount - self.held, min(in_advance, most))
        return Extension(begins, width, width, begins + quota - width, busy=self.used > 0)


@dataclass(slots=True)
class _Item:
    """An item as this process last saw it, with what the process has in hand, by period."""

    ends: dict[str, int] = field(default_factory=dict)
    held: dict[str, tuple[int, int]] = field(default_factory=dict)
    demand: Demand = field(default_factory=Demand)

    def line(self, quota: Quota, now_s: float) -> _Line:
        end = self.ends.get(quota.period, 0)
        # A process whose clock is ahead may have begun the next period.
        number = max(_number(quota.period, now_s), end // _UNITS)
        held_of, held = self.held.get(quota.period, (0, 0))
        return _Line(quota, number, max(0, end - number * _UNITS), held if held_of == number else 0)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Counts amounts against quotas. Keep one for the life of the process."""

    store: LineStore
    clock: Clock
    _items: dict[str, _Item] = field(default_factory=dict, init=False)
    # Held while an item is read or changed, never across a call.
    _lock: Lock = field(default_factory=Lock, init=False)

    def exhausted(self, name: str, quotas: Sequence[Quota], amount: int) -> Exhausted | None:
        """Return the refusal of an amount as far as this process knows, without a call."""
        now_s = self.clock()
        with self._lock:
            item = self._item(name)
            return _refusal([item.line(quota, now_s) for quota in quotas], amount, now_s)

    def take(self, name: str, quotas: Sequence[Quota], amount: int) -> Exhausted | None:
        """Count an amount against all quotas of an item; return the refusal, which counts nothing.

        Raises StoreUnavailable: it may be counted.
        """
        for attempt in range(_ATTEMPTS):
            now_s = self.clock()
            now_us = int(now_s * _SECOND_US)
            with self._lock:
                item = self._item(name)
                lines = [item.line(quota, now_s) for quota in quotas]
                lacking = [line for line in lines if line.held < amount]
                if not lacking:
                    for line in lines:
                        item.held[line.quota.period] = line.number, line.held - amount
                    item.demand.add(amount, now_us)
                    return None
                if refusal := _refusal(lacking, amount, now_s):
                    return refusal._replace(room=min(line.room for line in lines))
                expected = item.demand.to_reserve(amount, now_us)
                in_advance = _AHEAD * expected if expected > amount and not attempt else 0
                by: dict[str, Extension] = {
                    line.quota.period: line.extension(amount, in_advance) for line in lacking
                }
            # An item is kept until all its periods are over.
            expires_at_s = max(line.ends_s for line in lines) + DAY_S
            begins, ends = self.store.extend_all(name, by, expires_at_s)
            with self._lock:
                # Another thread may have seen a later end; an earlier one costs a call at most.
                item.ends.update(ends)
                for line in lacking if begins else ():
                    period = line.quota.period
                    held_of, held = item.held.get(period, (0, 0))
                    own = held if held_of == line.number else 0
                    item.held[period] = line.number, own + by[period].width_us
        raise StoreUnavailable("the quota stayed busy")

    def take_most(
        self, name: str, quotas: Sequence[Quota], amount: int
    ) -> tuple[int, Exhausted | None]:
        """Count as much of an amount as passes; return it, with the refusal of the rest.

        Raises StoreUnavailable: it may be counted.
        """
        refused, count = None, amount
        for _ in range(_ATTEMPTS):
            if not (refusal := self.take(name, quotas, count)):
                return count, refused and (self.exhausted(name, quotas, 1) or refused)
            refused, count = refusal, min(count, refusal.room)
            if not count:
                break
        return 0, refused

    def give_back(
        self, name: str, quotas: Sequence[Quota], amount: int, taken_after_s: float
    ) -> None:
        """Keep an amount in hand that was counted after that time and is not used.

        This process may use it until the period ends; to others it stays counted.
        """
        with self._lock:
            item = self._item(name)
            for quota in quotas:
                held_of, held = item.held.get(quota.period, (0, 0))
                if held_of == _number(quota.period, taken_after_s):
                    item.held[quota.period] = held_of, held + amount

    def _item(self, name: str) -> _Item:
        if len(self._items) >= _ITEMS_KEPT and name not in self._items:
            self._items.clear()
        return self._items.setdefault(name, _Item())


def _refusal(lines: Sequence[_Line], amount: int, now_s: float) -> Exhausted | None:
    """Return the refusal that lasts longest, None if all lines have room."""
    full = [line for line in lines if line.room < amount]
    if not full:
        return None
    last = max(full, key=lambda line: line.ends_s)
    room = min(line.room for line in lines)
    return Exhausted(last.quota.period, max(1, math.ceil(last.ends_s - now_s)), room)


def _number(period: PeriodName, now_s: float) -> int:
    """Return the number of the period, by the clocks of India."""
    ist_s = int(now_s) + IST_OFFSET_S
    if period == "month":
        day = datetime.fromtimestamp(ist_s, UTC)
        return day.year * 12 + day.month - 1
    return ist_s // _WIDTHS_S[period]


def _begins_s(period: PeriodName, number: int) -> int:
    if period == "month":
        year, month = divmod(number, 12)
        return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) - IST_OFFSET_S
    return number * _WIDTHS_S[period] - IST_OFFSET_S
