"""A carrier's rate in segments a second, kept by places in time that are reserved.

A place is the time at which a block may go out: the one before it then has passed at the rate. Who
gets a place ahead waits for it and asks nobody again, so a campaign that was let out of a window
leaves at the carrier's rate. Over any time no more goes out than rate x time and one block a shard.

The lanes have rates of their own, so bulk never takes the priority lane's share; a priority message
goes in the place of a bulk one where that comes sooner. A high rate is dealt out to shards, and the
earliest is taken: what a process remembers of a shard never lies behind the truth, so the one that
it could write is the earliest of all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.carrier_settings import CarrierSettings
from harkara.errors import StoreUnavailable
from harkara.hours import DAY_S
from harkara.messages import Lane
from harkara.ports import Clock, LimitStore, Luck

SEGMENTS_PER_S_AND_SHARD = 100
SHARD_LIMIT = 16
# Each that fails has learned a shard's time: so many others were quicker, all at once.
_SWAPS = 100


class Place(NamedTuple):
    """In how many seconds a block may go out; not reserved: that is too late for it."""

    wait_s: float
    reserved: bool = True


class Shard(NamedTuple):
    """A part of a rate, counted under its name; what is preferred has the lower number."""

    name: str
    rate_per_s: float
    preference: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Reserves places at carriers. Keep it as long as the process: it remembers the shards."""

    store: LimitStore
    clock: Clock
    luck: Luck
    _until: dict[str, str] = field(default_factory=dict, init=False)

    def reserve(
        self, carrier: CarrierSettings, lane: Lane, segment_count: int, within_s: float
    ) -> Place:
        """Reserve a place for so many segments if it comes within `within_s`.

        A carrier without a rate costs no call. Raises StoreUnavailable: a place may be lost.
        """
        if not carrier.rate_segments_per_s:
            return Place(0.0)
        return self.take(shards_of(carrier, lane), segment_count, within_s)

    def take(self, shards: Sequence[Shard], count: int, within_s: float) -> Place:
        """Reserve a place for `count` in the earliest of these shards. Raises as `reserve` does."""
        for _ in range(_SWAPS):
            now_us = int(self.clock() * 1_000_000)
            begins_us, *_, shard = min(
                (max(self._until_us(shard), now_us), shard.preference, self.luck(), shard)
                for shard in shards
            )
            wait_s = (begins_us - now_us) / 1_000_000
            if wait_s > within_s:
                return Place(wait_s, reserved=False)
            until_us = begins_us + math.ceil(count * 1_000_000 / shard.rate_per_s)
            standing = self.store.swap(
                shard.name,
                self._until.get(shard.name, ""),
                str(until_us),
                until_us // 1_000_000 + DAY_S,
            )
            self._until[shard.name] = str(until_us) if standing is None else standing
            if standing is None:
                return Place(wait_s)
        raise StoreUnavailable("the rate stayed busy")

    def _until_us(self, shard: Shard) -> int:
        return int(self._until.get(shard.name) or 0)


def shards_of(carrier: CarrierSettings, lane: Lane) -> list[Shard]:
    """Return the shards in which a lane may take places; its own are preferred."""
    share = carrier.priority_share
    shares = {Lane.BULK: 1 - share}
    if lane is Lane.PRIORITY:
        shares = {Lane.PRIORITY: share, **shares}
    shards = []
    for preference, (each, part) in enumerate(shares.items()):
        rate = carrier.rate_segments_per_s * part
        count = min(SHARD_LIMIT, math.ceil(rate / SEGMENTS_PER_S_AND_SHARD))
        shards += [
            Shard(f"pace#{carrier.name}#{each}#{number}", rate / count, preference)
            for number in range(count)
        ]
    return shards
