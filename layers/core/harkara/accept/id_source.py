"""The ids of a request's message batches: random, or the same again for a repeated request."""

import hashlib
import hmac
from dataclasses import dataclass

from harkara.base.ids import RANDOM_BYTES, Randomness, new_batch_id
from harkara.base.time import Clock


@dataclass(frozen=True, slots=True)
class RandomIds:
    """Unpredictable ids, for requests at any time."""

    clock: Clock
    randomness: Randomness

    def now_ms(self) -> int:
        """Return the present time."""
        return int(self.clock() * 1000)

    def new(self, now_ms: int, place: str) -> str:
        """Return a new random id; `place` does not matter."""
        return new_batch_id(now_ms, self.randomness(RANDOM_BYTES))


@dataclass(frozen=True, slots=True)
class DeterministicIds:
    """Ids derived from a secret seed and a place, for one request first made at `at_ms`.

    The ids do not depend on the outcome of other batches.
    """

    seed: bytes
    at_ms: int

    def now_ms(self) -> int:
        """Return the time at which the request was first made."""
        return self.at_ms

    def new(self, now_ms: int, place: str) -> str:
        """Return the id of the batch in this place."""
        digest = hmac.digest(self.seed, place.encode(), hashlib.sha256)
        return new_batch_id(now_ms, digest[:RANDOM_BYTES])
