"""The Due table: partition = one of 16 shards, sort key = time # hash of the body.

One more item has the cursors: for each shard the sort key up to which `sweep` has enqueued all.
Rows behind it are never read again, and go by their time to live. No row can appear there: it is
put more than `queues.DELAY_LIMIT_S` before its time by a process that lives for two minutes at
most, and a cursor stands at a row whose time has come. The clocks of two functions would have to
be apart by all that lies between, which is more than ten minutes.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.aws.inserts import Inserter, Item
from harkara.base.time import DAY_S, Clock
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS, DueTask

# For so long `sweep` may be out of order before anything is lost.
KEPT_S = 7 * DAY_S
_PAGE = 100
_CURSORS = {"pk": {"S": "cursor"}, "sk": {"S": "cursor"}}


class DynamoDueTable:
    """Tasks that wait for longer than a queue lets them."""

    def __init__(
        self,
        client: Any,
        table: str,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._inserter = Inserter(client, table, pause)

    def put(self, queue: QueueName, body: str, delay_s: float) -> None:
        """Store a task until its time has come. Raises StoreUnavailable."""
        due_s = self._clock() + delay_s
        digest = blake2b(body.encode(), digest_size=8)
        item: Item = {
            "pk": {"S": _partition(digest.digest()[0] % SHARDS)},
            "sk": {"S": f"{int(due_s * 1000):013d}#{digest.hexdigest()}"},
            "queue": {"S": queue},
            "body": {"S": body},
            "ttl": {"N": str(int(due_s) + KEPT_S)},
        }
        self._inserter.insert([item])

    def cursors(self) -> Mapping[int, str]:
        """Return the cursors of the shards that have one."""
        with aws_errors():
            answer = self._client.get_item(TableName=self._table, Key=_CURSORS, ConsistentRead=True)
        item = answer.get("Item", {})
        shards = {shard: _partition(shard) for shard in range(SHARDS)}
        return {shard: item[name]["S"] for shard, name in shards.items() if name in item}

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        """Yield a shard's rows beyond a sort key whose time has come, by pages, oldest first."""
        # Beyond that key, before any later one: BETWEEN takes in both its ends.
        first, last = f"{after}!", f"{now_ms + 1:013d}"
        if first > last:  # a run whose clock is ahead was here; DynamoDB would refuse it
            return
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :after AND :now",
            "ExpressionAttributeValues": {
                ":pk": {"S": _partition(shard)},
                ":after": {"S": first},
                ":now": {"S": last},
            },
            # The cursor goes beyond what is read: a row that a replica does not show yet is lost.
            "ConsistentRead": True,
            "PaginationConfig": {"PageSize": _PAGE},
        }
        with aws_errors():
            for page in self._client.get_paginator("query").paginate(**query):
                if page["Items"]:
                    yield [_task(item) for item in page["Items"]]

    def move(self, shard: int, reached: str) -> bool:
        """Move a shard's cursor on to a sort key; say whether it was not beyond that already."""
        with aws_errors():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_CURSORS,
                    UpdateExpression="SET #shard = :reached",
                    # Not less alone: it may be repeated after a lost answer.
                    ConditionExpression="attribute_not_exists(#shard) OR #shard <= :reached",
                    ExpressionAttributeNames={"#shard": _partition(shard)},
                    ExpressionAttributeValues={":reached": {"S": reached}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _task(item: Item) -> DueTask:
    sort_key = item["sk"]["S"]
    due_ms = int(sort_key.partition("#")[0])
    return DueTask(sort_key, due_ms, QueueName(item["queue"]["S"]), item["body"]["S"])


def _partition(shard: int) -> str:
    return f"shard#{shard:02d}"
