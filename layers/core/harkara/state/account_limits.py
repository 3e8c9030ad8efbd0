"""How much an account may send: requests and segments a second, and segments a day.

Each limit of a second is a generic cell rate algorithm: it keeps the time at which all that was
admitted has passed at the account's rate. A request is admitted when that lies at most a second
ahead, and then with all its segments, however many: the next waits until they have passed. The day
is strict: a request that would go beyond is refused in whole.

So that no item is hot, an account's limits are dealt out to shards; a request takes from one. An
account of many shards may thereby run ahead by one request a shard, and hear of the day's end
while no shard has room for its request, though all together would.

A busy process takes places in advance (`limit_lines`), which others then cannot use: of a second
for a moment, of a day what it never spends.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import Luck
from harkara.base.time import DAY_S, Clock
from harkara.model.accounts import Account, Limits
from harkara.model.messages import RECORD_LIMIT
from harkara.ports import Extension, LineStore
from harkara.state.account_limit_lines import DAY, Hand, Line, Refusal, lines_of
from harkara.state.rates_prefetch import Prefetched

SHARD_LIMIT = 16
REQUESTS_PER_S_AND_SHARD = 20
# Where requests are not limited: many segments come in one, and not all of the time.
SEGMENTS_PER_S_AND_SHARD = 100
SHARDS_TRIED = 3
# Each that fails has learned where the lines end; all but the first are for the request alone.
_TRIES = 4
# A process that was refused by what others took looks again after so long: half the burst, so that
# no place of a busy account passes unseen.
LOOK_EVERY_US = 500_000
_SHARED_US = 3_000_000
_KEEP_S = 2 * DAY_S
CACHED_SHARDS = 10_000


def shard_count(account: Account) -> int:
    """Return over how many shards an account's limits are dealt out.

    A shard's part of the day holds the largest request that the account may make.
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
    """An item as this process saw it last (Unix microseconds), and others wrote it, too."""

    name: str
    ends: Mapping[str, int] = field(default_factory=dict)
    at_us: int = 0
    shared_at_us: int = 0

    def is_shared(self, now_us: int) -> bool:
        """Whether others probably write it now."""
        return 0 <= now_us - self.shared_at_us <= _SHARED_US

    def expected(self, line: Line, now_us: int) -> int:
        """Return where a line probably ends: as far ahead as it was, where others write too."""
        end = self.ends.get(line.name, 0)
        passed_us = max(0, now_us - self.at_us) if self.is_shared(now_us) else 0
        return end + passed_us * (line.name != DAY)


class _Request(NamedTuple):
    """What is counted: against one shard's limits, of which the process has none for `lacking`."""

    account_id: str
    shards: int
    limits: Limits
    segment_count: int
    lacking: Collection[str]
    hand: Hand


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Counts requests against the limits of their accounts. Keep it as long as the process.

    What it saw of a shard last never falls behind the truth by a refusal: what is used up by then
    is used up, so a flood is refused without a call.
    """

    store: LineStore
    clock: Clock
    luck: Luck
    _shards: dict[str, _Shard] = field(default_factory=dict, init=False)
    _hands: dict[str, Hand] = field(default_factory=dict, init=False)
    # Held to look at a hand, and never across a call.
    _lock: Lock = field(default_factory=Lock, init=False)

    def take(self, account: Account, segment_count: int) -> None:
        """Count a request with its segments.

        Raises RequestRefused(RATE_LIMITED or DAILY_LIMIT) with `retry_after_s`, and then counts
        nothing; StoreUnavailable: it may be counted. An account without limits costs no call.
        """
        limits = account.limits
        if limits == Limits():
            return
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
        """Take what the process lacks from one of the account's shards, unless they refuse it."""
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
            # A second is over soon; the day is not, as long as a shard has room.
            if calls >= SHARDS_TRIED and refusal.code is Code.RATE_LIMITED:
                break
        soonest = min(refusals)
        if calls and soonest.code is Code.RATE_LIMITED:
            hand.refused_until_us = now_us + LOOK_EVERY_US
        return soonest

    def _take_at(self, shard: int, request: _Request) -> tuple[Refusal | None, int]:
        """Take from a shard; return why it refuses, and after how many calls."""
        seen = self._shard(f"rate#{request.account_id}#{shard}")
        for calls in range(_TRIES):
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
            # A moment later it may have room again, which others see as well.
            if refusal := _refusal(lines, seen.ends):
                return refusal, calls + 1
        raise StoreUnavailable("the account's limits stayed busy")

    def _extend(self, seen: _Shard, by: Mapping[str, Extension]) -> Mapping[str, int]:
        """Extend a shard's lines. Its item is kept until the day and all debts are over."""
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
            # Another process let a line reach so far that this one did not know.
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
            self._hands[account_id] = Hand(int(self.luck() * shards))
        return self._hands[account_id]

    def _now_us(self) -> int:
        return int(self.clock() * 1_000_000)


def _refusal(lines: Sequence[Line], ends: Mapping[str, int]) -> Refusal | None:
    """Return why a request may not pass where these lines end, the one that lasts longest."""
    refusals = [line.refusal(ends.get(line.name, 0)) for line in lines]
    return max(filter(None, refusals), default=None)


def _debts_us(ends: Mapping[str, int]) -> list[int]:
    """Return when what was admitted has passed, by each limit of a second."""
    return [end for line, end in ends.items() if line != DAY]
