"""A circuit breaker per carrier: a failing one is left alone for a while, then comes back slowly.

Each process counts its own results. When at least half of the messages of the last half minute
failed, and at least ten (no connection, no answer, an error of the carrier's own; never a refusal
or a throttle), it opens the breaker for all: one item, which every process reads at most every few
seconds. After the cool-down a growing part of the traffic returns. During this return a single
failure may open the breaker, if it is half of the messages; the cool-down is then twice as long.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import RandomFraction
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import DAY_S, Clock
from harkara.state.cell import Cell
from harkara.state.stores import LimitStore

READ_EVERY_S = 5.0
WINDOW_S = 30.0
FAILURES_NEEDED = 10
COOL_DOWN_S = 15
COOL_DOWN_LIMIT_S = 900
# From the end of the cool-down: a tenth of the traffic, growing to all of it.
RETURN_S = 60.0
FIRST_SHARE = 0.1
# Traffic that may not return yet looks again after this.
NEXT_LOOK_S = 5.0
# A carrier that worked for this long begins with the shortest cool-down again.
_FORGIVEN_S = 600
# A process that failed to write twice has seen others open the breaker.
_SWAPS = 3

Phase = Literal["closed", "half-open", "open"]


class BreakerState(NamedTuple):
    """When a carrier's breaker last opened, until when, and how many times in a row."""

    opened_at_ms: int = 0
    open_until_ms: int = 0
    times: int = 0

    def open_for_s(self, now_ms: int) -> float:
        """Return how long the breaker stays open; 0 when it is not open."""
        return max(0, self.open_until_ms - now_ms) / 1000

    def is_returning(self, now_ms: int) -> bool:
        """Whether the cool-down is over, but not all of the traffic is back."""
        return 0 <= now_ms - self.open_until_ms < RETURN_S * 1000

    def share(self, now_ms: int) -> float:
        """Return the part of the traffic that may go to the carrier."""
        if self.open_for_s(now_ms):
            return 0.0
        back = (now_ms - self.open_until_ms) / (RETURN_S * 1000)
        return min(1.0, FIRST_SHARE + (1 - FIRST_SHARE) * back)

    def phase(self, now_ms: int) -> Phase:
        """Return the breaker's state by its usual name."""
        if self.open_for_s(now_ms):
            return "open"
        return "half-open" if self.is_returning(now_ms) else "closed"

    def held(self, now_ms: int, for_s: int) -> "BreakerState":
        """Return the state once an operator has opened the breaker; a longer time stays."""
        until_ms = max(self.open_until_ms, now_ms + for_s * 1000)
        return self._replace(opened_at_ms=now_ms, open_until_ms=until_ms)

    def closed(self, now_ms: int) -> "BreakerState":
        """Return the state once an operator has let all traffic back."""
        return BreakerState(self.opened_at_ms, now_ms - int(RETURN_S * 1000))

    def opened(self, now_ms: int) -> "BreakerState":
        """Return the state once the breaker has opened again."""
        forgiven = now_ms >= self.open_until_ms + _FORGIVEN_S * 1000
        times = 1 if forgiven else self.times + 1
        cool_down_s = min(COOL_DOWN_S * 2 ** (times - 1), COOL_DOWN_LIMIT_S)
        return BreakerState(now_ms, now_ms + cool_down_s * 1000, times)


