"""AWS below the SDK: tables and queues in memory that add up the billed usage.

A write costs a unit for each KB of the item, refused puts and deletes too; a read costs half a unit
for each 4 KB, a whole one if it is consistent. SQS bills each 64 KB of a call. Lambda's own SQS
calls for an invocation (a receive and a delete for ten tasks) are counted as well.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import orjson
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.bench.accept import Body

Item = Mapping[str, Any]
BATCH = 10

_INSERT = re.compile(r'INSERT INTO "(\w+)" VALUE \{(.*)\}')
# Assignments and additions: on a new attribute they have the same effect.
_ASSIGNMENT = re.compile(r"(#\w+)(?: =)? (:\w+)")


class Ledger:
    """Answers the clients passed to `listen`; `billed` has their usage."""

    def __init__(self) -> None:
        self.billed: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.tables: dict[str, dict[tuple[str, str], Item]] = {}
        self.queues: dict[str, list[str]] = {}
        self._lock = Lock()

    def listen(self, *clients: Any) -> None:
        for each in clients:
            each.meta.events.register("before-send", self._answer)

    def receive(self, queue: str) -> list[str]:
        """Take up to ten bodies, as Lambda does for an invocation, and delete them."""
        waiting = self.queues.get(queue, [])
        bodies, self.queues[queue] = waiting[:BATCH], waiting[BATCH:]
        if bodies:
            for call in ("ReceiveMessage", "DeleteMessageBatch"):
                self.calls[call] += 1
                self.billed["sqs_requests"] += 1
            self.billed["sqs_requests"] += _beyond_64_kb(bodies)
        return bodies

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        asked: dict[str, Any] = orjson.loads(request.body)
        with self._lock:  # the functions call from several threads
            self.calls[operation] += 1
            answer = getattr(self, f"_{operation}")(asked)
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(orjson.dumps(answer)))

    def _GetItem(self, asked: dict[str, Any]) -> Any:
        item = self._table(asked["TableName"]).get(_key(asked["Key"]))
        self._read([item] if item else [], asked.get("ConsistentRead", False))
        return {"Item": item} if item else {}

    def _BatchGetItem(self, asked: dict[str, Any]) -> Any:
        ((table, keys),) = asked["RequestItems"].items()
        found = [self._table(table).get(_key(key)) for key in keys["Keys"]]
        for item in found:
            self._read([item] if item else [], keys.get("ConsistentRead", False))
        return {"Responses": {table: [item for item in found if item]}, "UnprocessedKeys": {}}

    def _Query(self, asked: dict[str, Any]) -> Any:
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        condition = asked["KeyConditionExpression"]
        items = [
            item
            for (pk, sk), item in sorted(self._table(asked["TableName"]).items())
            if pk == values[":pk"] and _holds(condition, sk, values)
        ]
        self._read(items, asked.get("ConsistentRead", False))
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    def _BatchExecuteStatement(self, asked: dict[str, Any]) -> Any:
        return {"Responses": [self._insert(each) for each in asked["Statements"]]}

    def _insert(self, statement: dict[str, Any]) -> Any:
        found = _INSERT.fullmatch(statement["Statement"])
        assert found, statement["Statement"]
        names = [part.split("'")[1] for part in found[2].split(",")]
        item = dict(zip(names, statement["Parameters"], strict=True))
        self._write(item)
        table = self._table(found[1])
        if _key(item) in table:
            return {"Error": {"Code": "DuplicateItem", "Message": ""}}
        table[_key(item)] = item
        return {}

    def _PutItem(self, asked: dict[str, Any]) -> Any:
        self._write(asked["Item"])
        self._table(asked["TableName"])[_key(asked["Item"])] = asked["Item"]
        return {}

    def _UpdateItem(self, asked: dict[str, Any]) -> Any:
        names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
        assigned = {
            names[name]: values[value]
            for name, value in _ASSIGNMENT.findall(asked["UpdateExpression"])
        }
        table = self._table(asked["TableName"])
        item = {**table.get(_key(asked["Key"]), asked["Key"]), **assigned}
        self._write(item)
        table[_key(item)] = item
        return {}

    def _SendMessageBatch(self, asked: dict[str, Any]) -> Any:
        bodies = [entry["MessageBody"] for entry in asked["Entries"]]
        self.queues.setdefault(asked["QueueUrl"].rpartition("/")[2], []).extend(bodies)
        self.billed["sqs_requests"] += 1 + _beyond_64_kb(bodies)
        return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]]}

    def _table(self, name: str) -> dict[tuple[str, str], Item]:
        return self.tables.setdefault(name, {})

    def _write(self, item: Item) -> None:
        self.billed["write_units"] += max(1, math.ceil(size_of(item) / 1024))

    def _read(self, items: Sequence[Item], consistent: bool) -> None:
        units = max(1, math.ceil(sum(map(size_of, items)) / 4096))
        self.billed["half_read_units"] += units * (2 if consistent else 1)


def size_of(item: Item) -> int:
    """Return an item's size in bytes as DynamoDB counts it: names and values, numbers packed."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, str]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return len(content.lstrip("-")) // 2 + 2
        case "B":
            return len(content) * 3 // 4
        case _:
            return len(content.encode())


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _holds(condition: str, sk: str, values: Mapping[str, str]) -> bool:
    of_sort_key = condition.removeprefix("pk = :pk AND ")
    if of_sort_key == "sk BETWEEN :after AND :now":
        return values[":after"] <= sk <= values[":now"]
    if of_sort_key.startswith("sk < "):
        return sk < values[of_sort_key.removeprefix("sk < ")]
    assert of_sort_key == "begins_with(sk, :kind)", condition
    return sk.startswith(values[":kind"])


def _beyond_64_kb(bodies: Sequence[str]) -> int:
    return max(0, math.ceil(sum(map(len, bodies)) / 65_536) - 1)
