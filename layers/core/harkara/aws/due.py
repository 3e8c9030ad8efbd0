"""The Due table: partition = one of 16 shards, sort key = time # hash of the body.

One more item has the cursors: for each shard the sort key up to which `sweep` has enqueued all.
Rows before the cursor are never read again, and are deleted by their time to live. No new row can
appear there: it is put more than `queues.DELAY_LIMIT_S` before its time by a process that lives for
two minutes at most, and a cursor stands at a row that is due. The clocks of two functions would
have to differ by all the time between, which is more than ten minutes.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from harkara.aws.table import Item, Table, Value, update_of, values
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
        client: Any,
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
