"""A carrier's rate limit in segments a second, kept by reservations on a time line.

A reservation is the time at which a block may go out: by then the block before it has passed at the
rate. Over any time no more goes out than rate x time and one block per shard. Each lane has its own
rate, so bulk never takes the priority lane's share; a priority message uses bulk capacity where
that is available sooner. A high rate is divided among shards, and the earliest reservation is
taken.

No account waits for another's backlog: while the reservations of a *flow* (an account's OTPs, or
its other messages of a lane) reach more than `HELD_S` ahead, the flow reserves no more. Its further
blocks stand in the flow's own line: a block learns when its turn would come if the carrier had no
other traffic, and comes back just before. So a new flow's first block finds at most `HELD_S` and a
block of each other flow ahead of it, and a flow that is alone has all of the rate.

A reservation within `HELD_S` is appended without a condition on other processes' writes, so
processes do not refuse each other. A busy process reserves its demand for the next moment in
advance (`rates_prefetch`), at fixed times like all other reservations, so the rate holds strictly.
Small messages compare a few shards, and take one that is nearly the earliest. For a large block the
earliest of all shards is found: times only grow, so a cached time is never later than the stored
one. If the shard with the earliest cached time can be extended at exactly that time, it was the
earliest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import RandomFraction
from harkara.base.retries import DUE_DELAY_S
from harkara.base.time import Clock
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Category, lane_of
from harkara.state.rates_prefetch import PREFETCH_US, Demand, Holdings, Prefetched, width_us
from harkara.state.rates_shards import (
    HELD_S,
    HELD_US,
    SEGMENTS_PER_S_AND_SHARD,
    Reach,
    Shard,
    ShardItems,
    Standing,
    rough_us,
    shards_of,
)
from harkara.state.stores import Extension, TimelineStore

# A block in line comes back this long before its turn: an invocation can wait for the rest.
AHEAD_S = 1.0
# In line or not, a block checks this often if the carrier is idle: a pause may empty a line.
LOOK_EVERY_S = float(DUE_DELAY_S)
# Each failed attempt learns a shard's time; it takes that many quicker processes to fail them all.
_ATTEMPTS = 100
# At a high rate the expected demand has hardly any width, and would expire before it comes.
_LEAST_US = PREFETCH_US // 8


class Reservation(NamedTuple):
    """The answer to a request for a reservation: in how many seconds the block may go out.

    If it is not reserved: in how many seconds to ask again. `turn_s` is then its turn in its flow's
    line (Unix time), 0 where it stands in none, as the turn would come too late.
    """

    wait_s: float
    reserved: bool = True
    turn_s: float = 0.0


class _Request(NamedTuple):
    """The arguments of `take`; `demand` is this process's own, for its lane."""

    amount: int
    demand: Demand
    within_s: float
    flow: str
    turn_s: float


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """The rate limiter of carriers. Keep one for the life of the process; threads may share it."""

    store: TimelineStore
    clock: Clock
    random_fraction: RandomFraction
    _items: ShardItems = field(init=False)
    _locals: dict[str, Holdings] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_items", ShardItems(self.store, self.clock, cache(self.random_fraction))
        )

    def reserve(
        self,
        carrier: CarrierSettings,
        account_id: str,
        category: Category,
        segment_count: int,
        within_s: float,
        turn_s: float = 0.0,
    ) -> Reservation:
        """Reserve capacity for these segments if it is available within `within_s`.

        `turn_s` is the turn that an earlier call returned. A carrier without a rate costs no call.
        Raises StoreUnavailable; a reservation may then be lost.
        """
        if not carrier.rate_segments_per_s:
            return Reservation(0.0)
        shards = shards_of(carrier, lane_of(category))
        return self.take(shards, segment_count, within_s, _flow(account_id, category), turn_s)

    def take(
        self,
        shards: Sequence[Shard],
        count: int,
        within_s: float,
        flow: str = "",
        turn_s: float = 0.0,
    ) -> Reservation:
        """Reserve capacity for `count` in the earliest of these shards. Raises as `reserve` does.

        Without a flow, only `within_s` limits how far ahead.
        """
        # The lists of both lanes of a carrier end with the same shard.
        local = self._locals.setdefault(shards[-1].name, Holdings())
        demand = local.demands.setdefault(shards[0].name, Demand())
        request = _Request(count, demand, within_s, flow, turn_s)
        reservation = self._take(shards, request, local)
        if reservation.reserved:
            demand.add(count, self._now_us())
        return reservation

    def _take(self, all_shards: Sequence[Shard], request: _Request, local: Holdings) -> Reservation:
        flow, turn_s = request.flow, request.turn_s
        shards = self._items.candidates(all_shards, request.amount)
        for attempt in range(_ATTEMPTS):
            now_us = self._now_us()
            in_turn = 0 < turn_s <= now_us / 1_000_000 + HELD_S
            reservation = self._spend(all_shards, request, local, now_us, in_turn=in_turn)
            if reservation:
                return reservation
            cached = [(shard, self._items.existing(shard.name)) for shard in shards]
            free = [each for each in cached if each[1].admits(flow, now_us, in_turn=in_turn)]
            if not free and turn_s and not in_turn:
                return self._turn(turn_s)
            *_, shard, existing = min(
                (
                    self._items.expected_us(shard, request.amount, now_us)
                    if free
                    else rough_us(existing.flows[flow].line_us),
                    shard.preference,
                    self.random_fraction(),
                    shard,
                    existing,
                )
                for shard, existing in free or cached
            )
            begins_us = max(existing.until_us if free else existing.flows[flow].line_us, now_us)
            wait_s = (begins_us - now_us) / 1_000_000 - (0 if free else AHEAD_S)
            if wait_s > request.within_s:
                if len(shards) == len(all_shards):
                    return Reservation(wait_s, reserved=False)
                shards = all_shards  # one that was left out may be early enough
            elif free:
                reservation = self._reserve(shard, existing, request, local, now_us, attempt)
            else:
                reservation = self._stand_in_line(shard, existing, request, local, now_us)
            if reservation:
                return reservation
        raise StoreUnavailable("the rate stayed busy")

    def _reserve(
        self,
        shard: Shard,
        existing: Standing,
        request: _Request,
        local: Holdings,
        now_us: int,
        attempt: int,
    ) -> Reservation | None:
        """Reserve capacity at a shard; None if other processes were quicker."""
        begins_us = max(existing.until_us, now_us)
        own_us = width_us(request.amount, shard.rate_per_s)
        if request.flow and begins_us + own_us > now_us + HELD_US:
            return self._reserve_far(shard, existing, request, local, now_us)
        slow = shard.rate_per_s < SEGMENTS_PER_S_AND_SHARD
        amount = request.demand.to_reserve(request.amount, now_us, begins_us - now_us, slow=slow)
        expected_us = min(max(width_us(amount, shard.rate_per_s), _LEAST_US), PREFETCH_US)
        prefetches = (
            amount > request.amount and own_us < expected_us <= now_us + HELD_US - begins_us
        )
        taken_us = expected_us if prefetches else own_us
        limit_us = self._items.expected_us(shard, request.amount, now_us)
        if own_us <= PREFETCH_US:  # a little later is fine: another shard costs another call
            limit_us += HELD_US if attempt else PREFETCH_US
        if request.flow:
            limit_us = min(limit_us, now_us + HELD_US - taken_us)
        if math.isfinite(request.within_s):
            limit_us = min(limit_us, now_us + int(request.within_s * 1_000_000))
        # At an idle shard nobody waits: reserve more, so that the next requests need not wait.
        idle_us = PREFETCH_US if prefetches else own_us
        extension = Extension(now_us, taken_us, idle_us, limit_us)
        taken = self._items.extend(shard, extension)
        if taken is None:
            return None
        at_us, until_us = taken
        local.keep(Prefetched(shard.name, shard.rate_per_s, at_us + own_us, until_us), now_us)
        return self._reservation(at_us)

    def _reserve_far(
        self, shard: Shard, existing: Standing, request: _Request, local: Holdings, now_us: int
    ) -> Reservation | None:
        """Reserve capacity further ahead than a flow may without being named in the item."""
        flow, begins_us = request.flow, max(existing.until_us, now_us)
        own_us = width_us(request.amount, shard.rate_per_s)
        until_us = begins_us + local.flow_width_us(flow, request.amount, shard.rate_per_s, now_us)
        reach = Reach(until_us, max(until_us, existing.line_us(flow)))
        if not self._items.swap(shard, existing, existing.reaching(until_us, flow, reach, now_us)):
            return None
        begins, rate = begins_us + own_us, shard.rate_per_s
        local.keep(Prefetched(shard.name, rate, begins, until_us, flow), now_us)
        return self._reservation(begins_us)

    def _stand_in_line(
        self, shard: Shard, existing: Standing, request: _Request, local: Holdings, now_us: int
    ) -> Reservation | None:
        """Take a turn in the flow's line, from this process's own turns or from the shard's."""
        flow, begins_us = request.flow, existing.line_us(request.flow)
        at_us = local.spend_turn(flow, request.amount, now_us + HELD_US)
        if at_us is None:
            until_us = begins_us + local.flow_width_us(
                flow, request.amount, shard.rate_per_s, now_us
            )
            reach = Reach(existing.flows[flow].held_us, until_us)
            new = existing.reaching(existing.until_us, flow, reach, now_us)
            if not self._items.swap(shard, existing, new):
                return None
            turns = Prefetched(shard.name, shard.rate_per_s, begins_us, until_us, flow)
            turns.spend(request.amount, begins_us)
            local.keep_turns(turns)
            at_us = begins_us
        return self._turn(at_us / 1_000_000)

    def _spend(
        self,
        shards: Sequence[Shard],
        request: _Request,
        local: Holdings,
        now_us: int,
        *,
        in_turn: bool,
    ) -> Reservation | None:
        """Take prefetched capacity at a shard where the flow need not stand in line."""
        names = {shard.name for shard in shards}
        with local.lock:
            found = [
                (at_us, number, each)
                for number, each in enumerate(local.prefetched)
                if each.shard in names
                and (at_us := each.find(request.amount, now_us)) is not None
                and at_us <= now_us + request.within_s * 1_000_000
                and (
                    each.flow == request.flow
                    if each.flow
                    else self._items.existing(each.shard).admits(
                        request.flow, now_us, in_turn=in_turn
                    )
                )
            ]
            if not found:
                return None
            at_us, _, prefetched = min(found)
            prefetched.spend(request.amount, at_us)
        return self._reservation(at_us)

    def _reservation(self, at_us: int) -> Reservation:
        # The calls before may have taken a while.
        return Reservation(max(0, at_us - self._now_us()) / 1_000_000)

    def _turn(self, turn_s: float) -> Reservation:
        return Reservation(turn_s - self.clock() - AHEAD_S, reserved=False, turn_s=turn_s)

    def _now_us(self) -> int:
        return int(self.clock() * 1_000_000)


def _flow(account_id: str, category: Category) -> str:
    """Return a short name for a flow, without blanks. Flows with the same name share a line."""
    kind = Category.OTP if category is Category.OTP else lane_of(category)
    return blake2b(f"{account_id}#{kind}".encode(), digest_size=6).hexdigest()
