"""What AWS's documents leave open, decided by a seed: the same calls meet the same again.

Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB": "Items with valid, expired
TTL attributes may be deleted by the system at any time, typically within a few days of their
expiration", until when they are read. As of November 2026.
"""

from random import Random
from zlib import crc32

DAY_S = 86_400
LATE_S = 5 * DAY_S
"""So much later than it might DynamoDB deletes an item here, at the most."""


class Caprices:
    """Whether something happens that may. Without a seed what has expired stays, and no more."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random = Random(seed or 0)  # noqa: S311

    def late_s(self, key: tuple[str, str]) -> float:
        """Return how long an item stays once its time to live is over."""
        if self._seed is None:
            return LATE_S
        return crc32(repr((self._seed, key)).encode()) % 6 * DAY_S

    def happens(self, one_in: int) -> bool:
        """Whether it is the one time in so many."""
        return self._seed is not None and self._random.random() * one_in < 1
