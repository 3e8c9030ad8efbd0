"""A value that all processes share and change by compare-and-swap, as this process last saw it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harkara.base.json import decode, encode
from harkara.base.time import Clock
from harkara.state.stores import LimitStore

S = TypeVar("S")


@dataclass(slots=True)
class Cell(Generic[S]):
    """A named value. `kind` makes it from its stored fields, or from none if nothing is stored.

    `value` is the value as last read or written.
    """

    store: LimitStore
    clock: Clock
    name: str
    kind: Callable[..., S]
    text: str = ""
    read_at_s: float = 0.0
    value: S = field(init=False)

    def __post_init__(self) -> None:
        self._set(self.text)

    def read(self, every_s: float, *, anew: bool = False) -> bool:
        """Read the value if that was done `every_s` ago, or `anew`; return whether it was read.

        Raises StoreUnavailable.
        """
        now_s = self.clock()
        # After the clock was set back, the age of the cached value is unknown.
        if not anew and 0 <= now_s - self.read_at_s < every_s:
            return False
        self._set(self.store.get(self.name, consistent=anew))
        self.read_at_s = now_s
        return True

    def swap(self, value: S, expires_at_s: int) -> bool:
        """Replace the value if no other process has; else cache theirs, and return False.

        After a lost answer the other value is this process's own. Raises StoreUnavailable.
        """
        text = encode(value).decode()
        found = self.store.swap(self.name, self.text, text, expires_at_s)
        self._set(text if found is None else found)
        return found is None

    def keep(self, value: S) -> None:
        """Use a value in this process alone, until the next read."""
        self._set(encode(value).decode())

    def _set(self, text: str) -> None:
        self.text, self.value = text, self.kind(*decode(text or "[]"))
