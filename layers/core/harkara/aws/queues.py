"""Put tasks in queues, or in the Due table if they must wait longer than SQS allows.

SQS API Reference, SendMessageBatch: "The maximum allowed individual message size and the maximum
total payload size (the sum of the individual lengths of all of the batched messages) are both 1 MiB
1,048,576 bytes."

In the Due table a task's partition is one of 16 shards, its sort key its time and a hash of its
body. One more item has the cursors: for each shard the sort key up to which `sweep` has enqueued
all. Rows before the cursor are never read again, and are deleted by their time to live. No new row
can appear there: it is put more than `queues.DELAY_LIMIT_S` before its time by a process that lives
for two minutes at most, and a cursor stands at a row that is due. The clocks of two functions would
have to differ by all the time between, which is more than ten minutes.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from secrets import token_hex
from typing import Any

from harkara.aws.clients import Backoff, DynamoDBClient, SQSClient, aws_errors
from harkara.aws.table import Item, Table, Value, update_of, values
from harkara.base.errors import StoreUnavailable
from harkara.base.retries import QUEUE_DELAY_S
from harkara.base.time import DAY_S, Clock
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS, DueTask

# The time for which `sweep` may be out of order before tasks are lost.
KEPT_S = 7 * DAY_S
_PAGE = 100
_CURSORS = "cursor", "cursor"


class DynamoDueTable:
    """Stores tasks that wait for longer than a queue can delay them."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._clock = clock

    def put(self, queue: QueueName, body: str, delay_s: float) -> None:
        """Store a task until it is due. Raises StoreUnavailable."""
        due_s = self._clock() + delay_s
        digest = blake2b(body.encode(), digest_size=8)
        item: dict[str, Value] = {
            "pk": _partition(digest.digest()[0] % SHARDS),
            "sk": f"{int(due_s * 1000):013d}#{digest.hexdigest()}",
            "queue": queue.value,
            "body": body,
            "ttl": int(due_s) + KEPT_S,
        }
        self._table.put_if_absent([values(item)])

    def cursors(self) -> Mapping[int, str]:
        """Return the cursors of the shards that have one."""
        item = self._table.get(*_CURSORS) or {}
        shards = {shard: _partition(shard) for shard in range(SHARDS)}
        return {shard: item[name]["S"] for shard, name in shards.items() if name in item}

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        """Yield a shard's due rows beyond the sort key `after`, by pages, oldest first."""
        # "!" sorts after `after` itself and before any later key: BETWEEN includes both its ends.
        first, last = f"{after}!", f"{now_ms + 1:013d}"
        if first > last:  # moved by a run with a faster clock; DynamoDB would refuse this
            return
        bounds = {":after": first, ":now": last}
        pages = self._table.pages(
            _partition(shard), "sk BETWEEN :after AND :now", bounds, limit=_PAGE
        )
        yield from ([_task(item) for item in page] for page in pages if page)

    def move(self, shard: int, reached: str) -> bool:
        """Move a shard's cursor to a sort key; return False if it was already beyond."""
        update = update_of(
            *_CURSORS,
            "SET #shard = :reached",
            # Equality is allowed, since the call may be repeated after a lost answer.
            "attribute_not_exists(#shard) OR #shard <= :reached",
            {":reached": reached},
            {"#shard": _partition(shard)},
        )
        return self._table.update_if(update)[0]


def _task(item: Item) -> DueTask:
    sort_key = item["sk"]["S"]
    due_ms = int(sort_key.partition("#")[0])
    return DueTask(sort_key, due_ms, QueueName(item["queue"]["S"]), item["body"]["S"])


def _partition(shard: int) -> str:
    return f"shard#{shard:02d}"


DELAY_LIMIT_S = QUEUE_DELAY_S
BATCH_LIMIT_BYTES = 1_048_576
_BATCH = 10
_ATTEMPTS = 3
# SQS moves a dead letter back as a message with another id. Their tasks keep their leases then,
# since the id is in the body.
_REDRIVEN_AS_THEY_WERE = QueueName.RECEIPT, QueueName.CALLBACK
# SQS refuses a whole batch because of one body; the others are then sent without it.
_OF_A_BODY = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "BatchRequestTooLong",
        "InvalidMessageContents",
        "InvalidParameterValue",
    }
)


