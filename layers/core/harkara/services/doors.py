"""A door to each endpoint: whether a callback may be posted there, in the eyes of all processes.

An endpoint is trusted that acknowledged a callback lately: it gets as many posts at a time as its
settings allow. Any other gets one at a time, which probes it. When posts fail in a row its door is
shut, for longer each time: what comes then is not posted, so it holds nobody up. One item holds
what is known, and every process reads it every few seconds; a trusted endpoint that acknowledges
costs a write every five minutes.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b
from typing import NamedTuple

from harkara.callback_settings import CallbackEndpoint
from harkara.errors import StoreUnavailable
from harkara.hours import DAY_S
from harkara.jsons import decode, encode
from harkara.messages import Endpoint
from harkara.ports import Clock, LimitStore
from harkara.posting import PostResult
from harkara.services.pace import Pace, Shard

READ_EVERY_S = 3.0
TRUSTED_S = 600
REFRESHED_EVERY_S = 300
FAILURES_NEEDED = 3
SHUT_S = 5
SHUT_LIMIT_S = 300
# Where 429 names no time.
THROTTLED_S = 10
# What a throttled endpoint opens after is waited for; a longer time is a failure.
THROTTLED_WAIT_S = 60
# A place at the rate that is further away is not waited for in an invocation.
RATE_WAIT_S = 1.0
_KEPT_S = 30 * DAY_S
_SWAPS = 20
_REMEMBERED = 10_000


class Verdict(Enum):
    """What is to become of a callback: it is posted, it waits, or its attempt failed unposted."""

    POST = auto()
    WAIT = auto()
    FAILING = auto()
    GONE = auto()


class Entry(NamedTuple):
    """A door's answer. `wait_s` is to pass before the post, or before the next look.

    `lease` is the place that the post takes until `leave`. Of one that waits, `trusted` says that
    others are being posted.
    """

    verdict: Verdict
    wait_s: float = 0.0
    lease: str = ""
    trusted: bool = False


class Door(NamedTuple):
    """What is known of an endpoint, by Unix milliseconds.

    `failures` came in a row, the last at `failed_ms`; `throttled` says that it asked to be left
    alone, and `gone` that it answered 410. A lease is who posts, and when it surely has.
    """

    acked_ms: int = 0
    failures: int = 0
    failed_ms: int = 0
    shut_until_ms: int = 0
    throttled: bool = False
    gone: bool = False
    leases: tuple[tuple[str, int], ...] = ()

    def shut_for_s(self, now_ms: int) -> float:
        """Return how long it stays shut; 0 when it is open."""
        return max(0, self.shut_until_ms - now_ms) / 1000

    def is_trusted(self, now_ms: int) -> bool:
        """Whether it acknowledged lately, and did not fail since."""
        return now_ms < self.acked_ms + TRUSTED_S * 1000

    def with_lease(self, lease: str, until_ms: int, now_ms: int) -> "Door":
        """Return it with one more post under way, and without those that are over."""
        alive = tuple(each for each in self.leases if each[1] > now_ms)
        return self._replace(leases=(*alive, (lease, until_ms)))

    def without_lease(self, lease: str) -> "Door":
        """Return it with a post over."""
        return self._replace(leases=tuple(each for each in self.leases if each[0] != lease))

    def heard(self, result: PostResult, now_ms: int, acked_ms: int) -> "Door":
        """Return it after a post; `acked_ms` is the last acknowledgement that its hearer knows."""
        status = result.status
        if result.acknowledged:
            if not self.failures and now_ms < self.acked_ms + REFRESHED_EVERY_S * 1000:
                return self
            shut_until_ms = self.shut_until_ms if self.throttled else 0
            return self._replace(
                acked_ms=now_ms, failures=0, shut_until_ms=shut_until_ms, gone=False
            )
        if status == 429 or (status == 503 and result.retry_after_s):
            until_ms = now_ms + (result.retry_after_s or THROTTLED_S) * 1000
            return self._replace(shut_until_ms=max(until_ms, self.shut_until_ms), throttled=True)
        if status == 410:
            return self._replace(gone=True)
        if 0 < status < 500:  # it lives, and answers what others may not be answered
            return self._replace(failures=0)
        # Posts that were under way when it was shut say nothing more.
        return self if self.shut_for_s(now_ms) else self._failed(now_ms, acked_ms)

    def _failed(self, now_ms: int, acked_ms: int) -> "Door":
        failures = 1 if acked_ms > self.failed_ms else self.failures + 1
        failed = self._replace(failures=failures, failed_ms=now_ms)
        if failures < FAILURES_NEEDED:
            return failed
        shut_s = min(SHUT_S * 2 ** (failures - FAILURES_NEEDED), SHUT_LIMIT_S)
        shut_until_ms = now_ms + shut_s * 1000
        return failed._replace(acked_ms=0, shut_until_ms=shut_until_ms, throttled=False)


@dataclass(slots=True)
class _Watch:
    """What this process knows of a door, and when it heard an acknowledgement itself."""

    text: str = ""
    read_at_s: float = 0.0
    acked_ms: int = 0

    @property
    def door(self) -> Door:
        if not self.text:
            return Door()
        *known, leases = decode(self.text)
        return Door(*known)._replace(leases=tuple(map(tuple, leases)))


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors of all endpoints. Keep it as long as the process: it remembers them."""

    store: LimitStore
    pace: Pace
    clock: Clock
    _watches: dict[str, _Watch] = field(default_factory=dict, init=False)

    def enter(
        self,
        account_id: str,
        endpoint: Endpoint,
        settings: CallbackEndpoint,
        lease: str,
        lease_s: float,
        *,
        at_once: bool = False,
    ) -> Entry:
        """Ask whether to post to an endpoint. Who is told to must `leave` or `release` it.

        A `lease` names the post; it ends by itself after `lease_s`. `at_once`: only where the
        endpoint is trusted. Raises StoreUnavailable.
        """
        name = name_of(account_id, endpoint)
        for _ in range(_SWAPS):
            watch = self._read(name)
            if _keeps_out(watch.door, self._now_ms()):
                # It may have been opened a moment ago, by who replays what was parked.
                watch = self._read(name, no_older_s=0)
            now_ms = self._now_ms()
            door = watch.door
            trusted = door.is_trusted(now_ms)
            if door.gone:
                return Entry(Verdict.GONE)
            if shut_s := door.shut_for_s(now_ms):
                waits = door.throttled and shut_s <= THROTTLED_WAIT_S
                return Entry(Verdict.WAIT, shut_s) if waits else Entry(Verdict.FAILING)
            if at_once and not trusted:
                return Entry(Verdict.WAIT)
            limit = settings.concurrency if trusted else 1
            if limit and sum(until_ms > now_ms for _, until_ms in door.leases) >= limit:
                return Entry(Verdict.WAIT, trusted=trusted)
            wait_s = 0.0
            if settings.rate_per_s:
                shard = Shard(f"{name}#rate", settings.rate_per_s)
                place = self.pace.take([shard], 1, RATE_WAIT_S)
                if not place.reserved:
                    return Entry(Verdict.WAIT, place.wait_s, trusted=trusted)
                wait_s = place.wait_s
            if not limit:
                return Entry(Verdict.POST, wait_s)
            until_ms = now_ms + int((wait_s + lease_s) * 1000)
            if self._swap(name, watch, door.with_lease(lease, until_ms, now_ms)):
                return Entry(Verdict.POST, wait_s, lease)
        return Entry(Verdict.WAIT, trusted=trusted)

    def will_write(
        self, account_id: str, endpoint: Endpoint, entry: Entry, result: PostResult
    ) -> bool:
        """Whether `leave` has anything to write; where it has not, it need not be called."""
        if entry.lease or not result.acknowledged:
            return True
        watch = self._watches.get(name_of(account_id, endpoint), _Watch())
        watch.acked_ms = self._now_ms()
        return watch.door.heard(result, watch.acked_ms, watch.acked_ms) != watch.door

    def leave(self, account_id: str, endpoint: Endpoint, entry: Entry, result: PostResult) -> None:
        """Say what came of a post. Raises nothing: others will hear the like."""
        name = name_of(account_id, endpoint)
        watch = self._watches.setdefault(name, _Watch())
        now_ms, acked_ms = self._now_ms(), watch.acked_ms
        if result.acknowledged:
            watch.acked_ms = now_ms
        with suppress(StoreUnavailable):
            self._change(
                name,
                lambda door: door.without_lease(entry.lease).heard(result, now_ms, acked_ms),
            )

    def release(self, account_id: str, endpoint: Endpoint, entry: Entry) -> None:
        """Say that nothing was posted. Raises nothing: a lease ends by itself."""
        with suppress(StoreUnavailable):
            self._change(
                name_of(account_id, endpoint), lambda door: door.without_lease(entry.lease)
            )

    def open(self, account_id: str, endpoint: Endpoint) -> None:
        """Let an endpoint be posted to again that is gone, or shut. Raises StoreUnavailable."""
        name = name_of(account_id, endpoint)
        self._watches[name] = _Watch(self.store.get(name), self.clock())
        self._change(name, lambda door: Door(door.acked_ms, leases=door.leases))

    def _change(self, name: str, change: Callable[[Door], Door]) -> None:
        watch = self._watches.setdefault(name, _Watch())
        for _ in range(_SWAPS):
            changed = change(watch.door)
            if changed == watch.door or self._swap(name, watch, changed):
                return

    def _swap(self, name: str, watch: _Watch, door: Door) -> bool:
        """Write a door in place of the one that is known; else know the one that stands there."""
        text = encode(door).decode()
        expires_at_s = int(self.clock()) + _KEPT_S
        standing = self.store.swap(name, watch.text, text, expires_at_s)
        watch.text = text if standing is None else standing
        # It finds its own text where an answer was lost.
        return watch.text == text

    def _read(self, name: str, no_older_s: float = READ_EVERY_S) -> _Watch:
        if len(self._watches) >= _REMEMBERED and name not in self._watches:
            self._watches.clear()
        watch = self._watches.setdefault(name, _Watch())
        now_s = self.clock()
        # A clock that was set back is before what was read, and says nothing of its age.
        if now_s != watch.read_at_s and not 0 <= now_s - watch.read_at_s < no_older_s:
            watch.text = self.store.get(name)
            watch.read_at_s = now_s
        return watch

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def _keeps_out(door: Door, now_ms: int) -> bool:
    return door.gone or bool(door.shut_for_s(now_ms))


def name_of(account_id: str, endpoint: Endpoint) -> str:
    """Return the name of an endpoint's door: a URL that no callback has goes without its query."""
    if endpoint.callback_id:
        return f"door#{account_id}#{endpoint.callback_id}"
    url = endpoint.url.partition("?")[0]
    return f"door#{account_id}#{blake2b(url.encode(), digest_size=16).hexdigest()}"
