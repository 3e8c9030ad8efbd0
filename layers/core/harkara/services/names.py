"""The names of a request's chunks: drawn anew, or the same again for a request that is repeated."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from harkara.ids import RANDOM_BYTES, new_chunk_id
from harkara.ports import Clock, Randomness


@dataclass(frozen=True, slots=True)
class RandomNames:
    """Names that nobody can foresee, for requests at any time."""

    clock: Clock
    randomness: Randomness

    def now_ms(self) -> int:
        """Return the present time."""
        return int(self.clock() * 1000)

    def new(self, now_ms: int) -> str:
        """Return the next id."""
        return new_chunk_id(now_ms, self.randomness(RANDOM_BYTES))


@dataclass(frozen=True, slots=True)
class RepeatableNames:
    """Names that follow from a secret seed, for one request that was made at `at_ms`."""

    seed: bytes
    at_ms: int
    _numbers: Iterator[int] = field(default_factory=count, init=False)

    def now_ms(self) -> int:
        """Return when the request was made first."""
        return self.at_ms

    def new(self, now_ms: int) -> str:
        """Return the next id."""
        digest = hmac.digest(self.seed, str(next(self._numbers)).encode(), hashlib.sha256)
        return new_chunk_id(now_ms, digest[:RANDOM_BYTES])
