"""Plan a block attempt: which carrier gets each message, and which messages have to wait.

A batch waits for its send time and for the hours of its category. A message waits while its account
or campaign is paused, while none of its carriers is available (paused, its circuit breaker open,
not set up, or it asked to be left alone), and for its reservation at its carrier's rate.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base import retries
from harkara.base.errors import CarrierUnreachable
from harkara.base.time import Clock, Deadline
from harkara.carriers.contract import Connected
from harkara.model.messages import MessageBatch
from harkara.model.rcs import Channel
from harkara.model.routing import RcsFirst, Route, Rules, in_order
from harkara.model.submit_tasks import FIRST_FALLBACK, Repeat, Reserved, SubmitTask
from harkara.ports import RoutingStore
from harkara.state.circuit_breaker import CircuitBreakers
from harkara.state.rates import LOOK_EVERY_S, RateLimiter

# The invocation itself waits this long at most; longer waits go through the queue.
SHORT_WAIT_S = 1.0
# The count of block attempts that a pause, a circuit breaker or a carrier's rate holds back.
WAITING = "waiting"
# The time after the carrier's time-out to record an outcome and follow it up.
RECORD_S = 4.0
# A reservation whose time passed longer ago was lost: to a pause, or to the night.
_RESERVATION_KEPT_S = 300.0
_NO_RESERVATION = Reserved(0, 0)


@dataclass(frozen=True, slots=True)
class BlockPart:
    """The messages of a block that one claim covers at one attempt (see `SubmitTask`)."""

    batch: MessageBatch
    block: int
    attempt: int
    indexes: Sequence[int]
    tried: Mapping[str, Sequence[int]] = field(default_factory=dict)
    repeats: Mapping[int, Repeat] = field(default_factory=dict)
    rests: Mapping[str, int] = field(default_factory=dict)
    doubles: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The carrier of each message, and how long the other messages have to wait.

    `others` are the messages for which another carrier is left, should this one not take them.
    `reserved` are the reservations at carriers' rates, `rcs` the messages that go by RCS, and how.
    Without carriers nothing can go out. Dispatching takes up to `timeout_s`, and recording the
    outcome RECORD_S more.
    """

    carriers: Mapping[str, list[int]] = field(default_factory=dict)
    waits_s: Mapping[int, float] = field(default_factory=dict)
    connected: Mapping[str, Connected] = field(default_factory=dict)
    others: frozenset[int] = frozenset()
    reserved: Mapping[str, Reserved] = field(default_factory=dict)
    timeout_s: float = 0.0
    rcs: Mapping[int, RcsFirst] = field(default_factory=dict)


