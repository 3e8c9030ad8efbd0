"""Put items where they are absent, 25 a call (PartiQL's BatchExecuteStatement)."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harkara.aws.batches import BUSY
from harkara.aws.clients import aws_errors
from harkara.base.backoff import Backoff
from harkara.base.errors import StoreUnavailable

Item = Mapping[str, Mapping[str, Any]]

BATCH = 25
_DUPLICATE = "DuplicateItem"
# Errors of single statements inside a 200 answer, which the SDK does not retry.
_PASSING = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)


class Inserter:
    """Inserts items into one table."""

    def __init__(
        self, client: Any, table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._backoff = Backoff(pause)

    def insert(self, items: Sequence[Item]) -> list[int]:
        """Put each item if its key is absent; return the indexes of the items that were not put.

        Keys are distinct. Raises StoreUnavailable: some of the items may be in place.
        """
        return [
            at + place
            for at in range(0, len(items), BATCH)
            for place in self._insert(items[at : at + BATCH])
        ]

    def _insert(self, items: Sequence[Item]) -> list[int]:
        duplicates: list[int] = []
        open_places = list(range(len(items)))
        for _ in self._backoff.tries():
            statements = [self._statement(items[place]) for place in open_places]
            with aws_errors():
                answer = self._client.batch_execute_statement(Statements=statements)
            passing = []
            for place, code in zip(open_places, _codes(answer), strict=True):
                if code == _DUPLICATE:
                    duplicates.append(place)
                elif code in _PASSING:
                    passing.append(place)
                elif code is not None:
                    raise StoreUnavailable(code)
            if not passing:
                return sorted(duplicates)
            open_places = passing
        raise StoreUnavailable(BUSY)

    def _statement(self, item: Item) -> dict[str, Any]:
        fields = ",".join(f"'{name}':?" for name in item)
        return {
            "Statement": f'INSERT INTO "{self._table}" VALUE {{{fields}}}',
            "Parameters": list(item.values()),
        }


def _codes(answer: Mapping[str, Any]) -> Iterator[str | None]:
    for response in answer["Responses"]:
        error = response.get("Error")
        yield error["Code"] if error else None
