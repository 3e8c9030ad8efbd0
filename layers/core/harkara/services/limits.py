"""How much an account may send: requests and segments a second, and segments a day.

Each limit of a second is a generic cell rate algorithm: it keeps the time at which all that was
admitted has passed at the account's rate. A request is admitted when that lies at most a second
ahead, and then with all its segments, however many: the next waits until they have passed. The day
is strict: a request that would go beyond is refused in whole.

So that no item is hot, an account's limits are dealt out to shards; a request takes from one. An
account of many shards may thereby run ahead by one request a shard, and hear of the day's end
while no shard has room for its request, though all together would.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.accounts import Account, Limits
from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.hours import DAY_S, IST_OFFSET_S
from harkara.jsons import decode, encode
from harkara.ports import Clock, LimitStore, Luck
from harkara.requests import RECORD_LIMIT

BURST_US = 1_000_000
SHARD_LIMIT = 16
REQUESTS_PER_S_AND_SHARD = 20
# Where requests are not limited: many segments come in one, and not all of the time.
SEGMENTS_PER_S_AND_SHARD = 100
SHARDS_TRIED = 3
# Whoever fails to write has seen another write: a shard's burst is used up before that.
_SWAPS = 50
_KEEP_S = 2 * DAY_S
CACHED_SHARDS = 10_000


class Usage(NamedTuple):
    """What a shard has admitted: when it has passed (Unix microseconds), how much on which day."""

    requests_until_us: int = 0
    segments_until_us: int = 0
    day: int = 0
    day_segment_count: int = 0


class Refusal(NamedTuple):
    """Why a shard admits nothing, and until when."""

    until_us: int
    code: Code


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


def admit(limits: Limits, usage: Usage, now_us: int, segment_count: int) -> Usage | Refusal:
    """Return a shard's usage with one more request, or why it is refused.

    `limits` are the shard's own. What is refused stays so until then, whatever others take.
    """
    day = max(usage.day, (now_us // 1_000_000 + IST_OFFSET_S) // DAY_S)
    day_segment_count = segment_count
    if day == usage.day:
        day_segment_count += usage.day_segment_count
    if limits.segments_per_day and day_segment_count > limits.segments_per_day:
        midnight_s = (day + 1) * DAY_S - IST_OFFSET_S
        return Refusal(midnight_s * 1_000_000, Code.DAILY_LIMIT)
    until_us = max(
        usage.requests_until_us if limits.requests_per_s else 0,
        # What sends nothing waits for no segments to pass.
        usage.segments_until_us if limits.segments_per_s and segment_count else 0,
    )
    if until_us > now_us + BURST_US:
        return Refusal(until_us - BURST_US, Code.RATE_LIMITED)
    return Usage(
        _passed_us(usage.requests_until_us, now_us, 1, limits.requests_per_s),
        _passed_us(usage.segments_until_us, now_us, segment_count, limits.segments_per_s),
        day,
        day_segment_count,
    )


def _passed_us(until_us: int, now_us: int, count: int, per_s: float) -> int:
    return max(until_us, now_us) + math.ceil(count * 1_000_000 / per_s) if per_s else 0


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Counts requests against the limits of their accounts.

    It writes on what this process saw last. That never falls behind the truth by a refusal: what
    is used up by then is used up, so a flood is refused without a call.
    """

    store: LimitStore
    clock: Clock
    luck: Luck
    _seen: dict[str, str] = field(default_factory=dict, init=False)

    def take(self, account: Account, segment_count: int) -> None:
        """Count a request with its segments.

        Raises RequestRefused(RATE_LIMITED or DAILY_LIMIT) with `retry_after_s`, and then counts
        nothing; StoreUnavailable. An account without limits costs no call.
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
        first = int(self.luck() * shards)
        refusals = []
        for shard in range(first, first + shards):
            refusal = self._take(f"rate#{account.id}#{shard % shards}", own, segment_count)
            if refusal is None:
                return
            refusals.append(refusal)
            # A second is over soon; the day is not, as long as a shard has room.
            if sum(each.code is Code.RATE_LIMITED for each in refusals) >= SHARDS_TRIED:
                break
        until_us, code = min(refusals)
        wait_s = math.ceil((until_us - self._now_us()) / 1_000_000)
        raise RequestRefused(code, retry_after_s=max(1, wait_s))

    def _take(self, name: str, limits: Limits, segment_count: int) -> Refusal | None:
        if len(self._seen) >= CACHED_SHARDS:
            self._seen.clear()
        for _ in range(_SWAPS):
            seen, now_us = self._seen.get(name, ""), self._now_us()
            usage = admit(limits, _decoded(seen), now_us, segment_count)
            if isinstance(usage, Refusal):
                return usage
            new = encode(usage).decode()
            ends_us = max(now_us, usage.requests_until_us, usage.segments_until_us)
            standing = self.store.swap(name, seen, new, ends_us // 1_000_000 + _KEEP_S)
            self._seen[name] = new if standing is None else standing
            if standing is None:
                return None
        raise StoreUnavailable("the account's limits stayed busy")

    def _now_us(self) -> int:
        return int(self.clock() * 1_000_000)


def _decoded(seen: str) -> Usage:
    return Usage(*decode(seen)) if seen else Usage()