class SqsTaskQueues:
    """Queues by name. Without a Due table the longest delay is a quarter of an hour."""

    def __init__(
        self,
        client: SQSClient,
        urls: Mapping[QueueName, str],
        due: DynamoDueTable | None = None,
        pause: Callable[[float], None] = time.sleep,
        new_id: Callable[[], str] = lambda: token_hex(8),
    ) -> None:
        self._client = client
        self._urls = urls
        self._due = due
        self._backoff = Backoff(pause)
        self._new_id = new_id

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        """Put bodies in a queue; return for each whether it is in. A wrong body fails alone."""
        return self._send(queue, bodies, group, delays_s or [0] * len(bodies))

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        """Put a body in a queue after a delay of `delay_s` seconds. Raises StoreUnavailable."""
        if delay_s > DELAY_LIMIT_S and self._due is not None:
            self._due.put(queue, body, delay_s)
            return
        (sent,) = self._send(queue, [body], group, [min(math.ceil(delay_s), DELAY_LIMIT_S)])
        if not sent:
            raise StoreUnavailable(f"the {queue} queue did not take a task")

    def _send(
        self, queue: QueueName, bodies: Sequence[str], group: str, delays_s: Sequence[int]
    ) -> list[bool]:
        sent = [False] * len(bodies)
        if queue in _REDRIVEN_AS_THEY_WERE:
            bodies = [self._named(body) for body in bodies]
        for indexes in _batches(bodies, len(group.encode())):
            for index in self._send_batch(queue, bodies, indexes, group, delays_s):
                sent[index] = True
        return sent

    def _named(self, body: str) -> str:
        """Return a body of JSON with a task id, a new one unless it has one."""
        # Within a text JSON would have a backslash before each quote.
        if not body.endswith("}") or '"task_id":' in body:
            return body
        return f'{body[:-1]},"task_id":"{self._new_id()}"}}'

    def _send_batch(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        indexes: Sequence[int],
        group: str,
        delays_s: Sequence[int],
    ) -> set[int]:
        """Put the bodies at these indexes in a queue; return the indexes of those that are in."""
        sent = set[int]()
        entries: dict[int, Any] = {
            index: {
                "Id": str(index),
                "MessageBody": bodies[index],
                **({"DelaySeconds": delays_s[index]} if delays_s[index] else {}),
                # On a standard queue the group is for fair queues: no order, no lock.
                **({"MessageGroupId": group} if group else {}),
            }
            for index in indexes
        }
        for _ in islice(self._backoff.attempts(), _ATTEMPTS):
            try:
                with aws_errors():
                    answer = self._client.send_message_batch(
                        QueueUrl=self._urls[queue], Entries=list(entries.values())
                    )
            except StoreUnavailable as error:
                if str(error) not in _OF_A_BODY:
                    raise
                if len(entries) > 1:
                    for index in entries:
                        sent |= self._send_batch(queue, bodies, [index], group, delays_s)
                break
            for each in answer.get("Successful", ()):
                sent.add(int(each["Id"]))
                del entries[int(each["Id"])]
            for failed in answer.get("Failed", ()):
                if failed["SenderFault"]:  # it would occur again
                    del entries[int(failed["Id"])]
            if not entries:
                break
        return sent

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        """Make received messages visible again after a delay (`harkara.ports.TaskQueues`)."""
        name = queue_arn.rpartition(":")[2]
        (url,) = (each for each in self._urls.values() if each.rpartition("/")[2] == name)
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": delay_s}
            for number, (handle, delay_s) in enumerate(delays_s)
        ]
        with aws_errors():
            answer = self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        if failed := answer.get("Failed"):
            raise StoreUnavailable(failed[0]["Code"])


def _batches(bodies: Sequence[str], more_bytes: int) -> Iterator[list[int]]:
    """Yield the indexes of bodies that fit in one call, counting `more_bytes` on top of each body.

    Bodies longer than a queue allows are left out.
    """
    batch, total = list[int](), 0
    for index, body in enumerate(bodies):
        size = len(body.encode()) + more_bytes
        if size > BATCH_LIMIT_BYTES:
            continue
        if len(batch) == _BATCH or total + size > BATCH_LIMIT_BYTES:
            yield batch
            batch, total = [], 0
        batch.append(index)
        total += size
    if batch:
        yield batch
