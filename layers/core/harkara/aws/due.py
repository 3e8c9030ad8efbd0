"""The Due table: partition = one of 16 shards, sort key = time # hash of the body."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.aws.inserts import Inserter, Item
from harkara.ports import Clock, DueTask
from harkara.services.sweep import SHARDS
from harkara.tasks import QueueName

_PAGE = 100
_DELETE_BATCH = 25


class DynamoDueTable:
    """Tasks that wait for longer than a queue lets them."""

    def __init__(self, client: Any, table: str, clock: Clock, retention_s: int = 0) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._retention_s = retention_s
        self._inserter = Inserter(client, table)

    def put(self, queue: QueueName, body: str, delay_s: float) -> None:
        """Store a task until its time has come. Raises StoreUnavailable."""
        due_s = self._clock() + delay_s
        digest = blake2b(body.encode(), digest_size=8)
        item: Item = {
            "pk": {"S": _partition(digest.digest()[0] % SHARDS)},
            "sk": {"S": f"{int(due_s * 1000):013d}#{digest.hexdigest()}"},
            "queue": {"S": queue},
            "body": {"S": body},
            "ttl": {"N": str(int(due_s) + self._retention_s)},
        }
        self._inserter.insert([item])

    def due(self, shard: int, now_ms: int) -> Iterator[list[DueTask]]:
        """Yield a shard's rows whose time has come, page by page, the oldest first."""
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk < :now",
            "ExpressionAttributeValues": {
                ":pk": {"S": _partition(shard)},
                ":now": {"S": f"{now_ms + 1:013d}"},
            },
            "PaginationConfig": {"PageSize": _PAGE},
        }
        with aws_errors():
            for page in self._client.get_paginator("query").paginate(**query):
                if page["Items"]:
                    yield [
                        DueTask(
                            item["pk"]["S"],
                            item["sk"]["S"],
                            QueueName(item["queue"]["S"]),
                            item["body"]["S"],
                        )
                        for item in page["Items"]
                    ]

    def delete(self, tasks: Sequence[DueTask]) -> None:
        """Delete rows. What stays is enqueued once more: harmless."""
        for at in range(0, len(tasks), _DELETE_BATCH):
            requests = [
                {
                    "DeleteRequest": {
                        "Key": {"pk": {"S": task.partition}, "sk": {"S": task.sort_key}}
                    }
                }
                for task in tasks[at : at + _DELETE_BATCH]
            ]
            with aws_errors():
                self._client.batch_write_item(RequestItems={self._table: requests})


def _partition(shard: int) -> str:
    return f"shard#{shard:02d}"
