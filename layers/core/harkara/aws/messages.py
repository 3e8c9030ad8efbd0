"""The Messages table: message batches and ledger entries (listed in `harkara.model.ledger`)."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harkara.aws.expiry import has_expired
from harkara.aws.table import Item, Table, key, values
from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode, encode
from harkara.base.time import Clock
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import MessageBatch, unpack

_BATCH_KIND = "batch"
_CACHED_BATCHES = 64


class DynamoMessageStore:
    """Message batches and ledger entries in DynamoDB.

    Message batches never change, so this process caches the latest ones.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        retention_s: int,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._retention_s = retention_s
        self._clock = clock
        self._batches: OrderedDict[str, MessageBatch] = OrderedDict()

    def put_batch(self, batch_id: str, packed: bytes, begins_ms: int) -> None:
        """Store a packed message batch, kept for the retention time from `begins_ms` or now.

        The later of the two counts. Raises StoreUnavailable.
        """
        # Ids are random, so a duplicate is our own item, whose first answer was lost.
        item = values({"pk": batch_id, "sk": _BATCH_KIND, "packed": packed})
        self._table.put_if_absent([{**item, "ttl": self._ttl(begins_ms)}])

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        """Return a message batch, None if it is absent or expired. Raises StoreUnavailable.

        Its ledger entries are put after it and expire later, so while it exists, so do they.
        """
        cached = self._batches.get(batch_id)
        if cached is not None:
            return cached
        # It never changes, so any replica that has it will do, at half the price.
        item = self._table.get(batch_id, _BATCH_KIND, consistent=False) or self._table.get(
            batch_id, _BATCH_KIND
        )
        if item is None or has_expired(item, self._clock()):
            return None
        batch = unpack(batch_id, item["packed"]["B"])
        self._batches[batch_id] = batch
        if len(self._batches) > _CACHED_BATCHES:
            self._batches.popitem(last=False)
        return batch

    def put_if_absent(
        self, marks: Sequence[LedgerEntry], *, begins_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        """Put each entry if it is absent; return for each the entry that is stored now.

        An expired entry counts until DynamoDB deletes it.
        """
        existing = list(marks)
        ttl = self._ttl(begins_ms, keep_s)
        places = self._table.put_if_absent([item_of(mark, ttl) for mark in marks])
        found = self._read([marks[place].key for place in places])
        for place, item in zip(places, found, strict=True):
            if item is None:
                raise StoreUnavailable("a mark was deleted while it was read")
            existing[place] = mark_of(item)
        return existing

    def put_over(self, marks: Sequence[LedgerEntry], *, begins_ms: int = 0) -> None:
        """Put each entry over the stored one, expired or not."""
        ttl = self._ttl(begins_ms)
        self._table.write([{"PutRequest": {"Item": item_of(mark, ttl)}} for mark in marks])

    def get_entries(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[LedgerEntry | None]:
        """Return the entries at these keys, in order, by consistent reads unless told otherwise."""
        now_s = self._clock()
        return [
            None if item is None or has_expired(item, now_s) else mark_of(item)
            for item in self._read(keys, consistent)
        ]

    def _read(self, keys: Sequence[tuple[str, str]], consistent: bool = True) -> list[Item | None]:
        found = self._table.read([key(*each) for each in keys], consistent=consistent)
        by_key = {(item["pk"]["S"], item["sk"]["S"]): item for item in found}
        return [by_key.get(each) for each in keys]

    def find_entries(self, partition: str, kind_prefix: str) -> list[LedgerEntry]:
        """Return a partition's entries whose kind has this prefix, in order, read consistently."""
        now_s = self._clock()
        items = self._table.query(partition, "begins_with(sk, :kind)", {":kind": kind_prefix})
        return [mark_of(item) for item in items if not has_expired(item, now_s)]

    def _ttl(self, begins_ms: int, keep_s: int | None = None) -> Mapping[str, str]:
        from_s = max(int(self._clock()), begins_ms // 1000)
        return {"N": str(from_s + (self._retention_s if keep_s is None else keep_s))}


def item_of(mark: LedgerEntry, ttl: Mapping[str, str]) -> Item:
    """Return a ledger entry as an item with the time to live `ttl`, a DynamoDB number (Unix s)."""
    return {
        "pk": {"S": mark.partition},
        "sk": {"S": mark.kind},
        "owner": {"S": mark.owner},
        "holder": {"S": mark.holder},
        "until": {"N": str(mark.until_ms)},
        "data": {"S": encode(mark.data).decode()},
        "ttl": ttl,
    }


def mark_of(item: Mapping[str, Any]) -> LedgerEntry:
    """Return the ledger entry in an item."""
    return LedgerEntry(
        partition=item["pk"]["S"],
        kind=item["sk"]["S"],
        owner=item["owner"]["S"],
        holder=item["holder"]["S"],
        until_ms=int(item["until"]["N"]),
        data=decode(item["data"]["S"]),
    )