class Wait(NamedTuple):
    """Why a block attempt has to wait, how long, and its reservations at carriers."""

    reason: str
    delay_s: float
    reserved: Mapping[str, Reserved]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans block attempts. `carrier` raises CarrierUnreachable for a name that is not set up."""

    store: RoutingStore
    carrier: Callable[[str], Awaitable[Connected]]
    circuit_breakers: CircuitBreakers
    rate_limiter: RateLimiter
    clock: Clock

    async def look(
        self, part: BlockPart, rules: Rules, task: SubmitTask, deadline: Deadline
    ) -> tuple[Plan, Wait | None]:
        """Return a block attempt's plan, or why it waits. An expired one goes to no carrier."""
        batch, plan, now_s = part.batch, Plan(), self.clock()
        may_s = batch.ready_s(now_s)
        if may_s <= batch.expires_at_s:
            if may_s > now_s:
                return plan, Wait("deferred", may_s - now_s, task.reserved)
            plan = await self.plan(part, rules, task.waits)
        closed_s = _closed_s(batch, plan, self.clock())
        limited = any(plan.connected[name].settings.rate_segments_per_s for name in plan.carriers)
        if not deadline.allows(plan.timeout_s + RECORD_S):
            return plan, Wait("handed_on", 0, task.reserved)
        if closed_s:
            return plan, Wait("deferred", closed_s, task.reserved)
        paced = await self._keep_pace(part, plan, task.reserved) if limited else plan
        waits_s = paced.waits_s.values()
        if waits_s and (not paced.carriers or max(waits_s) <= SHORT_WAIT_S):
            left_s = batch.expires_at_s - self.clock() + 1  # once expired, it waits no more
            wait_s = max(waits_s) if paced.carriers else min(waits_s)
            return plan, Wait(WAITING, min(wait_s, left_s), paced.reserved)
        return paced, None

    async def plan(self, part: BlockPart, rules: Rules, waits: int) -> Plan:
        """Return the carriers of a block attempt's messages, regardless of the carriers' rates.

        `waits` is how often in a row it has waited already. If messages would wait by these rules,
        the rules are read again. Raises StoreUnavailable.
        """
        plan = await self._plan(part, rules, waits)
        if plan.waits_s:
            renewed = await asyncio.to_thread(self._renewed, part)
            if renewed != rules:
                plan = await self._plan(part, renewed, waits)
        return plan

    async def _plan(self, part: BlockPart, rules: Rules, waits: int) -> Plan:
        routes = {index: _route(part, rules, index) for index in part.indexes}
        orders = {index: _order(part, route, index) for index, route in routes.items()}
        connected = await self._connect(name for order in orders.values() for name in order)
        blocked_s = await asyncio.to_thread(self._blocked_s, connected, waits)
        for name, until_ms in part.rests.items():
            rest_s = until_ms / 1000 - self.clock()
            if name in connected and rest_s > 0:
                blocked_s[name] = max(rest_s, blocked_s.get(name, 0.0))
        carriers: dict[str, list[int]] = {}
        waits_s: dict[int, float] = {}
        others = set()
        available = connected.keys() - blocked_s.keys()
        tried_by = {name: set(indexes) for name, indexes in part.tried.items()}
        for index, order in orders.items():
            if rules.has_pauses and rules.pauses(part.batch.messages[index].campaign_id):
                waits_s[index] = retries.pause_delay(waits)
                continue
            tried = [name for name in order if index in tried_by.get(name, ())]
            chosen = choose(order, available, tried)
            if chosen is None:
                pause_s = retries.pause_delay(waits)
                waits_s[index] = min(blocked_s.get(name, pause_s) for name in order)
                continue
            carriers.setdefault(chosen, []).append(index)
            if available.intersection(order).difference(tried, (chosen,)):
                others.add(index)
        rcs = {
            index: route.rcs
            for index, route in routes.items()
            if route and route.rcs and index in carriers.get(route.rcs.carrier, ())
        }
        timeout_s = _timeout_s(carriers, connected)
        return Plan(carriers, waits_s, connected, frozenset(others), {}, timeout_s, rcs)

    async def _keep_pace(
        self, part: BlockPart, plan: Plan, reserved: Mapping[str, Reserved]
    ) -> Plan:
        """Return the plan with messages waiting until their reservation at their carrier's rate.

        Existing reservations are kept. Raises StoreUnavailable.
        """
        batch = part.batch
        carriers, waits_s, reservations = dict(plan.carriers), dict(plan.waits_s), {}
        for name, indexes in plan.carriers.items():
            settings = plan.connected[name].settings
            if not settings.rate_segments_per_s:
                continue
            now_s = self.clock()
            reservation = reserved.get(name, _NO_RESERVATION)
            at_s = reservation.at_ms / 1000
            if at_s < now_s - _RESERVATION_KEPT_S:
                reservation, at_s = _NO_RESERVATION, 0.0
            missing = sum(batch.messages[index].segment_count for index in indexes)
            missing -= reservation.segment_count
            left_s = max(0.0, batch.expires_at_s - now_s)
            wait_s = max(0.0, at_s - now_s)
            if missing > 0:
                turn_s = 0.0 if reservation.segment_count else at_s
                more = await asyncio.to_thread(
                    self.rate_limiter.reserve,
                    settings,
                    batch.account_id,
                    batch.category,
                    missing,
                    left_s,
                    turn_s,
                )
                if more.reserved:
                    now_s = self.clock()
                    wait_s = max(at_s - now_s if reservation.segment_count else 0.0, more.wait_s)
                    at_ms = int((now_s + wait_s) * 1000)
                    reservation = Reserved(reservation.segment_count + missing, at_ms)
                else:
                    wait_s = min(retries.wait_for_turn(more.wait_s), LOOK_EVERY_S)
                    reservation = Reserved(0, int(more.turn_s * 1000))
            if reservation.at_ms:
                reservations[name] = reservation
            if wait_s > 0:
                del carriers[name]
                # A message that has no reservation before it expires comes back just after that.
                waits_s.update(dict.fromkeys(indexes, min(wait_s, left_s + 1)))
        timeout_s = _timeout_s(carriers, plan.connected)
        connected, others = plan.connected, plan.others
        return Plan(carriers, waits_s, connected, others, reservations, timeout_s, plan.rcs)

    async def deduplicates(self, name: str) -> bool:
        """Whether an SMS carrier takes only one message per reference."""
        connected = await self._connect([name])
        settings = connected[name].settings if name in connected else None
        return bool(settings and settings.deduplicates and settings.channel is Channel.SMS)

    def _renewed(self, part: BlockPart) -> Rules:
        return self.store.rules(part.batch.account_id, anew=True)

    async def _connect(self, names: Iterable[str]) -> dict[str, Connected]:
        """Return the carriers of these names that are set up."""
        found = {}
        for name in dict.fromkeys(names):
            try:
                found[name] = await self.carrier(name)
            except CarrierUnreachable:  # for an operator to mend; the others go on
                continue
        return found

    def _blocked_s(self, connected: Mapping[str, Connected], waits: int) -> dict[str, float]:
        """Return the carriers that get no messages, and for how many seconds."""
        waits_s = {
            name: retries.pause_delay(waits)
            if each.settings.paused
            else self.circuit_breakers.wait_s(name)
            for name, each in connected.items()
        }
        return {name: wait_s for name, wait_s in waits_s.items() if wait_s > 0}


