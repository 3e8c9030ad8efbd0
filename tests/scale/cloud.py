"""AWS as its clients see it: tables and queues in memory whose calls take virtual time.

Clients get the adapters' calls in the place of botocore. The model keeps the SDK's retries
("standard" mode: a random part of 1, 2, 4 s) and its CPU time, which the calling execution
environment spends on one call after the other.
"""

import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.scale.meter import LIMITS, PARTITION, TABLE, Meter, Ramp
from tests.scale.queues import Queue
from tests.scale.threads import Threads
from tests.support.limits import BATCH_LIMIT_BYTES, ENTRIES_LIMIT, ITEM_LIMIT_BYTES, item_bytes
from tests.support.tables import CONDITION_FAILED, Table
from tests.unit.scripted_aws import Refusal

MODEL = json.loads((Path(__file__).parent / "latencies.json").read_text())
SDK_TRIES = 4
# Partitions with a whole limit in every slice: those of one message batch and of one queue message,
# which no other request writes; the shards of a carrier's rate, which a slice has fewer of; and the
# cursors of `sweep`, which move as often in a slice.
_WHOLE = re.compile(r"(cancels#)?1[0-9A-Z]{26}|[0-9a-f-]{36}.*|carrier-rate#.*|cursor")
_INSERT = re.compile(r'INSERT INTO "(\w+)" VALUE \{(.*)\}')


class _Throttled(Exception):
    """The table's capacity of this second is used up."""


class _ConditionFailed(ClientError):
    """The error class as botocore has it."""


class _Cancelled(ClientError):
    """That of a transaction."""


class Cloud:
    """Tables and queues with their usage, for a slice of one in `slices`."""

    def __init__(self, threads: Threads, slices: float, *, new: bool = False) -> None:
        self.threads = threads
        self.slices = slices
        self.meter = Meter(threads.clock)
        self.rng = random.Random(1)  # noqa: S311 - the same at every run
        self.used: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.queues: dict[str, Queue] = defaultdict(lambda: Queue(threads, self.meter, slices))
        self.tables: dict[str, dict[str, Table]] = defaultdict(dict)
        self.is_new = new
        self._ramps: dict[tuple[str, str], Ramp] = {}
        # Called with the sort key of each row that is put into the Due table.
        self.on_due: Callable[[str], object] = lambda sort_key: None
        # Called with each new item of the Messages table.
        self.on_message: Callable[[Mapping[str, Any]], object] = lambda item: None

    def reset(self) -> None:
        """Reset the usage and the meter."""
        self.used.clear()
        self.calls.clear()
        self.meter = Meter(self.threads.clock)

    def spend(self, what: str, *, cpu_ms: float = MODEL["cpu_ms_a_call"]) -> None:
        """Count a call, and let its CPU time and its latency pass."""
        self.calls[what] += 1
        process = self.threads.current.owner
        waits_s = process.cpu(cpu_ms / 1000) if process else 0.0
        self.threads.sleep(waits_s + self.latency_s(what))

    def latency_s(self, what: str) -> float:
        """Draw the latency of a call: log-normal, with the mean of the model."""
        mean_s, sigma = MODEL["call_ms"][what] / 1000, MODEL["sigma"]
        return self.rng.lognormvariate(math.log(mean_s) - sigma**2 / 2, sigma)

    def use(self, kind: str, table: str, pk: str, size: float, per_unit: int) -> None:
        """Use units of a partition and its table. Raises _Throttled."""
        assert size <= ITEM_LIMIT_BYTES or kind == "read"
        units = max(1, math.ceil(size / per_unit))
        is_whole = _WHOLE.fullmatch(pk) is not None
        per_s = LIMITS[PARTITION[kind]]["value"] / (1 if is_whole else self.slices)
        what = f"{table}, {pk.partition('#')[0]}"
        if is_whole and not pk.startswith(("carrier-rate#", "cursor")):
            what = "one request's"
        if not self.meter.take(f"{PARTITION[kind]}: {what}", units, per_s, key=pk):
            raise _Throttled
        limit, name = LIMITS[TABLE[kind]], f"{TABLE[kind]}: {table}"
        ramp = self._ramps.get((table, kind))
        if ramp is None:
            first = limit["new"] if self.is_new else limit["value"]
            most = limit["value"] / self.slices
            ramp = self._ramps[table, kind] = Ramp(first / self.slices, most, self.threads.clock)
        if not self.meter.take(name, units, ramp.note(units)):
            raise _Throttled
        self.used[f"{kind}_units"] += units

    def partition(self, table: str, pk: str) -> Table:
        partitions = self.tables[table]
        if pk not in partitions:
            partitions[pk] = Table(table, page=1_000_000)
        return partitions[pk]


