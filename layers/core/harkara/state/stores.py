"""The interfaces of the stores that all processes share: texts and timelines by name."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class LimitStore(Protocol):
    """Short texts by name, shared by all processes and updated by compare-and-swap."""

    def get(self, name: str, *, consistent: bool = False) -> str:
        """Return the text of a name, "" if it has none. Raises StoreUnavailable.

        The text may be a second old, unless it is read `consistent`, at twice the price.
        """

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        """Replace `seen` ("" for none) by `new`; keep it at least until Unix time `expires_at_s`.

        Returns None if it was written, or else the present text. Raises StoreUnavailable: the text
        may have been written.
        """


class Timeline(NamedTuple):
    """The end of a rate's reservations (Unix microseconds), and a short text about their owner."""

    until_us: int = 0
    text: str = ""


class Extension(NamedTuple):
    """A timeline's extension by `width_us`, or from `now_us` by `idle_width_us` if it has ended.

    The timeline is not changed if it ends after `limit_us`. `busy` says that it has probably not
    ended yet; it only saves a call.
    """

    now_us: int
    width_us: int
    idle_width_us: int
    limit_us: int
    busy: bool = False


class TimelineStore(Protocol):
    """Timelines of rates, which many processes extend at the same time."""

    def extend(self, name: str, by: Extension, expires_at_s: int) -> tuple[int | None, Timeline]:
        """Extend a timeline atomically; return the beginning of the added part, and the timeline.

        Returns None and the present timeline if that ends after the limit. Raises StoreUnavailable:
        the timeline may have been extended.
        """

    def swap_timeline(
        self, name: str, seen: Timeline, new: Timeline, expires_at_s: int
    ) -> Timeline | None:
        """Replace `seen` by `new`; the time is not compared if it is the same in both.

        Returns None if it was written, or else the present timeline. Raises StoreUnavailable: it
        may have been written.
        """


class LineStore(Protocol):
    """Items of several timelines each, which many processes extend at the same time."""

    def extend_all(
        self, name: str, lines: Mapping[str, Extension], expires_at_s: int
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Extend these timelines of an item atomically, all or none; keep it until a Unix time.

        Returns the beginning of each added part, an empty mapping if one timeline ends after its
        limit; and the present ends of all timelines of the item. Raises StoreUnavailable: they may
        have been extended.
        """


class CountedStore(LimitStore, TimelineStore, LineStore, Protocol):
    """Stores the texts and timelines that all processes share."""


class TokenCipher(Protocol):
    """Encrypts the token of a carrier, for it alone. Each method raises StoreUnavailable."""

    def encrypt(self, carrier: str, token: str) -> bytes:
        """Encrypt a token, to be stored."""

    def decrypt(self, carrier: str, encrypted: bytes) -> str:
        """Decrypt a token."""
