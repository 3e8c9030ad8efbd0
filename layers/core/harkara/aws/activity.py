"""The Activity table: counters, index rows, and up to where each shard's stream was counted.

    watermark#<shard>   watermark    position of the last part of a record that was counted
    progress            progress     time of the newest event that was counted, of any shard

Counters and index rows are described in `harkara.activity.counting` and `harkara.activity.index`.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harkara.activity.counting import CARRIERS, Attributes, CounterKey, Counts
from harkara.activity.index import IndexRow
from harkara.activity.store import START, Position
from harkara.aws.clients import DynamoDBClient, aws_errors
from harkara.aws.table import Item, Table, Value, key, update_of, values
from harkara.base.errors import StoreUnavailable
from harkara.base.json import encode
from harkara.base.time import DAY_S, Clock

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
else:
    SQSClient = Any

COUNTERS_KEPT_S = 400 * DAY_S
# A shard lives for hours, and its records for a day.
WATERMARKS_KEPT_S = 7 * DAY_S
# All accounts share a carrier's counters: shards that wrote one item would refuse each other.
CARRIER_PARTS = 16
_WATERMARK = "watermark"
_PROGRESS = ("progress", "progress")
_BETWEEN = "sk BETWEEN :first AND :last"
_NO_COUNTERS = {"pk", "sk", "ttl"}


class DynamoActivityStore:
    """Writes and reads the Activity table; rows are kept as long as messages."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        retention_s: int,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._retention_s = retention_s
        self._clock = clock

    def watermark(self, shard: str) -> Position:
        """Return up to where a shard was counted, START for nowhere."""
        item = self._table.get(_partition(shard), _WATERMARK)
        if item is None:
            return START
        sequence, part = item["at"]["S"].split(".")
        return Position(int(sequence), int(part))

    def attributes(self, keys: Sequence[CounterKey]) -> Attributes:
        """Return the names of the counters that stored items have."""
        items = self._table.read([key(*each) for each in keys], consistent=False)
        return {
            CounterKey(item["pk"]["S"], item["sk"]["S"]): frozenset(item.keys() - _NO_COUNTERS)
            for item in items
        }

    def count(
        self,
        shard: str,
        before: Position,
        after: Position,
        counts: Counts,
        rows: Sequence[IndexRow],
    ) -> bool:
        """Add to counters, put rows and move the watermark, all or nothing.

        Return False if the watermark is not at `before`.
        """
        now_s = int(self._clock())
        condition = "attribute_not_exists(#at)" if before == START else "#at = :before"
        moved: dict[str, Value] = {":after": _text(after), ":ttl": now_s + WATERMARKS_KEPT_S}
        if before != START:
            moved[":before"] = _text(before)
        update = "SET #at = :after, #ttl = :ttl"
        watermark = update_of(_partition(shard), _WATERMARK, update, condition, moved)
        added = [
            _addition(_part_of(counter, shard), own, now_s + COUNTERS_KEPT_S)
            for counter, own in counts.items()
            if own
        ]
        put = [self._item_of(row, now_s) for row in rows]
        return self._table.transact(
            {"Update": watermark},
            *({"Update": each} for each in added),
            *({"Put": {"Item": each}} for each in put),
        )

    def reach(self, at_ms: int) -> None:
        """Record that events up to this time were counted."""
        condition = "attribute_not_exists(#at) OR #at < :at"
        self._table.update_if(update_of(*_PROGRESS, "SET #at = :at", condition, {":at": at_ms}))

    def reached_ms(self) -> int:
        """Return the time up to which events were counted, 0 if none was."""
        item = self._table.get(*_PROGRESS)
        return int(item["at"]["N"]) if item else 0

    def counters(
        self, partition: str, first: str, last: str, limit: int | None = None
    ) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield items of counters between two sort keys, both included, in order."""
        bounds = {":first": first, ":last": last}
        for item in self._table.query(
            partition, "sk BETWEEN :first AND :last", bounds, limit=limit
        ):
            yield item["sk"]["S"], _numbers(item)

    def reached_and_counters(
        self, keys: Sequence[CounterKey]
    ) -> tuple[int, Mapping[CounterKey, Mapping[str, int]]]:
        """Return up to when events were counted, and the counters at up to 99 keys.

        One request: what is counted during it may lack in a counter.
        """
        found = {
            CounterKey(item["pk"]["S"], item["sk"]["S"]): item
            for item in self._table.read([key(*_PROGRESS), *(key(*each) for each in keys)])
        }
        progress = found.pop(CounterKey(*_PROGRESS), None)
        reached_ms = int(progress["at"]["N"]) if progress else 0
        return reached_ms, {each: _numbers(item) for each, item in found.items()}

    def rows(self, partition: str, first: str, last: str) -> Iterator[Sequence[tuple[str, bytes]]]:
        """Yield pages of index rows between two sort keys, both included, in order."""
        bounds = {":first": first, ":last": last}
        for page in self._table.pages(partition, _BETWEEN, bounds):
            yield [(item["sk"]["S"], item["packed"]["B"]) for item in page]

    def row(self, partition: str, sort_keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the existing rows at these sort keys."""
        items = self._table.read([key(partition, each) for each in sort_keys], consistent=False)
        return {item["sk"]["S"]: item["packed"]["B"] for item in items}

    def _item_of(self, row: IndexRow, now_s: int) -> Item:
        ttl = max(now_s, row.due_at_ms // 1000) + self._retention_s
        return values({"pk": row.partition, "sk": row.sort_key, "packed": row.packed, "ttl": ttl})


class SqsFailedRecords:
    """Reports records that cannot be read to the queue to which Lambda reports whole batches."""

    def __init__(self, client: SQSClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, shard: str, sequence: str, reason: str) -> None:
        """Report a record. Raises StoreUnavailable."""
        body = encode({"shardId": shard, "sequenceNumber": sequence, "error": reason}).decode()
        with aws_errors():
            answer = self._client.send_message_batch(
                QueueUrl=self._queue_url, Entries=[{"Id": "0", "MessageBody": body}]
            )
        if answer.get("Failed"):
            raise StoreUnavailable("the queue of failures did not take a report")


def _partition(shard: str) -> str:
    return f"watermark#{shard}"


def _text(position: Position) -> str:
    return f"{position.sequence}.{position.part}"


def _numbers(item: Item) -> Mapping[str, int]:
    return {name: int(value["N"]) for name, value in item.items() if name not in _NO_COUNTERS}


def _part_of(counter: CounterKey, shard: str) -> CounterKey:
    """Return the key of the item that a shard adds to."""
    if not counter.partition.startswith(CARRIERS):
        return counter
    part = zlib.crc32(shard.encode()) % CARRIER_PARTS
    return counter._replace(sort_key=f"{counter.sort_key}#{part}")


def _addition(counter: CounterKey, counts: Mapping[str, int], ttl: int) -> Item:
    names = {f"#n{number}": name for number, name in enumerate(counts)}
    parameters: dict[str, Value] = {
        f":n{number}": count for number, count in enumerate(counts.values())
    }
    added = ", ".join(f"#n{number} :n{number}" for number in range(len(counts)))
    update = f"SET #ttl = :ttl ADD {added}"
    return update_of(*counter, update, "", {**parameters, ":ttl": ttl}, names)