class Dynamo:
    """A client of DynamoDB."""

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=_ConditionFailed,
        TransactionCanceledException=_Cancelled,
    )

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def get_item(self, **params: Any) -> Any:
        return self._call("GetItem", params, self._get)

    def batch_get_item(self, **params: Any) -> Any:
        return self._call("BatchGetItem", params, self._get_batch)

    def put_item(self, **params: Any) -> Any:
        return self._call("PutItem", params, self._write)

    def update_item(self, **params: Any) -> Any:
        return self._call("UpdateItem", params, self._write)

    def transact_write_items(self, **params: Any) -> Any:
        return self._call("TransactWriteItems", params, self._transact)

    def batch_execute_statement(self, **params: Any) -> Any:
        return self._call("BatchExecuteStatement", params, self._execute)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "query"
        return SimpleNamespace(paginate=self._paginate)

    def query(self, **params: Any) -> Any:
        return self._call("Query", params, self._query)

    def _call(
        self, operation: str, params: dict[str, Any], do: Callable[[str, dict[str, Any]], Any]
    ) -> Any:
        for attempts in range(SDK_TRIES):
            self._cloud.spend(operation)
            try:
                return do(operation, params)
            except _Throttled:
                if attempts < SDK_TRIES - 1:
                    self._cloud.threads.sleep(self._cloud.rng.random() * 2**attempts)
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    def _get(self, operation: str, params: dict[str, Any]) -> Any:
        table, pk = params["TableName"], params["Key"]["pk"]["S"]
        answer = self._cloud.partition(table, pk)(operation, params)
        item = answer.get("Item", {})  # type: ignore[union-attr]
        self._read(table, pk, item_bytes(item), params)
        return answer

    def _get_batch(self, operation: str, params: dict[str, Any]) -> Any:
        found: dict[str, list[Any]] = {}
        left: dict[str, Any] = {}
        for table, request in params["RequestItems"].items():
            found[table], rest = [], []
            for key in request["Keys"]:
                consistent = request.get("ConsistentRead", False)
                one = {"TableName": table, "Key": key, "ConsistentRead": consistent}
                try:
                    found[table] += self._get("GetItem", one).values()
                except _Throttled:
                    rest.append(key)
            if rest:
                left[table] = {**request, "Keys": rest}
        return {"Responses": found, "UnprocessedKeys": left}

    def _query(self, operation: str, params: dict[str, Any]) -> Any:
        table, pk = params["TableName"], params["ExpressionAttributeValues"][":pk"]["S"]
        answer: Any = self._cloud.partition(table, pk)(operation, params)
        self._read(table, pk, sum(map(item_bytes, answer["Items"])), params)
        return answer

    def _paginate(self, **params: Any) -> Iterator[Any]:
        if size := params.pop("PaginationConfig", {}).get("PageSize"):
            params["Limit"] = size
        while True:
            answer = self.query(**params)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _read(self, table: str, pk: str, size: int, params: Mapping[str, Any]) -> None:
        # An eventually consistent read costs half a unit.
        half = 1 if params.get("ConsistentRead") else 0.5
        self._cloud.use("read", table, pk, size * half, 4096)

    def _write(self, operation: str, params: dict[str, Any]) -> Any:
        key = params.get("Item") or params["Key"]
        table, pk = params["TableName"], key["pk"]["S"]
        partition = self._cloud.partition(table, pk)
        index = pk, key["sk"]["S"]
        before = partition.items.get(index)
        self._cloud.use("write", table, pk, item_bytes(before or key), 1024)
        answer = partition(operation, params)
        if isinstance(answer, Refusal):
            assert answer.code == CONDITION_FAILED
            error: Any = {"Error": {"Code": answer.code}}
            raise _ConditionFailed(error | ({"Item": before} if before else {}), operation)
        if params.get("ReturnValues", "NONE").endswith("NEW"):
            return {"Attributes": partition.items[index]}
        return answer

    def _transact(self, operation: str, params: dict[str, Any]) -> Any:
        """Write all or nothing, for two units where a single write takes one."""
        writes = [write for each in params["TransactItems"] for write in each.items()]
        tables = [self._partition_of(write) for _, write in writes]
        allowed = [table.allows(write) for table, (_, write) in zip(tables, writes, strict=True)]
        if not all(allowed):
            reasons = [{"Code": "None" if each else "ConditionalCheckFailed"} for each in allowed]
            error: Any = {"Error": {}, "CancellationReasons": reasons}
            raise _Cancelled(error, operation)
        for table, (kind, write) in zip(tables, writes, strict=True):
            table.write(kind, write)
            key = write.get("Item") or write["Key"]
            stored = table.items[key["pk"]["S"], key["sk"]["S"]]
            self._cloud.use("write", table.name, key["pk"]["S"], 2 * item_bytes(stored), 1024)
        return {}

    def _partition_of(self, write: Mapping[str, Any]) -> Table:
        key = write.get("Item") or write["Key"]
        return self._cloud.partition(write["TableName"], key["pk"]["S"])

    def _execute(self, operation: str, params: dict[str, Any]) -> Any:
        return {"Responses": [self._insert(each) for each in params["Statements"]]}

    def _insert(self, statement: dict[str, Any]) -> Any:
        found = _INSERT.fullmatch(statement["Statement"])
        assert found, statement["Statement"]
        names = [part.split("'")[1] for part in found[2].split(",")]
        item = dict(zip(names, statement["Parameters"], strict=True))
        table, pk, sk = found[1], item["pk"]["S"], item["sk"]["S"]
        try:
            self._cloud.use("write", table, pk, item_bytes(item), 1024)
        except _Throttled:
            return {"Error": {"Code": "ThrottlingError", "Message": ""}}
        items = self._cloud.partition(table, pk).items
        if (pk, sk) in items:
            return {"Error": {"Code": "DuplicateItem", "Message": ""}}
        items[pk, sk] = item
        if table == "Due":
            self._cloud.on_due(sk)
        if table == "Messages":
            self._cloud.on_message(item)
        return {}


class Sqs:
    """A client of SQS."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def send_message_batch(self, QueueUrl: str, Entries: Any) -> Any:
        size = sum(len(entry["MessageBody"]) for entry in Entries)
        assert len(Entries) <= ENTRIES_LIMIT
        assert size <= BATCH_LIMIT_BYTES
        self._cloud.spend("SendMessageBatch")
        queue = self._cloud.queues[QueueUrl.rpartition("/")[2]]
        for entry in Entries:
            queue.put(
                entry["MessageBody"], entry.get("MessageGroupId", ""), entry.get("DelaySeconds", 0)
            )
        self._cloud.used["sqs_requests"] += max(1, math.ceil(size / 65_536))
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def change_message_visibility_batch(self, QueueUrl: str, Entries: Any) -> Any:
        assert len(Entries) <= ENTRIES_LIMIT
        self._cloud.spend("ChangeMessageVisibilityBatch")
        queue = self._cloud.queues[QueueUrl.rpartition("/")[2]]
        for entry in Entries:
            queue.put_back(entry["ReceiptHandle"], entry["VisibilityTimeout"])
        self._cloud.used["sqs_requests"] += 1
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}
