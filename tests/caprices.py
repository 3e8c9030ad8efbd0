"""What AWS's documents leave open, decided by a seed: the same calls meet the same again.

Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB": "Items with valid, expired
TTL attributes may be deleted by the system at any time, typically within a few days of their
expiration", until when they are read. Amazon DynamoDB API Reference, BatchGetItem and
BatchWriteItem: what is throttled comes back in UnprocessedKeys and UnprocessedItems while the
others are done; "if none of the items can be processed", the call fails. BatchExecuteStatement: "a
HTTP 200 response does not mean that all statements [...] succeeded". Amazon SQS API Reference,
SendMessageBatch: "the result of sending each message is reported individually".

Amazon DynamoDB Developer Guide, "DynamoDB read consistency": an eventually consistent read "might
not reflect the results of a recently completed write"; repeated after a short time it does, here
after a second. All as of November 2026.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from zlib import crc32

DAY_S = 86_400
LAG_S = 1.0
"""So much later a write is seen by all reads."""
LAGS_ONE_IN = 2
"""One read in so many, if it is not consistent, sees nothing of the last write until then."""
IN_PART_ONE_IN = 8
"""One batch in so many is done in part."""
LATE_S = 5 * DAY_S
"""So much later than it might DynamoDB deletes an item here, at the most."""


class Caprices:
    """Whether something happens that may.

    Without a seed, or with 0, batches are done in whole and reads see all. Without one, what has
    expired stays.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random = Random(seed or 0)  # noqa: S311

    def late_s(self, key: tuple[str, str]) -> float:
        """Return how long an item stays once its time to live is over."""
        if self._seed is None:
            return LATE_S
        return crc32(repr((self._seed, key)).encode()) % 6 * DAY_S

    @property
    def are_drawn(self) -> bool:
        """Whether there is a seed, and it is not 0."""
        return bool(self._seed)

    def happens(self, one_in: int) -> bool:
        """Whether it is the one time in so many."""
        return self.are_drawn and self._random.random() * one_in < 1

    def done_of(self, entries: Sequence[Any]) -> int:
        """Return how many of a batch's entries are done, the first ones: at least one."""
        if len(entries) < 2 or not self.happens(IN_PART_ONE_IN):
            return len(entries)
        return self._random.randrange(1, len(entries))

    def split(
        self, operation: str, params: dict[str, Any]
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return what is done of a call to a table, and what the answer says of the remains."""
        if operation not in ("BatchGetItem", "BatchWriteItem"):
            return params, {}
        ((table, asked),) = params["RequestItems"].items()
        if operation == "BatchGetItem":
            keys = asked["Keys"]
            if (done := self.done_of(keys)) == len(keys):
                return params, {}
            parts = ({table: {**asked, "Keys": each}} for each in (keys[:done], keys[done:]))
        else:
            if (done := self.done_of(asked)) == len(asked):
                return params, {}
            parts = ({table: each} for each in (asked[:done], asked[done:]))
        now, later = parts
        left = "UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"
        return {**params, "RequestItems": now}, {left: later}
