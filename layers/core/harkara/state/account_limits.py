"""Limit how much an account may send: requests and segments a second, and segments a day.

Each per-second limit is a generic cell rate algorithm (GCRA): it keeps the time at which all
admitted traffic has passed at the account's rate. A request is admitted, with all its segments,
when that time lies at most a second ahead; the next request waits until they have passed. The daily
limit is strict: a request that would exceed it is refused whole.

To avoid a hot item, an account's limits are divided among shards, and a request takes from one. An
account with many shards may therefore run ahead by one request per shard, and may meet the daily
limit when no single shard has room for its request, though all together would.

A busy process reserves capacity in advance (`account_limit_lines`), which others then cannot use:
per-second capacity for a moment, and daily capacity until midnight IST if it is never spent.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import RandomFraction
from harkara.base.time import DAY_S, Clock
from harkara.model.accounts import Account, Limits
from harkara.model.messages import RECORD_LIMIT
from harkara.state.account_limit_lines import DAY, Hand, Line, Refusal, lines_of
from harkara.state.rates_prefetch import Prefetched
from harkara.state.stores import Extension, LineStore

SHARD_LIMIT = 16
REQUESTS_PER_S_AND_SHARD = 20
# Used where requests are not limited. Many segments arrive in one request, and not constantly.
SEGMENTS_PER_S_AND_SHARD = 100
SHARDS_TRIED = 3
# Each failed attempt learns where the lines end. Only the first one reserves in advance.
_ATTEMPTS = 4
# After a refusal that other processes' traffic caused, look again after this: half the burst, so
# that no free capacity of a busy account goes unseen.
LOOK_EVERY_US = 500_000
_SHARED_US = 3_000_000
_KEEP_S = 2 * DAY_S
CACHED_SHARDS = 10_000


def shard_count(account: Account) -> int:
    """Return the number of shards among which an account's limits are divided.

    One shard's part of the day is enough for the largest request that the account may make.
    """
    limits = account.limits
    if limits.requests_per_s:
        needed = limits.requests_per_s / REQUESTS_PER_S_AND_SHARD
    else:
        needed = limits.segments_per_s / SEGMENTS_PER_S_AND_SHARD
    shards = math.ceil(min(SHARD_LIMIT, needed))
    if limits.segments_per_day:
        shards = min(shards, limits.segments_per_day // (RECORD_LIMIT * account.segment_limit))
    return max(1, shards)


@dataclass(slots=True)
class _Shard:
    """A shard's item as this process last saw it, and when others wrote it (Unix microseconds)."""

    name: str
    ends: Mapping[str, int] = field(default_factory=dict)
    at_us: int = 0
    shared_at_us: int = 0

    def is_shared(self, now_us: int) -> bool:
        """Whether other processes probably write this item now."""
        return 0 <= now_us - self.shared_at_us <= _SHARED_US

    def expected(self, line: Line, now_us: int) -> int:
        """Return the probable end of a line: if others write it, as far ahead as last seen."""
        end = self.ends.get(line.name, 0)
        passed_us = max(0, now_us - self.at_us) if self.is_shared(now_us) else 0
        return end + passed_us * (line.name != DAY)


