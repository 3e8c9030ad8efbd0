"""The names of a request's chunks: drawn anew, or the same again for a request that is repeated."""

import hashlib
import hmac
from dataclasses import dataclass

from harkara.base.ids import RANDOM_BYTES, Randomness, new_chunk_id
from harkara.base.time import Clock


@dataclass(frozen=True, slots=True)
class RandomNames:
    """Names that nobody can foresee, for requests at any time."""

    clock: Clock
    randomness: Randomness

    def now_ms(self) -> int:
        """Return the present time."""
        return int(self.clock() * 1000)

    def new(self, now_ms: int, place: str) -> str:
        """Return a new id, wherever it belongs."""
        return new_chunk_id(now_ms, self.randomness(RANDOM_BYTES))


@dataclass(frozen=True, slots=True)
class RepeatableNames:
    """Names that follow from a secret seed and a place, for one request that was made at `at_ms`.

    What became of the chunks in other places changes none.
    """

    seed: bytes
    at_ms: int

    def now_ms(self) -> int:
        """Return when the request was made first."""
        return self.at_ms

    def new(self, now_ms: int, place: str) -> str:
        """Return the id of the chunk in this place."""
        digest = hmac.digest(self.seed, place.encode(), hashlib.sha256)
        return new_chunk_id(now_ms, digest[:RANDOM_BYTES])
