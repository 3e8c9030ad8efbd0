"""The health of callback endpoints, shared by all processes: whether to post to one now.

An endpoint that acknowledged a callback lately is trusted: it gets as many posts at a time as its
settings allow. Any other gets one at a time, as a probe. When posts fail in a row, the endpoint's
circuit opens, for longer each time; callbacks then fail unposted and hold up no others. One
item holds the state, and every process reads it every few seconds; a trusted endpoint that
acknowledges costs a write every five minutes.

A post occupies the execution that makes it, and delays everything that waits for that execution. So
only an endpoint that is trusted and quick is posted to at once, with a short time-out. When such a
post takes longer all the same, no endpoint of its account counts as quick for a while. The posts to
all other endpoints, each of which may take its whole time-out, occupy few executions per account at
a time.
"""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from harkara.base.errors import StoreUnavailable
from harkara.base.time import DAY_S, Clock
from harkara.model.callbacks import CallbackEndpoint, PostResult
from harkara.model.messages import Endpoint
from harkara.state.cell import Cell
from harkara.state.endpoint_health_record import HealthRecord, is_slow
from harkara.state.rates import RateLimiter
from harkara.state.rates_prefetch import PREFETCH_S
from harkara.state.rates_shards import HELD_S, Shard
from harkara.state.stores import LimitStore

READ_EVERY_S = 3.0
# The time-out of a post to a quick endpoint.
PATIENCE_S = 2.0
# Endpoints that are not quick may occupy this many of ten executions per account.
EXECUTIONS_OF_TEN = 3
_TEN = 10
# A post that begins a little later needs no new write of its seat.
_SEAT_MARGIN_MS = 5000
# A throttled endpoint that reopens within this is waited for; a longer time is a failure.
THROTTLED_WAIT_S = 60
# A reservation at the endpoint's rate is no further ahead: the invocation waits for it.
RATE_WAIT_S = HELD_S
# All posts to an endpoint are one flow of the rate limiter.
_FLOW = "posts"
_KEPT_S = 30 * DAY_S
_SWAPS = 20
_REMEMBERED = 10_000


class Verdict(Enum):
    """The decision on a callback: post it, let it wait, or count it as failed unposted."""

    POST = auto()
    WAIT = auto()
    FAILING = auto()
    GONE = auto()


class Admission(NamedTuple):
    """The decision on one post. `wait_s` must pass before the post, or before the next check.

    `lease` is held by the post until `report`; `seat` is its part in occupying its execution;
    `within_s` is its time-out. For a post that waits, `trusted` says that others are being made,
    and `turn_s` is its turn at the endpoint's rate (Unix time), if it stands in line there.
    """

    verdict: Verdict
    wait_s: float = 0.0
    lease: str = ""
    trusted: bool = False
    seat: str = ""
    within_s: float = math.inf
    turn_s: float = 0.0


