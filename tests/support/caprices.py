"""AWS behaviours that its documents leave open, drawn from a seed and therefore repeatable.

Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB": "Items with valid, expired
TTL attributes may be deleted by the system at any time, typically within a few days of their
expiration"; until then they can be read. Amazon DynamoDB API Reference, BatchGetItem and
BatchWriteItem: throttled entries come back in UnprocessedKeys and UnprocessedItems while the others
are done; "if none of the items can be processed", the call fails. BatchExecuteStatement: "a HTTP
200 response does not mean that all statements [...] succeeded". Amazon SQS API Reference,
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
"""After this many seconds all reads see a write."""
LAGS_ONE_IN = 2
"""One in this many eventually consistent reads misses the last write until `LAG_S` is over."""
IN_PART_ONE_IN = 8
"""One in this many batches is processed only in part."""
LATE_S = 5 * DAY_S
"""The longest time that an expired item stays before DynamoDB deletes it."""


class Caprices:
    """A seeded source of optional AWS behaviour: partial batches, stale reads, late deletion.

    With seed 0 or None all batches are processed whole and reads see all writes. With None expired
    items stay for `LATE_S`.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random = Random(seed or 0)  # noqa: S311

    def late_s(self, key: tuple[str, str]) -> float:
        """Return how many seconds an item stays after its time to live is over."""
        if self._seed is None:
            return LATE_S
        return crc32(repr((self._seed, key)).encode()) % 6 * DAY_S

    @property
    def are_drawn(self) -> bool:
        """Whether there is a seed other than 0."""
        return bool(self._seed)

    def happens(self, one_in: int) -> bool:
        """Draw whether an event with the chance 1 / `one_in` happens; never without a seed."""
        return self.are_drawn and self._random.random() * one_in < 1

    def done_of(self, entries: Sequence[Any]) -> int:
        """Return how many leading entries of a batch are processed: at least one."""
        if len(entries) < 2 or not self.happens(IN_PART_ONE_IN):
            return len(entries)
        return self._random.randrange(1, len(entries))

    def split(
        self, operation: str, params: dict[str, Any]
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return the processed part of a table call, and the unprocessed remains for its answer."""
        if operation not in ("BatchGetItem", "BatchWriteItem"):
            return params, {}
        ((table, request),) = params["RequestItems"].items()
        if operation == "BatchGetItem":
            keys = request["Keys"]
            if (done := self.done_of(keys)) == len(keys):
                return params, {}
            parts = ({table: {**request, "Keys": each}} for each in (keys[:done], keys[done:]))
        else:
            if (done := self.done_of(request)) == len(request):
                return params, {}
            parts = ({table: each} for each in (request[:done], request[done:]))
        now, later = parts
        left = "UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"
        return {**params, "RequestItems": now}, {left: later}
