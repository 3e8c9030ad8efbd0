"""Keys that can be rotated while in use, and networks of allowed source addresses.

The first (newest) key signs, and all keys verify. An empty list of networks (in CIDR form) allows
every address.

A process reads the keys again every few minutes, and at once if no cached key verifies a signature:
so a signature that another process has just made with a new key is accepted too.
"""

import base64
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import AfterValidator

from harkara.base.errors import StoreUnavailable

SECRET_BYTES = 32
KEPT_S = 300.0
# Signatures that no key verifies cause at most one read in this time, however many come.
CONFIRMED_S = 15.0
_TAG_BYTES = 5


class Keys:
    """The keys of one purpose, read on first use. `read` returns one or more, newest first.

    As long as it has never done so, each method raises its StoreUnavailable.
    """

    def __init__(
        self, read: Callable[[], Sequence[bytes]], clock: Callable[[], float] = time.time
    ) -> None:
        self._read = read
        self._clock = clock
        self._cached: tuple[bytes, ...] = ()
        self._read_s = 0.0

    def all(self) -> Sequence[bytes]:
        """Return the keys, newest first; the cached ones if reading fails."""
        if not self._cached or not 0 <= self._clock() - self._read_s < KEPT_S:
            self._renew()
        return self._cached

    def first(self) -> bytes:
        """Return the key to sign with."""
        return self.all()[0]

    def tag(self, text: str) -> str:
        """Return a text's tag by the key to sign with."""
        return _tag(self.first(), text)

    def verify(self, text: str, tag: str) -> bool:
        """Return whether a tag is that of a text by any key."""
        received = tag.encode()
        return self.any(lambda key: hmac.compare_digest(received, _tag(key, text).encode()))

    def any(self, fits: Callable[[bytes], bool]) -> bool:
        """Return whether `fits` is true of a key; if of none, read the keys again and retry.

        All keys are tried, so the time taken does not show which one fits.
        """
        keys = self.all()
        if any([fits(key) for key in keys]):
            return True
        if 0 <= self._clock() - self._read_s < CONFIRMED_S:
            return False
        self._renew()
        return any([fits(key) for key in self._cached if key not in keys])

    def _renew(self) -> None:
        self._read_s = self._clock()
        try:
            self._cached = tuple(self._read())
        except StoreUnavailable:
            if not self._cached:
                raise
            # Keep the cached keys: signing must not fail within a block. Read again soon.
            self._read_s -= KEPT_S - CONFIRMED_S


def _tag(key: bytes, text: str) -> str:
    digest = hmac.digest(key, text.encode(), hashlib.sha256)
    return base64.b32encode(digest[:_TAG_BYTES]).decode()


def as_keys(key: bytes | Keys) -> Keys:
    """Return Keys as they are, and a single key as Keys that never change."""
    return key if isinstance(key, Keys) else Keys(lambda: (key,), lambda: 0.0)


def new_secret(randomness: Callable[[int], bytes]) -> str:
    """Return a secret: 32 random bytes in base64url."""
    return base64.urlsafe_b64encode(randomness(SECRET_BYTES)).rstrip(b"=").decode()


def may_come_from(networks: Sequence[str], source_ip: str) -> bool:
    """Return whether an address is in one of the networks, or there are no networks."""
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _are_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for position, network in enumerate(networks):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ValueError(f"network {position} is not a CIDR of IPv4 or IPv6") from None
    return networks


Networks = Annotated[tuple[str, ...], AfterValidator(_are_networks)]
"""A field of networks; an error names the index of a wrong network and never shows it."""


def hook_key(pepper: bytes, secret_hash: str) -> bytes:
    """Return the key with which a platform signs its requests for a credential.

    It is derived from a secret of the credential, by its hash, and so rotates and ends with it.
    """
    return hmac.digest(pepper, f"hook {secret_hash}".encode(), hashlib.sha256)
