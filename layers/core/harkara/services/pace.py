"""A carrier's rate in segments a second, kept by places in time that are reserved.

A place is the time at which a block may go out: the one before it then has passed at the rate. Over
any time no more goes out than rate x time and one block a shard. The lanes have rates of their own,
so bulk never takes the priority lane's share; a priority message goes in the place of a bulk one
where that comes sooner. A high rate is dealt out to shards, and the earliest is taken.

Nobody waits for another's backlog: while the places of a *flow* (an account's OTPs, or its other
messages of a lane) reach more than `HELD_S` ahead, it reserves no more. What it has beyond that
stands in the flow's own line: it learns when its turn would come if the carrier had nobody else,
and comes back just before. So a new flow's first block finds at most `HELD_S` and a block of each
other flow ahead of it, and one that is alone has all of the rate.

What a process remembers of a shard never lies behind the truth: times there only grow. So a shard
that it could write on what it remembered was the earliest of all, and a flow that it refuses would
be refused by all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from harkara.carrier_settings import CarrierSettings
from harkara.errors import StoreUnavailable
from harkara.hours import DAY_S
from harkara.messages import Category, Lane, lane_of
from harkara.ports import Clock, LimitStore, Luck
from harkara.retries import DUE_DELAY_S

SEGMENTS_PER_S_AND_SHARD = 100
SHARD_LIMIT = 16
HELD_S = 2.0
# What stands in line comes back so long before its turn: an invocation can wait for the rest.
AHEAD_S = 1.0
# In line or not, it looks so often whether the carrier has nobody: a pause may empty a line.
LOOK_EVERY_S = float(DUE_DELAY_S)
# Each that fails has learned a shard's time: so many others were quicker, all at once.
_SWAPS = 100


class Place(NamedTuple):
    """In how many seconds a block may go out.

    Not reserved: in how many it may ask again. `turn_s` is then its turn in its flow's line (Unix
    time), 0 where it stands in none, as it would come too late.
    """

    wait_s: float
    reserved: bool = True
    turn_s: float = 0.0


class Shard(NamedTuple):
    """A part of a rate, counted under its name; what is preferred has the lower number."""

    name: str
    rate_per_s: float
    preference: int = 0


class _Reach(NamedTuple):
    """How far a flow's places at a shard reach, and its line behind them (Unix microseconds)."""

    held_us: int = 0
    line_us: int = 0


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known of a shard: until when it is taken, and the flows that reach far ahead."""

    text: str = ""
    until_us: int = 0
    flows: dict[str, _Reach] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "_Standing":
        """Return what a text says that `reaching` made."""
        if not text:
            return cls()
        until, *flows = text.split(" ")
        rows = (flow.split(":") for flow in flows)
        return cls(text, int(until), {name: _Reach(int(a), int(b)) for name, a, b in rows})

    def reaching(self, until_us: int, flow: str, reach: _Reach, now_us: int) -> "_Standing":
        """Return what stands once a flow reaches so far. Flows that reserve freely are left out."""
        flows = {**self.flows, flow: reach} if flow else self.flows
        flows = {name: each for name, each in flows.items() if each.line_us > _held_us(now_us)}
        rows = (f" {name}:{each.held_us}:{each.line_us}" for name, each in flows.items())
        return _Standing(f"{until_us}{''.join(rows)}", until_us, flows)

    def admits(self, flow: str, now_us: int, *, in_turn: bool) -> bool:
        """Whether a flow may reserve: in its turn, without a line, or while nobody else does."""
        held_us, line_us = self.flows.get(flow, _Reach())
        if held_us > _held_us(now_us):
            return False
        return in_turn or line_us <= _held_us(now_us) or self.until_us <= now_us


@dataclass(frozen=True, slots=True)
class Pace:
    """Reserves places at carriers. Keep it as long as the process: it remembers the shards."""

    store: LimitStore
    clock: Clock
    luck: Luck
    _seen: dict[str, _Standing] = field(default_factory=dict, init=False)

    def reserve(
        self,
        carrier: CarrierSettings,
        account_id: str,
        category: Category,
        segment_count: int,
        within_s: float,
        turn_s: float = 0.0,
    ) -> Place:
        """Reserve a place for so many segments if it comes within `within_s`.

        `turn_s` is the turn that an earlier call named. A carrier without a rate costs no call.
        Raises StoreUnavailable: a place may be lost.
        """
        if not carrier.rate_segments_per_s:
            return Place(0.0)
        shards = shards_of(carrier, lane_of(category))
        return self.take(shards, segment_count, within_s, _flow(account_id, category), turn_s)

    def take(
        self,
        shards: Sequence[Shard],
        count: int,
        within_s: float,
        flow: str = "",
        turn_s: float = 0.0,
    ) -> Place:
        """Reserve a place for `count` in the earliest of these shards. Raises as `reserve` does.

        Without a flow only `within_s` bounds how far ahead.
        """
        for _ in range(_SWAPS):
            now_us = int(self.clock() * 1_000_000)
            in_turn = 0 < turn_s * 1_000_000 <= _held_us(now_us)
            known = [(shard, self._seen.get(shard.name, _Standing())) for shard in shards]
            free = [each for each in known if each[1].admits(flow, now_us, in_turn=in_turn)]
            if not free and turn_s and not in_turn:
                return Place(turn_s - now_us / 1_000_000 - AHEAD_S, reserved=False, turn_s=turn_s)
            begins_us, *_, shard = min(
                (
                    max(each.until_us if free else each.flows[flow].line_us, now_us),
                    shard.preference,
                    self.luck(),
                    shard,
                )
                for shard, each in free or known
            )
            standing = self._seen.get(shard.name, _Standing())
            begins_s = begins_us / 1_000_000
            wait_s = (begins_us - now_us) / 1_000_000 - (0 if free else AHEAD_S)
            if wait_s > within_s:
                return Place(wait_s, reserved=False)
            ends_us = begins_us + math.ceil(count * 1_000_000 / shard.rate_per_s)
            held_us, line_us = standing.flows.get(flow, _Reach())
            reach = _Reach(ends_us if free else held_us, max(ends_us, line_us))
            until_us = ends_us if free else standing.until_us
            if self._swap(shard, standing, standing.reaching(until_us, flow, reach, now_us)):
                return Place(wait_s) if free else Place(wait_s, reserved=False, turn_s=begins_s)
        raise StoreUnavailable("the rate stayed busy")

    def _swap(self, shard: Shard, seen: _Standing, new: _Standing) -> bool:
        """Write what is to stand where `seen` does; else learn what does. Say whether it is in."""
        ends_us = max([new.until_us, *(each.line_us for each in new.flows.values())])
        ends_s = ends_us // 1_000_000 + DAY_S
        standing = self.store.swap(shard.name, seen.text, new.text, ends_s)
        self._seen[shard.name] = new if standing is None else _Standing.read(standing)
        return standing is None


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


def _flow(account_id: str, category: Category) -> str:
    """Return the name of a flow: short, and without blanks. Two of one name would share a line."""
    kind = Category.OTP if category is Category.OTP else lane_of(category)
    return blake2b(f"{account_id}#{kind}".encode(), digest_size=6).hexdigest()


def _held_us(now_us: int) -> int:
    return now_us + int(HELD_S * 1_000_000)
