"""Limit how often somebody may try a password: by address of the client, and by user.

Each limit is a generic cell rate algorithm (GCRA) on a timeline that all processes extend: so many
tries at once, then one each so many seconds. A try is counted before the password is looked at, so
that tries at the same time do not pass together. A process that was refused refuses by itself until
the next try is due: a timeline never shrinks, so it is right, and a flood writes nothing.
"""

import ipaddress
import math
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import DAY_S, Clock
from harkara.state.refusals import Refusals
from harkara.state.stores import Extension, TimelineStore

_SECOND_US = 1_000_000
# A provider gives a customer at least so much of IPv6.
_IPV6_BITS = 64


class TryLimit(NamedTuple):
    """So many tries at once, and then one each `every_s`."""

    at_once: int
    every_s: int


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """Counts tries. Keep one for the life of the process: it remembers refusals."""

    store: TimelineStore
    clock: Clock
    by_user: TryLimit = TryLimit(10, 180)
    by_address: TryLimit = TryLimit(30, 30)
    _refused: Refusals = field(default_factory=Refusals, init=False)

    def take_of_address(self, address: str) -> None:
        """Count a try from an address. Raises RequestRefused(RATE_LIMITED), StoreUnavailable."""
        self._take(f"sign_in#address#{_network_of(address)}", self.by_address)

    def take_of_user(self, user_id: str) -> None:
        """Count a try at a user, existing or not. Raises as `take_of_address`."""
        self._take(f"sign_in#user#{user_id}", self.by_user)

    def _take(self, name: str, limit: TryLimit) -> None:
        now_us, every_us = int(self.clock() * _SECOND_US), limit.every_s * _SECOND_US
        ahead_us = (limit.at_once - 1) * every_us
        until_us = self._refused.until_us(name)
        if until_us <= now_us:
            by = Extension(now_us, every_us, every_us, now_us + ahead_us)
            ends_s = (now_us + ahead_us + every_us) // _SECOND_US + DAY_S
            begins, timeline = self.store.extend(name, by, ends_s)
            if begins is not None:
                return
            until_us = timeline.until_us - ahead_us
            self._refused.remember(name, until_us)
        wait_s = math.ceil((until_us - now_us) / _SECOND_US)
        raise RequestRefused(Code.RATE_LIMITED, "(of signing in)", retry_after_s=max(1, wait_s))


def _network_of(address: str) -> str:
    """Return what is counted as one client: an IPv4 address, or a network of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(found), _IPV6_BITS), strict=False))
    return str(found)
