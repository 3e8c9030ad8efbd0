"""Read, write and change items of a table together, retrying items that it was too busy for."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.base.backoff import Backoff
from harkara.base.errors import StoreUnavailable

Item = Mapping[str, Any]

READ_BATCH = 100
WRITE_BATCH = 25
BUSY = "the table stayed busy"
# Reasons to retry a transaction: another one changed the same item, or the table was busy.
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class Batches:
    """Calls on one table that may be done in part although AWS answers with success."""

    def __init__(
        self, client: Any, table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._backoff = Backoff(pause)

    def read(self, keys: Sequence[Item], *, consistent: bool = True) -> Iterator[Item]:
        """Yield the existing items at these keys, in any order. Raises StoreUnavailable."""
        for at in range(0, len(keys), READ_BATCH):
            asked = {"Keys": keys[at : at + READ_BATCH], "ConsistentRead": consistent}
            yield from self._read({self._table: asked})

    def _read(self, request: Item) -> Iterator[Item]:
        for _ in self._backoff.tries():
            with aws_errors():
                answer = self._client.batch_get_item(RequestItems=request)
            yield from answer["Responses"].get(self._table, ())
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise StoreUnavailable(BUSY)

    def write(self, requests: Sequence[Item]) -> None:
        """Put and delete items unconditionally. Raises StoreUnavailable: some may be done."""
        for at in range(0, len(requests), WRITE_BATCH):
            self._write({self._table: requests[at : at + WRITE_BATCH]})

    def _write(self, request: Item) -> None:
        for _ in self._backoff.tries():
            with aws_errors():
                answer = self._client.batch_write_item(RequestItems=request)
            request = answer.get("UnprocessedItems") or {}
            if not request:
                return
        raise StoreUnavailable(BUSY)

    def transact(self, *actions: Item) -> bool:
        """Do all actions or none; return whether the first action's condition held.

        Raises StoreUnavailable: if the answer was lost, they may be done.
        """
        writes = [
            {kind: {"TableName": self._table, **write}}
            for action in actions
            for kind, write in action.items()
        ]
        for _ in self._backoff.tries():
            with aws_errors():
                try:
                    self._client.transact_write_items(TransactItems=writes)
                    return True
                except self._client.exceptions.TransactionCanceledException as error:
                    reasons = [each["Code"] for each in error.response["CancellationReasons"]]
                    if reasons[0] == "ConditionalCheckFailed":
                        return False
                    if not _PASSING.intersection(reasons):
                        raise
        raise StoreUnavailable(BUSY)