@dataclass(slots=True)
class _Watch(Cell[BreakerState]):
    """This process's view of a carrier. `results` holds (Unix seconds, failed, total).

    `logged` is the share of the traffic that was last logged as kept away.
    """

    logged: float = 0.0
    results: list[tuple[float, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CircuitBreakers:
    """The circuit breakers of all carriers. Keep one for the life of the process: it counts.

    Each time a breaker is read while it is not closed, a log event gives the share of the traffic
    that it keeps away; one more event follows when it is closed again.
    """

    store: LimitStore
    clock: Clock
    random_fraction: RandomFraction
    emit: EventSink
    _watches: dict[str, _Watch] = field(default_factory=dict, init=False)

    def wait_s(self, carrier: str) -> float:
        """Return how long this traffic must leave a carrier alone, 0 for not at all.

        While the carrier returns, a random part of the traffic may go.
        """
        now_s = self.clock()
        state = self.state(carrier)
        now_ms = int(now_s * 1000)
        if open_for_s := state.open_for_s(now_ms):
            return open_for_s
        share = state.share(now_ms)
        return 0.0 if share == 1 or self.random_fraction() < share else NEXT_LOOK_S

    def state(self, carrier: str) -> BreakerState:
        """Return the state of a carrier's breaker, as read in the last seconds."""
        return self._read(carrier).value

    def look(self, carrier: str) -> BreakerState:
        """Return the state of a carrier's breaker as it is now. Raises StoreUnavailable."""
        watch = self._watch(carrier)
        watch.read(READ_EVERY_S, anew=True)
        return watch.value

    def change(self, carrier: str, change: Callable[[BreakerState], BreakerState]) -> None:
        """Replace a breaker's state for all processes, as an operator asks.

        Each process sees it within READ_EVERY_S. Raises StoreUnavailable.
        """
        watch = self._watch(carrier)
        for _ in range(_SWAPS):
            changed = change(self.look(carrier))
            if watch.swap(changed, max(changed.open_until_ms // 1000, int(self.clock())) + DAY_S):
                return
        raise StoreUnavailable("others kept changing the circuit breaker")

    def report(self, carrier: str, failed: int, count: int) -> bool:
        """Count a carrier's failed messages and all of them; return whether to open its breaker."""
        now_s = self.clock()
        watch = self._watch(carrier)
        state = watch.value
        watch.results.append((now_s, failed, count))
        # Results from before the cool-down say nothing about the time after it.
        since_s = max(now_s - WINDOW_S, state.open_until_ms / 1000)
        results = [each for each in watch.results if each[0] >= since_s]
        failures, total = sum(each[1] for each in results), sum(each[2] for each in results)
        needed = 1 if state.is_returning(int(now_s * 1000)) else FAILURES_NEEDED
        opens = failed > 0 and failures >= needed and 2 * failures >= total
        watch.results = [] if opens else results
        return opens

    def open(self, carrier: str) -> bool:
        """Open a carrier's breaker; return False if it was open already."""
        watch = self._watch(carrier)
        now_ms = int(self.clock() * 1000)
        for _ in range(_SWAPS):
            state = watch.value
            if state.open_for_s(now_ms):
                return False
            opened = state.opened(now_ms)
            ends_s = opened.open_until_ms // 1000 + DAY_S
            try:
                is_ours = watch.swap(opened, ends_s)
            except StoreUnavailable:  # this process, at least, leaves the carrier alone
                watch.keep(opened)
                is_ours = True
            self._log(carrier, watch, now_ms)
            if is_ours:
                return True
        return False

    def _read(self, carrier: str) -> _Watch:
        watch = self._watch(carrier)
        try:
            is_new = watch.read(READ_EVERY_S)
        except StoreUnavailable:  # keep the cached state; this is no reason to stop
            watch.read_at_s = self.clock()
            return watch
        if is_new:
            self._log(carrier, watch, int(watch.read_at_s * 1000))
        return watch

    def _watch(self, carrier: str) -> _Watch:
        if carrier not in self._watches:
            name = f"breaker#{carrier}"
            self._watches[carrier] = _Watch(self.store, self.clock, name, BreakerState)
        return self._watches[carrier]

    def _log(self, carrier: str, watch: _Watch, now_ms: int) -> None:
        kept_away = 1 - watch.value.share(now_ms)
        if kept_away or watch.logged:
            shares = {"breaker_state": kept_away}
            self.emit(LogEvent("breaker", {}, {}, carrier=carrier, shares=shares))
        watch.logged = kept_away
