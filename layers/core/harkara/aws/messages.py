"""The Messages table: message batches and ledger entries (listed in `harkara.model.ledger`).

An item that has expired counts as absent, although it can still be read: DynamoDB deletes items
"typically within a few days of their expiration" (Amazon DynamoDB Developer Guide, "Using time to
live (TTL) in DynamoDB"), and those that belong together at different times.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from harkara.aws.clients import DynamoDBClient
from harkara.aws.table import Item, Table, key, values
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner
from harkara.base.json import decode, encode
from harkara.base.time import Clock
from harkara.model.ledger import LedgerEntry, final_kind
from harkara.model.messages import MessageBatch, unpack


def has_expired(item: Mapping[str, Any], now_s: float) -> bool:
    """Whether an item must be treated as deleted."""
    return "ttl" in item and int(item["ttl"]["N"]) < now_s


_BATCH_KIND = "batch"
_CACHED_BATCHES = 64


class DynamoMessageStore:
    """Message batches and ledger entries in DynamoDB.

    Nothing but an erasure changes a message batch, so this process caches the latest ones.
    """

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
        self._batches: OrderedDict[str, MessageBatch] = OrderedDict()

    def put_batch(self, batch_id: str, packed: bytes, due_at_ms: int) -> None:
        """Store a packed message batch, kept for the retention time from `due_at_ms` or now.

        The later of the two counts. Raises StoreUnavailable.
        """
        # Ids are random, so a duplicate is our own item, whose first answer was lost.
        ttl = self._ttl(due_at_ms)
        item = values({"pk": batch_id, "sk": _BATCH_KIND, "packed": packed})
        self._table.put_if_absent([{**item, "ttl": ttl}])

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        """Return a message batch, None if it is absent or expired. Raises StoreUnavailable.

        Its ledger entries are put after it and expire later, so while it exists, so do they.
        """
        cached = self._batches.get(batch_id)
        if cached is not None:
            return cached
        # It hardly ever changes, so any replica that has it will do, at half the price.
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
        self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        """Put each entry if it is absent; return for each the entry that is stored now.

        An expired entry counts until DynamoDB deletes it.
        """
        existing = list(entries)
        ttl = self._ttl(due_at_ms, keep_s)
        indexes = self._table.put_if_absent([item_of(entry, ttl) for entry in entries])
        found = self._read([entries[index].key for index in indexes]) if indexes else []
        for index, item in zip(indexes, found, strict=True):
            if item is None:
                raise StoreUnavailable("an entry was deleted while it was read")
            existing[index] = entry_of(item)
        return existing

    def put_over(self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0) -> None:
        """Put each entry over the stored one, expired or not."""
        ttl = self._ttl(due_at_ms)
        self._table.write([{"PutRequest": {"Item": item_of(entry, ttl)}} for entry in entries])

    def get_entries(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[LedgerEntry | None]:
        """Return the entries at these keys, in order, by consistent reads unless told otherwise."""
        now_s = self._clock()
        return [
            None if item is None or has_expired(item, now_s) else entry_of(item)
            for item in self._read(keys, consistent)
        ]

    def read_messages(
        self, places: Sequence[tuple[str, int]]
    ) -> tuple[Mapping[str, MessageBatch], Sequence[LedgerEntry | None]]:
        """Return the batches of messages, and the final state of each, of items not expired.

        A place is a batch's id and the message's index there. Reads are eventually consistent.
        """
        batch_keys = [(each, _BATCH_KIND) for each in dict.fromkeys(pk for pk, _ in places)]
        final_keys = [(batch_id, final_kind(index)) for batch_id, index in places]
        found = self._read([*batch_keys, *final_keys], consistent=False)
        now_s = self._clock()
        kept = [None if item is None or has_expired(item, now_s) else item for item in found]
        batches = {
            batch_id: unpack(batch_id, item["packed"]["B"])
            for (batch_id, _), item in zip(batch_keys, kept, strict=False)
            if item
        }
        finals = kept[len(batch_keys) :]
        return batches, [None if item is None else entry_of(item) for item in finals]

    def _read(self, keys: Sequence[tuple[str, str]], consistent: bool = True) -> list[Item | None]:
        found = self._table.read([key(*each) for each in keys], consistent=consistent)
        by_key = {(item["pk"]["S"], item["sk"]["S"]): item for item in found}
        return [by_key.get(each) for each in keys]

    def find_entries(self, partition: str, kind_prefix: str) -> list[LedgerEntry]:
        """Return a partition's entries whose kind has this prefix, in order, read consistently."""
        now_s = self._clock()
        entries = []
        for item in self._table.query(partition, "begins_with(sk, :kind)", {":kind": kind_prefix}):
            if not has_expired(item, now_s):
                entries.append(entry_of(item))
        return entries

    def _ttl(self, due_at_ms: int, keep_s: int | None = None) -> Mapping[str, str]:
        from_s = max(int(self._clock()), due_at_ms // 1000)
        return {"N": str(from_s + (self._retention_s if keep_s is None else keep_s))}


def item_of(entry: LedgerEntry, ttl: Mapping[str, str]) -> Item:
    """Return a ledger entry as an item with the time to live `ttl`, a DynamoDB number (Unix s)."""
    return {
        "pk": {"S": entry.partition},
        "sk": {"S": entry.kind},
        "task_id": {"S": entry.task_id},
        "worker_id": {"S": entry.worker_id},
        "expires_at_ms": {"N": str(entry.expires_at_ms)},
        "data": {"S": encode(entry.data).decode()},
        "ttl": ttl,
    }


def entry_of(item: Mapping[str, Any]) -> LedgerEntry:
    """Return the ledger entry in an item."""
    return LedgerEntry(
        partition=item["pk"]["S"],
        kind=item["sk"]["S"],
        task_id=item["task_id"]["S"],
        worker_id=item["worker_id"]["S"],
        expires_at_ms=int(item["expires_at_ms"]["N"]),
        data=decode(item["data"]["S"]),
    )


class DynamoDeadLetterStore:
    """Reads and removes dead letters, as DynamoMessageStore put them."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        messages: DynamoMessageStore,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._messages = messages
        self._clock = clock
        self._table = Table(client, table, pause)

    def get_entries(self, keys: Sequence[tuple[str, str]]) -> list[LedgerEntry | None]:
        """Return the dead letters at these keys, in order."""
        return self._messages.get_entries(keys)

    def find(self, partition: str, after: str, before: str, limit: int) -> list[LedgerEntry]:
        """Return up to `limit` entries of a partition between two sort keys, in order."""
        if after >= before:  # DynamoDB would refuse the query
            return []
        bounds = {":after": after + "\0", ":before": before}  # excludes `after` itself
        items = self._table.query(partition, "sk BETWEEN :after AND :before", bounds, limit=limit)
        now_s = self._clock()
        kept = (entry_of(item) for item in items if not has_expired(item, now_s))
        return list(islice(kept, limit))

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        """Remove the entries that exist."""
        self._table.write([{"DeleteRequest": {"Key": key(*each)}} for each in keys])


_SORT_KEY = "last"


class DynamoLastMessages:
    """Stores the last message of numbers. Items hold a pseudonym in place of the number."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        signer: ReferenceSigner,
        retention_s: int,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._signer = signer
        self._retention_s = retention_s
        self._clock = clock

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        """Store each number's message by its mid. Raises StoreUnavailable: some may be stored."""
        ttl = int(self._clock()) + self._retention_s
        items = (
            values(
                {
                    "pk": self._partitions(account_id, number)[0],
                    "sk": _SORT_KEY,
                    "mid": mid,
                    "ttl": ttl,
                }
            )
            for number, mid in mids.items()
        )
        self._table.write([{"PutRequest": {"Item": item}} for item in items])

    def find(self, account_id: str, number: str) -> str:
        """Return the mid of a number's last message, "" for none. Raises StoreUnavailable."""
        for partition in self._partitions(account_id, number):
            item = self._table.get(partition, _SORT_KEY)
            if item and not has_expired(item, self._clock()):
                return str(item["mid"]["S"])
        return ""

    def remove(self, account_id: str, number: str) -> None:
        """Remove a number's item, if there is one. Raises StoreUnavailable."""
        keys = (key(each, _SORT_KEY) for each in self._partitions(account_id, number))
        self._table.write([{"DeleteRequest": {"Key": each}} for each in keys])

    def _partitions(self, account_id: str, number: str) -> list[str]:
        """Return where a number's item may be, starting with the signer's newest key."""
        names = self._signer.pseudonyms("last message", account_id, number)
        return [f"last#{name}" for name in names]