class _Request(NamedTuple):
    """A request to count against one shard; of the limits in `lacking` this process has none."""

    account_id: str
    shards: int
    limits: Limits
    segment_count: int
    lacking: Collection[str]
    hand: Hand


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Counts requests against the limits of their accounts. Keep one for the life of the process.

    The cached end of a line is never later than the stored one. A refusal by the cache is therefore
    correct, so a flood is refused without a call.
    """

    store: LineStore
    clock: Clock
    random_fraction: RandomFraction
    _shards: dict[str, _Shard] = field(default_factory=dict, init=False)
    _hands: dict[str, Hand] = field(default_factory=dict, init=False)
    # Held while a `Hand` is read or changed, never across a call.
    _lock: Lock = field(default_factory=Lock, init=False)

    def take(self, account: Account, segment_count: int) -> None:
        """Count a request with its segments.

        Raises RequestRefused(RATE_LIMITED or DAILY_LIMIT) with `retry_after_s`, and then counts
        nothing. After StoreUnavailable it may be counted.
        """
        limits = account.limits
        shards = shard_count(account)
        own = Limits(
            requests_per_s=limits.requests_per_s / shards,
            segments_per_s=limits.segments_per_s / shards,
            segments_per_day=limits.segments_per_day // shards,
        )
        now_us = self._now_us()
        lines = lines_of(own, now_us, segment_count, {})
        with self._lock:
            hand = self._hand(account.id, shards)
            spent = [(line, hand.spend(line)) for line in lines]
        lacking = {line.name for line, piece in spent if not piece}
        request = _Request(account.id, shards, own, segment_count, lacking, hand)
        refusal = self._take(request) if lacking else None
        with self._lock:
            if not refusal:
                hand.count(lines, now_us)
                return
            for line, piece in spent:
                if piece:
                    hand.keep(piece, line.now)
        wait_s = math.ceil((refusal.until_us - self._now_us()) / 1_000_000)
        raise RequestRefused(refusal.code, retry_after_s=max(1, wait_s))

    def _take(self, request: _Request) -> Refusal | None:
        """Take the missing capacity from one of the account's shards, or return the refusal."""
        hand, now_us = request.hand, self._now_us()
        if 0 < hand.refused_until_us - now_us <= LOOK_EVERY_US:
            return Refusal(hand.refused_until_us, Code.RATE_LIMITED)
        refusals, calls = [], 0
        for number in range(request.shards):
            shard = (hand.shard + number) % request.shards
            refusal, more = self._take_at(shard, request)
            if refusal is None:
                hand.shard = shard
                return None
            calls += more
            refusals.append(refusal)
            # A per-second refusal ends soon. A daily one holds only if all shards are full.
            if calls >= SHARDS_TRIED and refusal.code is Code.RATE_LIMITED:
                break
        soonest = min(refusals)
        if calls and soonest.code is Code.RATE_LIMITED:
            hand.refused_until_us = now_us + LOOK_EVERY_US
        return soonest

    def _take_at(self, shard: int, request: _Request) -> tuple[Refusal | None, int]:
        """Take from a shard; return its refusal, if any, and the number of calls."""
        seen = self._shard(f"rate#{request.account_id}#{shard}")
        for calls in range(_ATTEMPTS):
            now_us, ends = self._now_us(), seen.ends
            every = lines_of(request.limits, now_us, request.segment_count, ends)
            lines = [line for line in every if line.name in request.lacking]
            if refusal := _refusal(lines, ends):
                return refusal, calls
            more = [line for line in every if line not in lines and not _refusal([line], ends)]
            more = [] if calls else [line for line in more if request.hand.is_low(line, now_us)]
            by = {
                line.name: request.hand.extension(
                    line,
                    seen.expected(line, now_us),
                    now_us,
                    in_advance=not calls,
                    busy=seen.is_shared(now_us) or ends.get(line.name, 0) >= line.now,
                )
                for line in (*lines, *more)
            }
            begins = self._extend(seen, by)
            if begins:
                with self._lock:
                    for line in (*lines, *more):
                        own = line.width(line.count) if line in lines else 0
                        at, end = begins[line.name] + own, seen.ends[line.name]
                        piece = Prefetched(line.name, line.rate, at, end)
                        request.hand.keep(piece, line.now)
                return None, calls + 1
            every = lines_of(request.limits, now_us, request.segment_count, seen.ends)
            lines = [line for line in every if line.name in request.lacking]
            # At the same `now_us`: a moment later there may be room, but others see that as well.
            if refusal := _refusal(lines, seen.ends):
                return refusal, calls + 1
        raise StoreUnavailable("the account's limits stayed busy")

    def _extend(self, seen: _Shard, by: Mapping[str, Extension]) -> Mapping[str, int]:
        """Extend a shard's lines. Its item is kept until the day and all its lines are over."""
        now_us, before = self._now_us(), seen.ends
        debts_us = [each.limit_us + each.width_us for line, each in by.items() if line != DAY]
        expires_at_s = max([now_us, *debts_us, *_debts_us(before)]) // 1_000_000 + _KEEP_S
        begins, seen.ends = self.store.extend_all(seen.name, by, expires_at_s)
        if any(
            begins.get(line) != max(before.get(line, 0), each.now_us) for line, each in by.items()
        ):
            seen.shared_at_us = now_us
        seen.at_us = self._now_us()
        longest_us = max(_debts_us(seen.ends), default=0)
        if begins and longest_us // 1_000_000 >= expires_at_s:
            # Another process extended a line further than this one knew: keep the item longer.
            line = next(each for each in seen.ends if seen.ends[each] == longest_us)
            keep = Extension(0, 0, 0, longest_us, busy=True)
            self.store.extend_all(seen.name, {line: keep}, longest_us // 1_000_000 + _KEEP_S)
        return begins

    def _shard(self, name: str) -> _Shard:
        if len(self._shards) >= CACHED_SHARDS and name not in self._shards:
            self._shards.clear()
        return self._shards.setdefault(name, _Shard(name))

    def _hand(self, account_id: str, shards: int) -> Hand:
        if account_id not in self._hands:
            if len(self._hands) >= CACHED_SHARDS:
                self._hands.clear()
            self._hands[account_id] = Hand(int(self.random_fraction() * shards))
        return self._hands[account_id]

    def _now_us(self) -> int:
        return int(self.clock() * 1_000_000)


def _refusal(lines: Sequence[Line], ends: Mapping[str, int]) -> Refusal | None:
    """Return the longest refusal of a request by lines that end here, None if it may pass."""
    refusals = [line.refusal(ends.get(line.name, 0)) for line in lines]
    return max(filter(None, refusals), default=None)


def _debts_us(ends: Mapping[str, int]) -> list[int]:
    """Return when admitted traffic has passed, for each per-second limit."""
    return [end for line, end in ends.items() if line != DAY]
