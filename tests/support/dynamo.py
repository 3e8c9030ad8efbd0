"""DynamoDB in memory for the real adapters: one client a test, without botocore.

Calls are checked against the functions' policies (`tests.support.policies`) and AWS's sizes
(`tests.support.limits`). The adapters' own tests (`tests.unit.scripted_aws`) go through botocore
and check the shapes of requests and answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import cache
from typing import Any, Self

from botocore.errorfactory import ClientExceptionsFactory
from botocore.model import ServiceModel
from botocore.session import get_session

from harkara.aws.messages import entry_of, item_of
from harkara.model.ledger import LedgerEntry
from harkara.model.tasks import QueueName
from harkara.ports import DueTask
from tests.support import policies
from tests.support.caprices import Caprices
from tests.support.expressions import Item, inserted
from tests.support.limits import FakeClient, refusal_of
from tests.support.tables import Table
from tests.unit.scripted_aws import Refusal

ACCOUNTS, MESSAGES, DUE = "AccountsTable", "MessagesTable", "DueTable"
ACTIVITY = "ActivityTable"
ALL = 10**9
_CURSORS = ("cursor", "cursor")


@cache
def _service() -> ServiceModel:
    return get_session().get_service_model("dynamodb")


@cache
def _exceptions() -> Any:
    return ClientExceptionsFactory().create_client_exceptions(_service())


def _operation(name: str) -> Callable[..., Mapping[str, Any]]:
    def call(self: "Dynamo", **params: Any) -> Mapping[str, Any]:
        return self.answer(name, params)

    return call


class Dynamo(FakeClient):  # type: ignore[misc]
    """The tables by logical id, and the client methods that the adapters call."""

    get_item = _operation("GetItem")
    put_item = _operation("PutItem")
    update_item = _operation("UpdateItem")
    query = _operation("Query")
    scan = _operation("Scan")
    batch_get_item = _operation("BatchGetItem")
    batch_write_item = _operation("BatchWriteItem")
    batch_execute_statement = _operation("BatchExecuteStatement")
    transact_write_items = _operation("TransactWriteItems")

    def __init__(self, clock: Callable[[], float] = lambda: 0.0, seed: int | None = None) -> None:
        self.caprices = Caprices(seed)
        self.tables = {
            name: Table(name, ALL, clock, self.caprices)
            for name in (ACCOUNTS, MESSAGES, ACTIVITY, DUE)
        }

    @property
    def exceptions(self) -> Any:
        """The client's error classes, by which adapters tell errors apart."""
        return _exceptions()

    def get_paginator(self, operation: str) -> Self:
        """Return a paginator for queries: botocore's own is slower than the query itself."""
        assert operation == "query"
        return self

    def paginate(
        self, PaginationConfig: Mapping[str, int] | None = None, **query: Any
    ) -> Iterator[Mapping[str, Any]]:
        """Yield pages until LastEvaluatedKey is missing or MaxItems is reached."""
        config = PaginationConfig or {}
        left = config.get("MaxItems", ALL)
        if "PageSize" in config:
            query["Limit"] = config["PageSize"]
        while True:
            page = self.query(**query)
            yield {**page, "Items": page["Items"][:left]}
            left -= len(page["Items"])
            if left <= 0 or "LastEvaluatedKey" not in page:
                return
            query = {**query, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def answer(self, operation: str, params: dict[str, Any]) -> Mapping[str, Any]:
        """Execute an operation, or raise the error with which AWS refuses it."""
        policies.check(operation, params)
        if code := refusal_of(operation, params):
            answer: Mapping[str, Any] | Refusal = Refusal(code)
        else:
            params, remains = self.caprices.split(operation, params)
            answer = self.tables[table_of(operation, params)](operation, params)
            if remains and not isinstance(answer, Refusal):
                return _with_remains(answer, remains)
        if not isinstance(answer, Refusal):
            return answer
        error = {"Error": {"Code": answer.code}, **answer.fields}
        raise _exceptions().from_code(answer.code)(error, operation)


def _with_remains(answer: Mapping[str, Any], remains: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer with the remains added to its own unprocessed keys."""
    if "UnprocessedKeys" in answer:
        ((table, own),), later = answer["UnprocessedKeys"].items(), remains["UnprocessedKeys"]
        keys = [*own["Keys"], *later[table]["Keys"]]
        remains = {"UnprocessedKeys": {table: {**own, "Keys": keys}}}
    return {**answer, **remains}


def table_of(operation: str, params: Mapping[str, Any]) -> str:
    """Return the only table of a call: no adapter names two tables in one call."""
    if "TableName" in params:
        return str(params["TableName"])
    match operation:
        case "BatchExecuteStatement":
            tables = {inserted(each)[0] for each in params["Statements"]}
        case "TransactWriteItems":
            tables = {
                part["TableName"] for each in params["TransactItems"] for part in each.values()
            }
        case _:
            tables = set(params["RequestItems"])
    (table,) = tables
    return table


class LedgerEntries(MutableMapping[tuple[str, str], LedgerEntry]):
    """The ledger entries of a table, to read and to change without calls of DynamoDB."""

    def __init__(self, table: Table, ttl: Callable[[], Mapping[str, str]]) -> None:
        self._table = table
        self._ttl = ttl
        self._read: dict[tuple[str, str], tuple[Item, LedgerEntry]] = {}

    def __getitem__(self, key: tuple[str, str]) -> LedgerEntry:
        item = self._table.items[key]
        read = self._read.get(key)
        if read is None or read[0] is not item:
            read = self._read[key] = item, entry_of(item)
        return read[1]

    def know(self, entries: Iterable[LedgerEntry]) -> None:
        """Cache entries that were just put, so that their items need no decoding."""
        self._read |= {entry.key: (self._table.items[entry.key], entry) for entry in entries}

    def __setitem__(self, key: tuple[str, str], entry: LedgerEntry) -> None:
        self._table.items[key] = dict(item_of(entry, self._ttl()))

    def __delitem__(self, key: tuple[str, str]) -> None:
        del self._table.items[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter([key for key, item in self._table.items.items() if "task_id" in item])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return "task_id" in self._table.items.get(key, ())  # type: ignore[call-overload]


class DueRows:
    """The rows of the Due table with their shards, without calls of DynamoDB."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._read: list[tuple[int, DueTask]] = []
        self._of: list[tuple[str, str]] = []

    def __iter__(self) -> Iterator[tuple[int, DueTask]]:
        rows = [key for key in self._table.items if key != _CURSORS]
        if rows != self._of:
            self._of, self._read = list(rows), [self._row(key) for key in rows]
        return iter(self._read)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def append(self, row: tuple[int, DueTask]) -> None:
        """Add a task to a shard."""
        shard, task = row
        fields = {"pk": f"shard#{shard:02d}", "sk": task.sort_key}
        fields |= {"queue": task.queue, "body": task.body}
        item = {name: {"S": value} for name, value in fields.items()}
        self._table.items[fields["pk"], task.sort_key] = item

    def clear(self) -> None:
        """Remove all rows."""
        for key in [key for key in self._table.items if key != _CURSORS]:
            del self._table.items[key]

    def cursors(self) -> Mapping[int, str]:
        item = self._table.items.get(_CURSORS, {})
        shards = {name: value for name, value in item.items() if name.startswith("shard#")}
        return {int(name.removeprefix("shard#")): value["S"] for name, value in shards.items()}

    def _row(self, key: tuple[str, str]) -> tuple[int, DueTask]:
        item, (partition, sort_key) = self._table.items[key], key
        due_ms = int(sort_key.partition("#")[0])
        task = DueTask(sort_key, due_ms, QueueName(item["queue"]["S"]), item["body"]["S"])
        return int(partition.removeprefix("shard#")), task


class Column(MutableMapping[str, Any]):
    """One attribute of all items with a given sort key, by partition, without calls of DynamoDB."""

    def __init__(self, table: Table, sort_key: str, name: str, kind: str) -> None:
        self._table, self._sort_key, self._name, self._kind = table, sort_key, name, kind

    def __getitem__(self, partition: str) -> Any:
        value = self._table.items[partition, self._sort_key][self._name][self._kind]
        return int(value) if self._kind == "N" else value

    def __setitem__(self, partition: str, value: Any) -> None:
        key = {"pk": {"S": partition}, "sk": {"S": self._sort_key}}
        item = self._table.items.get((partition, self._sort_key), key)
        self._table.items[partition, self._sort_key] = {
            **item,
            self._name: {self._kind: str(value) if self._kind == "N" else value},
        }

    def __delitem__(self, partition: str) -> None:
        del self._table.items[partition, self._sort_key]

    def __iter__(self) -> Iterator[str]:
        return iter([pk for pk, sort_key in self._table.items if sort_key == self._sort_key])

    def __len__(self) -> int:
        return sum(1 for _ in self)