@dataclass(slots=True)
class _Watch(Cell[HealthRecord]):
    """This process's view of an endpoint, and when it last got an acknowledgement itself."""

    acked_ms: int = 0


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """The health of all endpoints. Keep one for the life of the process: it caches them.

    `concurrency` is how many executions post waiting callbacks; `process()` names this process.
    """

    store: LimitStore
    rate_limiter: RateLimiter
    clock: Clock
    process: Callable[[], str] = field(default_factory=lambda: cache(lambda: os.urandom(8).hex()))
    concurrency: int = _TEN
    _watches: dict[str, _Watch] = field(default_factory=dict, init=False)
    # The posts under way that occupy this process, by account.
    _seated: dict[str, set[str]] = field(default_factory=dict, init=False)

    def acquire(
        self,
        account_id: str,
        endpoint: Endpoint,
        settings: CallbackEndpoint,
        lease: str,
        lease_s: float,
        *,
        at_once: bool = False,
        turn_s: float = 0.0,
    ) -> Admission:
        """Decide whether to post to an endpoint. After POST, call `report` or `release`.

        `lease` names the post, and ends by itself after `lease_s`. With `at_once`, post only if the
        endpoint is quick. `turn_s` is the turn that an earlier call returned. Raises
        StoreUnavailable.
        """
        name = name_of(account_id, endpoint)
        for _ in range(_SWAPS):
            watch, now_ms = self._read(name), int(self.clock() * 1000)
            if watch.value.gone or watch.value.open_for_s(now_ms):
                # A replay of dead letters may have opened the endpoint a moment ago.
                watch, now_ms = self._read(name, anew=True), self._now_ms()
            record = watch.value
            trusted = record.is_trusted(now_ms)
            if record.gone:
                return Admission(Verdict.GONE)
            if open_s := record.open_for_s(now_ms):
                waits = record.throttled and open_s <= THROTTLED_WAIT_S
                return Admission(Verdict.WAIT, open_s) if waits else Admission(Verdict.FAILING)
            quick = record.is_quick(now_ms) and not self._is_slow(account_id, now_ms)
            if at_once and not quick:
                return Admission(Verdict.WAIT)
            limit = settings.concurrency if trusted else 1
            if limit and sum(until_ms > now_ms for _, until_ms in record.leases) >= limit:
                return Admission(Verdict.WAIT, trusted=trusted)
            wait_s = 0.0
            if settings.rate_per_s:
                shard = Shard(f"{name}#rate", settings.rate_per_s)
                reservation = self.rate_limiter.take(
                    [shard], 1, PREFETCH_S if at_once else math.inf, _FLOW, turn_s
                )
                if not reservation.reserved:
                    turn_s = reservation.turn_s
                    return Admission(
                        Verdict.WAIT, reservation.wait_s, trusted=trusted, turn_s=turn_s
                    )
                wait_s = reservation.wait_s
            until_ms = now_ms + int((wait_s + lease_s) * 1000)
            if not (quick or self._take_seat(account_id, lease, until_ms)):
                return Admission(Verdict.WAIT, trusted=True)
            admission = Admission(Verdict.POST, wait_s)
            admission = (
                admission._replace(within_s=PATIENCE_S) if quick else admission._replace(seat=lease)
            )
            if not limit:
                return admission
            if self._swap(watch, record.with_lease(lease, until_ms, now_ms)):
                return admission._replace(lease=lease)
            self._leave_seat(account_id, admission)
        return Admission(Verdict.WAIT, trusted=trusted)

    def will_write(
        self, account_id: str, endpoint: Endpoint, admission: Admission, result: PostResult
    ) -> bool:
        """Whether `report` has anything to write; if not, it need not be called."""
        name, now_ms = name_of(account_id, endpoint), self._now_ms()
        if admission.lease or admission.seat or not result.acknowledged or is_slow(result):
            return True
        watch = self._watches.get(name) or self._new(name)
        watch.acked_ms = now_ms
        return watch.value.with_result(result, now_ms, now_ms) != watch.value

    def report(
        self, account_id: str, endpoint: Endpoint, admission: Admission, result: PostResult
    ) -> None:
        """Record the result of a post. Raises nothing: later posts will show the same."""
        name = name_of(account_id, endpoint)
        if result.status == 410 and "?" in endpoint.url and not endpoint.callback_id:
            # Only that query is gone. The path may be fine, as with a 404.
            result = replace(result, status=404)
        watch = self._watch(name)
        now_ms, acked_ms = self._now_ms(), watch.acked_ms
        if result.acknowledged:
            watch.acked_ms = now_ms
        with suppress(StoreUnavailable):
            self._change(
                name,
                lambda record: record.without_lease(admission.lease).with_result(
                    result, now_ms, acked_ms
                ),
            )
            if not admission.seat and is_slow(result):
                self._change(
                    account_name(account_id), lambda record: record.after_slow_post(now_ms)
                )
            self._leave_seat(account_id, admission)

    def release(self, account_id: str, endpoint: Endpoint, admission: Admission) -> None:
        """Record that nothing was posted. Raises nothing: a lease ends by itself."""
        with suppress(StoreUnavailable):
            self._change(
                name_of(account_id, endpoint), lambda record: record.without_lease(admission.lease)
            )
            self._leave_seat(account_id, admission)

    def record(self, account_id: str, endpoint: Endpoint) -> HealthRecord:
        """Return the present state of an endpoint, for people to read. Raises StoreUnavailable."""
        return self._read(name_of(account_id, endpoint), anew=True).value

    def reset(self, account_id: str, endpoint: Endpoint) -> None:
        """Allow posts again where an endpoint is gone or failing. Raises StoreUnavailable."""
        name = name_of(account_id, endpoint)
        watch = self._new(name)
        watch.read(READ_EVERY_S, anew=True)
        self._watches[name] = watch
        self._change(
            name,
            lambda record: HealthRecord(
                record.acked_ms, quick_ms=record.quick_ms, leases=record.leases
            ),
        )

    def _is_slow(self, account_id: str, now_ms: int) -> bool:
        return now_ms < self._read(account_name(account_id)).value.slow_until_ms

    def _take_seat(self, account_id: str, post: str, until_ms: int) -> bool:
        """Let a post occupy this execution, unless its account occupies its limit of others."""
        name = account_name(account_id)
        for _ in range(_SWAPS):
            watch, now_ms = self._read(name), self._now_ms()
            held = {process: until for process, until in watch.value.leases if until > now_ms}
            seated_until_ms = held.pop(self.process(), 0)
            if len(held) >= max(1, self.concurrency * EXECUTIONS_OF_TEN // _TEN):
                return False
            seat = watch.value.with_lease(self.process(), until_ms + _SEAT_MARGIN_MS, now_ms)
            if seated_until_ms >= until_ms or self._swap(watch, seat):
                self._seated.setdefault(account_id, set()).add(post)
                return True
        return False

    def _leave_seat(self, account_id: str, admission: Admission) -> None:
        """Release this execution once no post of the account occupies it."""
        seated = self._seated.get(account_id, set())
        seated.discard(admission.seat)
        if admission.seat and not seated:
            self._seated.pop(account_id, None)
            name = account_name(account_id)
            self._change(name, lambda record: record.without_lease(self.process()))

    def _change(self, name: str, change: Callable[[HealthRecord], HealthRecord]) -> None:
        watch = self._watch(name)
        for _ in range(_SWAPS):
            changed = change(watch.value)
            if changed == watch.value or self._swap(watch, changed):
                return

    def _swap(self, watch: _Watch, record: HealthRecord) -> bool:
        """Replace an endpoint's state; a lease names its process or post, so equal is our own."""
        return watch.swap(record, int(self.clock()) + _KEPT_S) or watch.value == record

    def _read(self, name: str, *, anew: bool = False) -> _Watch:
        """Return an endpoint's state as read lately; with `anew`, read it now."""
        if len(self._watches) >= _REMEMBERED and name not in self._watches:
            self._watches.clear()
        watch = self._watch(name)
        watch.read(READ_EVERY_S, anew=anew)
        return watch

    def _watch(self, name: str) -> _Watch:
        if name not in self._watches:
            self._watches[name] = self._new(name)
        return self._watches[name]

    def _new(self, name: str) -> _Watch:
        return _Watch(self.store, self.clock, name, HealthRecord.of)

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def account_name(account_id: str) -> str:
    """Return the name of the state of an account as a whole."""
    return f"health#{account_id}"


def name_of(account_id: str, endpoint: Endpoint) -> str:
    """Return the name of an endpoint's state; an unregistered URL goes without its query."""
    if endpoint.callback_id:
        return f"health#{account_id}#{endpoint.callback_id}"
    url = endpoint.url.partition("?")[0]
    return f"health#{account_id}#{blake2b(url.encode(), digest_size=16).hexdigest()}"
