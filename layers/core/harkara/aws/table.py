"""One DynamoDB table: single items, queries, conditional writes, batches and transactions.

Keys are `pk` and `sk`. botocore retries calls that fail as a whole; items that a table was too busy
for inside a successful answer are retried here, after pauses. Every method
raises StoreUnavailable, an iterator while it is read; a write may then be done, or done in part.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, TypeVar

from harkara.aws.clients import Backoff, DynamoDBClient, aws_errors
from harkara.base.errors import StoreUnavailable

Item = Mapping[str, Any]
Value = str | int | bytes

READ_BATCH = 100
WRITE_BATCH = 25
BUSY = "the table stayed busy"
# Attempts to write over an item that others change at the same time.
CHANGES = 5
_DUPLICATE = "DuplicateItem"
# Reasons that pass: of single statements inside a 200 answer, and of transactions.
_PASSING = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)
_NAME = re.compile(r"#\w+")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
T = TypeVar("T")


class Table:
    """A table by its name; threads may share it."""

    def __init__(
        self, client: DynamoDBClient, name: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self.name = name
        self._backoff = Backoff(pause)

    def get(self, partition: str, sort_key: str, *, consistent: bool = True) -> Item | None:
        """Return an item, None if it is absent."""
        where = key(partition, sort_key)
        with aws_errors():
            answer = self._client.get_item(
                TableName=self.name, Key=where, ConsistentRead=consistent
            )
        item: Item | None = answer.get("Item")
        return item

    def query(self, partition: str, *where: Any, **options: Any) -> Iterator[Item]:
        """Yield the items of a partition in order; takes the arguments of `pages`."""
        return chain.from_iterable(self.pages(partition, *where, **options))

    def pages(
        self,
        partition: str,
        condition: str = "",
        bounds: Mapping[str, str] = _NOTHING,
        *,
        after: str = "",
        limit: int | None = None,
    ) -> Iterator[Sequence[Item]]:
        """Yield the items of a partition by pages of up to `limit`, with consistent reads.

        `condition` restricts the sort key, by values named in `bounds`; `after` is the sort key to
        start beyond.
        """
        query: dict[str, Any] = {
            "KeyConditionExpression": f"pk = :pk AND {condition}" if condition else "pk = :pk",
            "ExpressionAttributeValues": values({":pk": partition, **bounds}),
            # A replica may lack a row, which cursors would pass and caches hide.
            "ConsistentRead": True,
        }
        if after:
            query["ExclusiveStartKey"] = key(partition, after)
        if limit:
            query["Limit"] = limit
        return self._pages(self._client.query, query)

    def scan(self, *sort_keys: str) -> Iterator[Item]:
        """Yield the items with one of these sort keys. Reads the whole table."""
        bounds = {f":sk{number}": each for number, each in enumerate(sort_keys)}
        scan = {
            "FilterExpression": " OR ".join(f"sk = {name}" for name in bounds),
            "ExpressionAttributeValues": values(bounds),
            "ConsistentRead": True,
        }
        return chain.from_iterable(self._pages(self._client.scan, scan))

    def _pages(
        self, call: Callable[..., Mapping[str, Any]], request: Mapping[str, Any]
    ) -> Iterator[Sequence[Item]]:
        while True:
            with aws_errors():
                page = call(TableName=self.name, **request)
            yield page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(self, item: Item) -> None:
        """Put an item over any other."""
        with aws_errors():
            self._client.put_item(TableName=self.name, Item=item)

    def put_if_absent(self, items: Sequence[Item]) -> list[int]:
        """Put each item if its key is absent; return the indexes of the items that were not put.

        Keys are distinct. 25 items take a call (PartiQL's BatchExecuteStatement).
        """
        statements = list(enumerate(map(self._insert_of, items)))
        duplicates = list[int]()
        for at in range(0, len(items), WRITE_BATCH):
            left = statements[at : at + WRITE_BATCH]
            with aws_errors():
                for _ in self._backoff.attempts():
                    indexes, requests = zip(*left, strict=True)
                    answer = self._client.batch_execute_statement(Statements=list(requests))
                    left = []
                    for index, response in zip(indexes, answer["Responses"], strict=True):
                        code = response.get("Error", {}).get("Code")
                        if code == _DUPLICATE:
                            duplicates.append(index)
                        elif code in _PASSING:
                            left.append(statements[index])
                        elif code is not None:
                            raise StoreUnavailable(code)
                    if not left:
                        break
                else:
                    raise StoreUnavailable(BUSY)
        return sorted(duplicates)

    def _insert_of(self, item: Item) -> Any:
        fields = ",".join(f"'{name}':?" for name in item)
        return {
            "Statement": f'INSERT INTO "{self.name}" VALUE {{{fields}}}',
            "Parameters": list(item.values()),
        }

    def update(self, write: Item) -> None:
        """Update an item as `update_of` says."""
        with aws_errors():
            self._client.update_item(TableName=self.name, **write)

    def update_if(self, write: Item, **returns: Any) -> tuple[bool, Item]:
        """Update an item if the condition of `update_of` holds; return whether it did.

        Also returns the attributes that `returns` asks for by DynamoDB's names; none of an item
        that expired meanwhile.
        """
        with aws_errors():
            try:
                answer = self._client.update_item(TableName=self.name, **write, **returns)
            except self._client.exceptions.ConditionalCheckFailedException as error:
                refusal: Item = error.response
                return False, refusal.get("Item", _NOTHING)
        return True, answer.get("Attributes", _NOTHING)

    def change(self, partition: str, sort_key: str, write: Callable[[Item], T | None]) -> T | None:
        """Return the result of writing over an item, None if the item is absent.

        `write` returns None if the item has changed since it was read, and gets it anew.
        """
        for _ in range(CHANGES):
            item = self.get(partition, sort_key)
            if item is None:
                return None
            if (written := write(item)) is not None:
                return written
        raise StoreUnavailable("others kept changing it")

    def read(self, keys: Sequence[Item], *, consistent: bool = True) -> list[Item]:
        """Return the existing items at these keys, in any order."""
        found = list[Item]()
        for at in range(0, len(keys), READ_BATCH):
            selection = {"Keys": keys[at : at + READ_BATCH], "ConsistentRead": consistent}
            left: Any = {self.name: selection}
            with aws_errors():
                for _ in self._backoff.attempts():
                    answer = self._client.batch_get_item(RequestItems=left)
                    found.extend(answer["Responses"].get(self.name, ()))
                    if not (left := answer.get("UnprocessedKeys")):
                        break
                else:
                    raise StoreUnavailable(BUSY)
        return found

    def write(self, requests: Sequence[Item]) -> None:
        """Put and delete items unconditionally."""
        for at in range(0, len(requests), WRITE_BATCH):
            left: Any = {self.name: requests[at : at + WRITE_BATCH]}
            with aws_errors():
                for _ in self._backoff.attempts():
                    answer = self._client.batch_write_item(RequestItems=left)
                    if not (left := answer.get("UnprocessedItems")):
                        break
                else:
                    raise StoreUnavailable(BUSY)

    def transact(self, *actions: Item) -> bool:
        """Do all actions or none; return whether the first action's condition held."""
        writes: list[Any] = [
            {kind: {"TableName": self.name, **write}}
            for action in actions
            for kind, write in action.items()
        ]
        with aws_errors():
            for _ in self._backoff.attempts():
                try:
                    self._client.transact_write_items(TransactItems=writes)
                except self._client.exceptions.TransactionCanceledException as error:
                    reasons = [each["Code"] for each in error.response["CancellationReasons"]]
                    if reasons[0] == "ConditionalCheckFailed":
                        return False
                    if not _PASSING.intersection(reasons):
                        raise
                else:
                    return True
        raise StoreUnavailable(BUSY)


def update_of(
    partition: str,
    sort_key: str,
    update: str,
    condition: str = "",
    parameters: Mapping[str, Value] = _NOTHING,
    names: Mapping[str, str] = _NOTHING,
) -> Item:
    """Return an update of an item, if a condition holds, for a call or a transaction.

    `parameters` has the expressions' values by placeholder. A placeholder "#x" names the attribute
    x unless `names` says otherwise.
    """
    write: dict[str, Any] = {"Key": key(partition, sort_key), "UpdateExpression": update}
    if condition:
        write["ConditionExpression"] = condition
    if placeholders := _NAME.findall(f"{update} {condition}"):
        write["ExpressionAttributeNames"] = {each: each[1:] for each in placeholders} | {**names}
    if parameters:
        write["ExpressionAttributeValues"] = values(parameters)
    return write


def key(partition: str, sort_key: str) -> Item:
    """Return the key of an item."""
    return values({"pk": partition, "sk": sort_key})


def values(plain: Mapping[str, Value]) -> Item:
    """Return texts, whole numbers and bytes as DynamoDB's values."""
    return {
        name: {"S": value}
        if isinstance(value, str)
        else {"N": str(value)}
        if isinstance(value, int)
        else {"B": value}
        for name, value in plain.items()
    }
