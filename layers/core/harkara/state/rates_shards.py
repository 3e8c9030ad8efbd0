"""The items behind a rate limit, one per shard, as this process last saw them.

Times in them only grow, so a cached time is never later than the stored one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import nsmallest
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from harkara.base.ids import RandomFraction
from harkara.base.time import DAY_S, Clock
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Lane
from harkara.state.rates_prefetch import PREFETCH_US, width_us
from harkara.state.stores import Extension, Timeline, TimelineStore

HELD_S = 2.0
HELD_US = int(HELD_S * 1_000_000)


class Reach(NamedTuple):
    """How far a flow's reservations at a shard reach, and its line behind (Unix microseconds)."""

    held_us: int = 0
    line_us: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a shard: until when it is reserved, and the flows that reach far ahead."""

    timeline: Timeline = Timeline()
    flows: dict[str, Reach] = field(default_factory=dict)

    @classmethod
    def read(cls, timeline: Timeline) -> "Standing":
        """Parse a time line, whose text `reaching` made."""
        rows = (flow.split(":") for flow in timeline.text.split())
        return cls(timeline, {name: Reach(int(a), int(b)) for name, a, b in rows})

    @property
    def until_us(self) -> int:
        """Until when the shard is reserved (Unix microseconds)."""
        return self.timeline.until_us

    def reaching(self, until_us: int, flow: str, reach: Reach, now_us: int) -> "Standing":
        """Return the state once a flow reaches so far. Flows that reserve freely are left out."""
        flows = {**self.flows, flow: reach} if flow else self.flows
        flows = {name: each for name, each in flows.items() if each.line_us > now_us + HELD_US}
        rows = (f"{name}:{each.held_us}:{each.line_us}" for name, each in flows.items())
        return Standing(Timeline(until_us, " ".join(rows)), flows)

    def admits(self, flow: str, now_us: int, *, in_turn: bool) -> bool:
        """Whether a flow may reserve: within `HELD_S`, and in turn, without a line, or alone."""
        held_us, line_us = self.flows.get(flow, Reach())
        if held_us > now_us + HELD_US:
            return False
        return in_turn or line_us <= now_us + HELD_US or self.until_us <= now_us

    def line_us(self, flow: str) -> int:
        """Return how far a flow's line reaches (Unix microseconds)."""
        return self.flows.get(flow, Reach()).line_us

    @property
    def ends_us(self) -> int:
        """When all reservations and lines are over (Unix microseconds)."""
        return max([self.until_us, *(each.line_us for each in self.flows.values())])


SEGMENTS_PER_S_AND_SHARD = 100
SHARD_LIMIT = 16

# Small messages compare this many shards of each lane, not all.
_SHARDS_COMPARED = 3
# For this long a cached item counts as current.
_FRESH_US = 20_000
# For this long a shard that others write counts as being as busy as it was.
_REMEMBERED_US = 3_000_000


class Shard(NamedTuple):
    """A part of a rate limit, counted under its name; a lower `preference` is better."""

    name: str
    rate_per_s: float
    preference: int = 0


def shards_of(carrier: CarrierSettings, lane: Lane) -> list[Shard]:
    """Return the shards in which a lane may reserve; its own are preferred."""
    share = carrier.priority_share
    shares = {Lane.BULK: 1 - share}
    if lane is Lane.PRIORITY:
        shares = {Lane.PRIORITY: share, **shares}
    shards = []
    for preference, (each, part) in enumerate(shares.items()):
        rate = carrier.rate_segments_per_s * part
        count = min(SHARD_LIMIT, math.ceil(rate / SEGMENTS_PER_S_AND_SHARD))
        shards += [
            Shard(f"carrier-rate#{carrier.name}#{each}#{number}", rate / count, preference)
            for number in range(count)
        ]
    return shards


@dataclass(slots=True)
class _Cached:
    """A shard's item as this process last saw it; `shared` if other processes write it too."""

    existing: Standing = field(default_factory=Standing)
    at_us: int = 0
    shared: bool = False

    def is_stale(self, now_us: int) -> bool:
        """Whether other processes have probably written since."""
        return self.shared and not 0 <= now_us - self.at_us <= _FRESH_US

    def see(self, existing: Standing, now_us: int, *, shared: bool) -> None:
        """Cache an item, and whether another process has written it."""
        self.existing, self.at_us, self.shared = existing, now_us, shared


