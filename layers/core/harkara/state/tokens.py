"""The tokens that carriers issue for their requests, one for each carrier, shared by all processes.

One process at a time logs in: it takes a lease by compare-and-swap, and puts the new token, which
is encrypted, in the same item. A token is renewed when a tenth of its lifetime is left, but at most
five minutes; until it expires the other processes use it, and afterwards they wait. A process that
dies with the lease delays the next login until the lease expires. After a login that failed nobody
logs in for a while.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base.errors import LogIn, TokenUnavailable
from harkara.base.ids import Randomness
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import DAY_S, Clock
from harkara.state.cell import Cell
from harkara.state.stores import LimitStore, TokenCipher

# A carrier's time-out is 30 s at most, of which a login gets half.
LEASE_S = 20
PAUSE_S = 10
# A token that is refused so soon after it was issued is not renewed: a login would not help.
NEW_S = 30
LOOK_EVERY_S = 0.25
_READ_EVERY_S = 5.0
_RENEWED_BEFORE_S = 300
_RENEWER_BYTES = 8


class StoredToken(NamedTuple):
    """A carrier's token as base64 of its ciphertext, and who renews it, until when.

    If `failed`, the last login failed, and nobody may log in until `busy_until_s`.
    """

    encrypted: str = ""
    issued_at_s: int = 0
    lifetime_s: int = 0
    renewer: str = ""
    busy_until_s: int = 0
    failed: bool = False

    @property
    def expires_at_s(self) -> int:
        """When the token expires."""
        return self.issued_at_s + self.lifetime_s

    @property
    def renew_at_s(self) -> float:
        """From when on the token is renewed."""
        return self.expires_at_s - min(_RENEWED_BEFORE_S, self.lifetime_s / 10)


@dataclass(slots=True)
class _Held(Cell[StoredToken]):
    """This process's view of a carrier's token; `token` is that of `encrypted`."""

    encrypted: str = ""
    token: str = field(default="", repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class CarrierTokens:
    """The tokens of all carriers. Keep one for the life of the process: it remembers them."""

    store: LimitStore
    cipher: TokenCipher
    clock: Clock
    randomness: Randomness
    emit: EventSink
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _held: dict[str, _Held] = field(default_factory=dict, init=False)

    async def __call__(
        self, carrier: str, version: str, log_in: LogIn, refused: str, within_s: float
    ) -> str:
        """Return a carrier's token (`harkara.base.errors.TokenSource`)."""
        name = f"carrier-token#{carrier}#{version}"
        held = self._held.setdefault(name, _Held(self.store, self.clock, name, StoredToken))
        if held.token not in ("", refused) and self.clock() < held.value.renew_at_s:
            return held.token
        try:
            async with asyncio.timeout(within_s), held.lock:
                return await self._current(held, carrier, log_in, refused)
        except TimeoutError:
            raise TokenUnavailable("no token in time") from None

    async def _current(self, held: _Held, carrier: str, log_in: LogIn, refused: str) -> str:
        usable = ""
        while True:
            await asyncio.to_thread(held.read, _READ_EVERY_S, anew=not usable)
            stored, now_s = held.value, self.clock()
            await self._decrypt(held, carrier)
            is_refused = bool(refused) and held.token == refused
            if is_refused and now_s < stored.issued_at_s + NEW_S:
                raise TokenUnavailable("a new token is refused")
            usable = "" if is_refused or now_s >= stored.expires_at_s else held.token
            if usable and now_s < stored.renew_at_s:
                return usable
            if stored.busy_until_s <= now_s:
                renewer = self.randomness(_RENEWER_BYTES).hex()
                lease = stored._replace(
                    renewer=renewer, busy_until_s=int(now_s) + LEASE_S, failed=False
                )
                # After a lost answer the present value is our own lease.
                if await self._swap(held, lease) or held.value == lease:
                    return await self._logged_in(held, carrier, log_in, usable)
                continue
            if usable:
                return usable
            if stored.failed:
                raise TokenUnavailable("the last login failed")
            await self.sleep(LOOK_EVERY_S)

    async def _logged_in(self, held: _Held, carrier: str, log_in: LogIn, usable: str) -> str:
        lease = held.value
        try:
            issued = await log_in(held.token, self.clock())
        except TokenUnavailable as error:
            paused = lease._replace(busy_until_s=int(self.clock()) + PAUSE_S, failed=True)
            self._log(carrier, "token_failures", str(error))
            await self._swap(held, paused)
            if usable:
                return usable
            raise
        ciphertext = await asyncio.to_thread(self.cipher.encrypt, carrier, issued.value)
        encrypted = b64encode(ciphertext).decode()
        self._log(carrier, "token_renewals", "")
        await self._swap(held, StoredToken(encrypted, int(self.clock()), issued.lifetime_s))
        held.encrypted, held.token = encrypted, issued.value
        return issued.value

    async def _decrypt(self, held: _Held, carrier: str) -> None:
        encrypted = held.value.encrypted
        if encrypted != held.encrypted:
            ciphertext = b64decode(encrypted)
            held.token = await asyncio.to_thread(self.cipher.decrypt, carrier, ciphertext)
            held.encrypted = encrypted

    async def _swap(self, held: _Held, value: StoredToken) -> bool:
        ends_s = max(value.expires_at_s, value.busy_until_s) + DAY_S
        return await asyncio.to_thread(held.swap, value, ends_s)

    def _log(self, carrier: str, count: str, reason: str) -> None:
        about = {"reason": reason} if reason else {}
        self.emit(LogEvent("carrier_token", about, {count: 1}, carrier=carrier))
