"""Show an operator how carriers do, and let their messages wait."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harkara.activity.carriers import CarrierDay, by_carrier, carrier_day
from harkara.activity.doubts import CarrierReceipts, Doubt
from harkara.activity.stats import Group, StatsService, time_of
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Lane
from harkara.model.routing import AccountCarrier, Routing
from harkara.state.circuit_breaker import BreakerState, CircuitBreakers
from harkara.state.rates_shards import shards_of
from harkara.state.stores import Timeline

# Carriers are read at the same time; each takes two calls.
_AT_ONCE = 16


class Setup(Protocol):
    """The carriers, and what uses them. Each method raises StoreUnavailable."""

    def carrier(self, name: str) -> CarrierSettings | None:
        """Return a carrier's settings."""
        ...

    def setup(self) -> tuple[list[CarrierSettings], list[AccountCarrier], dict[str, Routing]]:
        """Return all carriers, what accounts send by, and all routings, by name."""
        ...

    def change_carrier(
        self, name: str, change: Callable[[CarrierSettings], CarrierSettings]
    ) -> CarrierSettings | None:
        """Replace a carrier by the result of `change` and return it; None if there is none."""
        ...


class CarrierUses(NamedTuple):
    """The accounts that send by a carrier, and those whose routes lead to it (`*`: all)."""

    accounts: Sequence[str]
    routes: Sequence[str]


class CarrierStanding(NamedTuple):
    """A carrier, and how it does."""

    settings: CarrierSettings
    uses: CarrierUses
    breaker: BreakerState
    doubts: Sequence[Doubt]
    day: CarrierDay


class LaneUse(NamedTuple):
    """A lane's part of a carrier's rate, and in how many seconds a message would have its turn."""

    lane: Lane
    rate_per_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class CarrierService:
    """Shows carriers, pauses them, and opens and closes their circuit breakers.

    Its methods raise StoreUnavailable; those that take a name raise RequestRefused(NOT_FOUND).
    """

    store: Setup
    stats: StatsService
    breakers: CircuitBreakers
    timelines: Callable[[Sequence[str]], Mapping[str, Timeline]]

    def standings(self) -> list[CarrierStanding]:
        """Return all carriers. Reads the whole table of accounts."""
        carriers, accounts, routings = self.store.setup()
        return self._standings(carriers, accounts, routings)

    def standing(self, name: str) -> CarrierStanding:
        """Return a carrier. Reads the whole table of accounts."""
        carriers, accounts, routings = self.store.setup()
        named = [each for each in carriers if each.name == name]
        if not named:
            raise RequestRefused(Code.NOT_FOUND)
        (found,) = self._standings(named, accounts, routings)
        return found

    def as_of(self) -> str | None:
        """Return up to when what happened is counted, None if nothing is."""
        return time_of(self.stats.store.reached_ms())

    def uses(self, name: str) -> CarrierUses:
        """Return what uses a carrier, which need not exist. Reads the whole table of accounts."""
        _, accounts, routings = self.store.setup()
        return _uses(name, accounts, routings)

    def lanes(self, carrier: CarrierSettings) -> list[LaneUse]:
        """Return how far a carrier's rate is used, none if it has no rate."""
        shards = {
            lane: [each for each in shards_of(carrier, lane) if not each.preference]
            for lane in (Lane if carrier.rate_segments_per_s else ())
        }
        names = [each.name for own in shards.values() for each in own]
        found, now_s = self.timelines(names), self.stats.clock()
        return [
            LaneUse(
                lane,
                sum(each.rate_per_s for each in own),
                max(0.0, min(_until_s(found, each.name) for each in own) - now_s),
            )
            for lane, own in shards.items()
        ]

    def pause(self, name: str, *, paused: bool) -> None:
        """Let a carrier's messages wait, or go on."""
        changed = self.store.change_carrier(
            name, lambda settings: settings.model_copy(update={"paused": paused})
        )
        if changed is None:
            raise RequestRefused(Code.NOT_FOUND)

    def open_breaker(self, name: str, for_s: int) -> None:
        """Leave a carrier alone for so long; then its traffic returns slowly."""
        self._change_breaker(name, lambda state, now_ms: state.held(now_ms, for_s))

    def close_breaker(self, name: str) -> None:
        """Let all of a carrier's traffic back at once."""
        self._change_breaker(name, lambda state, now_ms: state.closed(now_ms))

    def _change_breaker(
        self, name: str, change: Callable[[BreakerState, int], BreakerState]
    ) -> None:
        if self.store.carrier(name) is None:
            raise RequestRefused(Code.NOT_FOUND)
        now_ms = int(self.stats.clock() * 1000)
        self.breakers.change(name, lambda state: change(state, now_ms))

    def _standings(
        self,
        carriers: Sequence[CarrierSettings],
        accounts: Sequence[AccountCarrier],
        routings: Mapping[str, Routing],
    ) -> list[CarrierStanding]:
        dead = by_carrier(self.stats, (each.account_id for each in accounts if each.dead_numbers))

        def standing(settings: CarrierSettings) -> CarrierStanding:
            name = settings.name
            breaker, day = self.breakers.look(name), carrier_day(self.stats, name)
            uses = _uses(name, accounts, routings)
            return CarrierStanding(settings, uses, breaker, _doubts(day, dead.get(name, ())), day)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(standing, carriers))


def _uses(
    name: str, accounts: Sequence[AccountCarrier], routings: Mapping[str, Routing]
) -> CarrierUses:
    return CarrierUses(
        [each.account_id for each in accounts if each.carrier == name],
        [
            account_id
            for account_id, routing in routings.items()
            if any(name in route.names for route in routing.routes)
        ],
    )


def _doubts(day: CarrierDay, dead: Sequence[Group]) -> list[Doubt]:
    receipts = CarrierReceipts()
    receipts.add(day["totals"], are_dead=False)
    for group in dead:
        receipts.add(group, are_dead=True)
    return receipts.doubts()


def _until_s(timelines: Mapping[str, Timeline], name: str) -> float:
    return timelines.get(name, Timeline()).until_us / 1_000_000
