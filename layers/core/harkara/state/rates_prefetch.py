"""Capacity of a shared rate limit that one process reserves in advance and spends locally.

One compare-and-swap per message stops scaling once many processes write the same few items. A
process with enough traffic therefore reserves its expected demand for `PREFETCH_S`, and spends that
without a call. Prefetched capacity has its fixed place in time, like any other reservation; the
unspent rest expires. So a process that dies, is frozen or runs out of messages blocks that much
capacity for that long, and never spends it after it is resumed.
"""

import math
from dataclasses import dataclass, field
from threading import Lock

PREFETCH_S = 0.2
PREFETCH_US = int(PREFETCH_S * 1_000_000)
# The time over which a process averages its own traffic.
_AVERAGED_S = 0.25
# With a smaller expected demand than this, most of a prefetch would be lost.
_LEAST_MESSAGES = 2
# At a slow shard it takes more: prefetched capacity expires there before it is needed, while others
# wait for it.
_LEAST_SLOW = 8
# A process remembers this many flows that stand in line.
_FLOWS_KEPT = 1_000


@dataclass(slots=True)
class Demand:
    """The traffic of this process: an exponentially decaying count."""

    amount: float = 0.0
    at_us: int = 0

    def add(self, count: int, now_us: int) -> None:
        """Count `count` units at `now_us`."""
        self.amount = self._decayed(now_us) + count
        self.at_us = now_us

    def to_reserve(self, count: int, now_us: int, wait_us: int = 0, *, slow: bool = False) -> int:
        """Return how much to reserve for a request of `count`: `count` alone in thin traffic.

        `wait_us` is how far away that capacity is; traffic that arrives until then needs it as
        well. At a `slow` shard only a large demand is worth a prefetch.
        """
        expected_s = PREFETCH_S + wait_us / 1_000_000
        expected = int((self._decayed(now_us) + count) / _AVERAGED_S * expected_s)
        least = _LEAST_SLOW if slow else _LEAST_MESSAGES
        return expected if expected >= least * count else count

    def _decayed(self, now_us: int) -> float:
        passed_s = max(0, now_us - self.at_us) / 1_000_000
        return self.amount * math.exp(-passed_s / _AVERAGED_S)


@dataclass(slots=True)
class Prefetched:
    """An unspent stretch of a shard's time line (Unix microseconds), for any flow or for one."""

    shard: str
    rate_per_s: float
    begins_us: int
    ends_us: int
    flow: str = ""

    def find(self, count: int, now_us: int) -> int | None:
        """Return when `count` units may go out; None if the rest is too short."""
        begins_us = max(self.begins_us, now_us)
        return begins_us if begins_us + width_us(count, self.rate_per_s) <= self.ends_us else None

    def spend(self, count: int, at_us: int) -> None:
        """Spend `count` units at the time that `find` returned."""
        self.begins_us = at_us + width_us(count, self.rate_per_s)


@dataclass(slots=True)
class Holdings:
    """The prefetched capacity and the demand of this process for one rate limit.

    Hold the lock to spend, and never across a call.
    """

    lock: Lock = field(default_factory=Lock)
    prefetched: list[Prefetched] = field(default_factory=list)
    turns: dict[str, Prefetched] = field(default_factory=dict)
    demands: dict[str, Demand] = field(default_factory=dict)
    flow_demands: dict[str, Demand] = field(default_factory=dict)

    def keep(self, prefetched: Prefetched, now_us: int) -> None:
        """Keep prefetched capacity, and forget expired capacity."""
        with self.lock:
            self.prefetched = [each for each in self.prefetched if each.ends_us > now_us]
            if prefetched.begins_us < prefetched.ends_us:
                self.prefetched.append(prefetched)

    def spend_turn(self, flow: str, count: int, after_us: int) -> int | None:
        """Spend turns of a flow in its line after that time; None if there are too few."""
        with self.lock:
            turns = self.turns.get(flow)
            at_us = turns.find(count, after_us) if turns else None
            if turns and at_us is not None:
                turns.spend(count, at_us)
            return at_us

    def keep_turns(self, turns: Prefetched) -> None:
        """Keep turns of a flow in its line."""
        if len(self.turns) >= _FLOWS_KEPT:
            self.turns.clear()
        self.turns[turns.flow] = turns

    def flow_width_us(self, flow: str, count: int, rate_per_s: float, now_us: int) -> int:
        """Return the width to reserve for `count` of a flow that stands in line, by its own demand.

        Only this flow can spend it.
        """
        if len(self.flow_demands) >= _FLOWS_KEPT:
            self.flow_demands.clear()
        demand = self.flow_demands.setdefault(flow, Demand())
        amount = demand.to_reserve(count, now_us, PREFETCH_US)
        demand.add(count, now_us)
        own_us = width_us(count, rate_per_s)
        return max(own_us, min(width_us(amount, rate_per_s), PREFETCH_US))


def width_us(count: int, rate_per_s: float) -> int:
    """Return how many microseconds `count` units take at a rate, rounded up."""
    return math.ceil(count * 1_000_000 / rate_per_s)