def choose(
    order: Sequence[str], available: Collection[str], tried: Collection[str] = ()
) -> str | None:
    """Return the first available carrier, preferring one not in `tried`; None if none is."""
    left = [name for name in order if name in available]
    return next((name for name in left if name not in tried), left[0] if left else None)


def _timeout_s(carriers: Iterable[str], connected: Mapping[str, Connected]) -> float:
    return max((connected[name].carrier.timeout_s for name in carriers), default=0.0)


def _closed_s(batch: MessageBatch, plan: Plan, now_s: float) -> float:
    """Return how long a batch waits if its last message might leave after its hours; else 0."""
    if not batch.daytime_only:
        return 0.0
    last_s = now_s + plan.timeout_s
    may_s = batch.ready_s(last_s)
    # A batch that expires before its hours begin again is reported once it has expired.
    return min(may_s, batch.expires_at_s + 1) - now_s if plan.carriers and may_s > last_s else 0.0


def _route(part: BlockPart, rules: Rules, index: int) -> Route | None:
    batch = part.batch
    return rules.route(batch.category, batch.messages[index].to) if rules.has_routes else None


def _order(part: BlockPart, route: Route | None, index: int) -> list[str]:
    """Return a message's carriers in order; if in doubt, only the one that may have it.

    An RCS carrier gets a message once, before all others.
    """
    batch = part.batch
    if index in part.repeats:
        return [part.repeats[index].carrier]
    if route is None:
        return [batch.carrier]
    order = in_order(route.carriers, batch.mid(index), part.attempt)
    rcs = route.rcs if batch.messages[index].rcs and part.attempt < FIRST_FALLBACK else None
    if rcs and index not in part.tried.get(rcs.carrier, ()):
        order.insert(0, rcs.carrier)
    return order