@dataclass(frozen=True, slots=True)
class ShardItems:
    """Reads and writes the items of shards. Keep one for the life of the process.

    `first` returns the random number that selects the shards that this process looks at first.
    """

    store: TimelineStore
    clock: Clock
    first: RandomFraction
    _cache: dict[str, _Cached] = field(default_factory=dict, init=False)

    def existing(self, name: str) -> Standing:
        """Return the cached state of a shard."""
        return self._cached(name).existing

    def expected_us(self, shard: Shard, count: int, now_us: int) -> int:
        """Return when a shard has room, by the cache.

        For many units the true time may be later, never earlier. For a few units this is a guess:
        where other processes write too, the shard is taken to be as busy as it was a moment ago.
        Reading all shards for an earlier time is not worth the calls.
        """
        cached = self._cached(shard.name)
        cached_us = max(cached.existing.until_us, now_us)
        if width_us(count, shard.rate_per_s) > PREFETCH_US or not cached.is_stale(now_us):
            return cached_us
        remembered = now_us - cached.at_us <= _REMEMBERED_US
        ahead_us = cached.existing.until_us - cached.at_us if remembered else 0
        return max(cached_us, now_us + max(ahead_us, PREFETCH_US))

    def candidates(self, shards: Sequence[Shard], count: int) -> Sequence[Shard]:
        """Return the shards to compare; for a small message a few of each lane.

        While these have room soon they are always the same, so that this process's cache of them is
        current.
        """
        if any(width_us(count, shard.rate_per_s) > PREFETCH_US for shard in shards):
            return shards
        now_us = self._now_us()
        lanes = [list(lane) for _, lane in groupby(shards, key=attrgetter("preference"))]
        own = [shard for lane in lanes for shard in self._own(lane)]
        expected_us = partial(self.expected_us, count=count, now_us=now_us)
        if min(map(expected_us, own)) <= now_us + 2 * PREFETCH_US:
            return own
        # Only roughly the earliest: else all processes would choose, and write, the same items.
        return [
            shard
            for lane in lanes
            for shard in nsmallest(
                _SHARDS_COMPARED, self._rotated(lane), key=lambda each: rough_us(expected_us(each))
            )
        ]

    def _own(self, lane: Sequence[Shard]) -> Sequence[Shard]:
        """Return the shards of a lane that this process looks at first."""
        return self._rotated(lane)[:_SHARDS_COMPARED]

    def _rotated(self, lane: Sequence[Shard]) -> Sequence[Shard]:
        first = int(self.first() * len(lane))
        return [*lane[first:], *lane[:first]]

    def extend(self, shard: Shard, by: Extension) -> tuple[int, int] | None:
        """Reserve a part of a shard; return its begin and end, None if that is beyond the limit."""
        cached = self._cached(shard.name)
        expected_us = max(cached.existing.until_us, by.now_us)
        expires_s = (by.limit_us + by.width_us) // 1_000_000 + DAY_S
        by = by._replace(busy=cached.shared or cached.existing.until_us >= by.now_us)
        begins_us, timeline = self.store.extend(shard.name, by, expires_s)
        cached.see(Standing.read(timeline), self._now_us(), shared=begins_us != expected_us)
        return None if begins_us is None else (begins_us, timeline.until_us)

    def swap(self, shard: Shard, seen: Standing, new: Standing) -> bool:
        """Replace an unchanged item; else cache the one that another process or thread wrote."""
        cached = self._cached(shard.name)
        expires_s = new.ends_us // 1_000_000 + DAY_S
        other = self.store.swap_timeline(shard.name, seen.timeline, new.timeline, expires_s)
        existing = new if other is None else Standing.read(other)
        cached.see(existing, self._now_us(), shared=other is not None)
        return other is None

    def _cached(self, name: str) -> _Cached:
        return self._cache.setdefault(name, _Cached())

    def _now_us(self) -> int:
        return int(self.clock() * 1_000_000)


def rough_us(at_us: int) -> int:
    """Return a time in steps of `PREFETCH_US`, to compare shards where a little later will do."""
    return at_us // PREFETCH_US
