"""Keys that can be changed while they are in use: the first one signs, each of them verifies.

A process reads them anew every few minutes, and at once where none of those that it knows fits: so
what another process signed with a new key a moment ago is good here too.
"""

import time
from collections.abc import Callable, Sequence

from harkara.base.errors import StoreUnavailable

KEPT_S = 300.0
# Who keeps coming with what no key fits costs a read in this time, no more.
CONFIRMED_S = 15.0


class Keys:
    """The keys of one purpose, newest first; `read` returns one or more, or StoreUnavailable."""

    def __init__(
        self, read: Callable[[], Sequence[bytes]], clock: Callable[[], float] = time.time
    ) -> None:
        """Read the keys for the first time. Raises StoreUnavailable."""
        self._read = read
        self._clock = clock
        self._known = tuple(read())
        self._read_s = clock()

    def all(self) -> Sequence[bytes]:
        """Return the keys, newest first; those that were known where they cannot be read."""
        if not 0 <= self._clock() - self._read_s < KEPT_S:
            self._renew()
        return self._known

    def first(self) -> bytes:
        """Return the key to sign with."""
        return self.all()[0]

    def any(self, fits: Callable[[bytes], bool]) -> bool:
        """Whether a key fits. It takes as long whichever does; where none does, they are read."""
        known = self.all()
        if any([fits(key) for key in known]):
            return True
        if 0 <= self._clock() - self._read_s < CONFIRMED_S:
            return False
        self._renew()
        return any([fits(key) for key in self._known if key not in known])

    def _renew(self) -> None:
        self._read_s = self._clock()
        try:
            self._known = tuple(self._read())
        except StoreUnavailable:
            # What is known goes on: within a block, signing must not fail. It is tried again.
            self._read_s -= KEPT_S - CONFIRMED_S


def as_keys(key: bytes | Keys) -> Keys:
    """Return keys, or the one key that never changes."""
    return key if isinstance(key, Keys) else Keys(lambda: (key,), lambda: 0.0)
