"""Suppressions in the Accounts table: an item per number, in sixteen partitions per account.

An item has two attributes for each source, and for each header with a consent: the entry, and the
time of its last change. A change counts only if it is not older than the stored time, so a late or
repeated change undoes nothing. For this the time is kept after an entry is removed.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from zlib import crc32

from harkara.aws.clients import DynamoDBClient
from harkara.aws.table import Item, Table, Value, key, update_of
from harkara.model.consents import Consent, attribute_of
from harkara.model.suppressions import Source, Suppression

SHARDS = 16
# The time of its last change has another "_" in its name.
_CONSENT = re.compile(attribute_of("[A-Za-z0-9]+"))


def partitions_of(account_id: str) -> list[str]:
    """Return the partitions of an account's items."""
    return [_partition(account_id, shard) for shard in range(SHARDS)]


def partition_of(account_id: str, number: str) -> str:
    """Return the partition of a number's item."""
    return _partition(account_id, _shard(number))


class DynamoSuppressionList:
    """Stores the numbers that get no messages. Nothing is cached: an opt-out counts at once."""

    def __init__(
        self, client: DynamoDBClient, table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._table = Table(client, table, pause)

    def entries(self, account_id: str, numbers: Sequence[str]) -> list[Suppression]:
        """Return the entries of these numbers. Raises StoreUnavailable."""
        return self.records(account_id, numbers)[0]

    def records(
        self, account_id: str, numbers: Sequence[str]
    ) -> tuple[list[Suppression], list[Consent]]:
        """Return the entries and the consents of these numbers. Raises StoreUnavailable."""
        keys = [key(partition_of(account_id, each), each) for each in dict.fromkeys(numbers)]
        items = [*self._table.read(keys)]
        return list(chain(*map(_entries, items))), list(chain(*map(_consents, items)))

    def find(self, account_id: str, after: str = "", limit: int | None = None) -> list[Suppression]:
        """Return entries in a fixed order, all of a number together, beyond the number `after`.

        `limit` counts numbers. Raises StoreUnavailable.
        """
        found = filter(None, map(_entries, self._items(account_id, after, limit)))
        return list(chain(*islice(found, limit)))

    def find_consents(
        self, account_id: str, after: str = "", limit: int | None = None
    ) -> list[Consent]:
        """Return consents, as `find` does entries."""
        found = filter(None, map(_consents, self._items(account_id, after, limit)))
        return list(chain(*islice(found, limit)))

    def put(self, account_id: str, entry: Suppression | Consent) -> bool:
        """Store an entry; return False if a later change is stored. Raises StoreUnavailable."""
        source = entry.attribute
        return self._change(
            account_id,
            entry.number,
            f"SET {source} = :data, {source}_at = :at",
            f"(attribute_not_exists({source}_at) OR {source}_at <= :at)",
            {":data": entry.model_dump_json(), ":at": entry.since_s},
        )

    def remove(
        self,
        account_id: str,
        number: str,
        source: str,
        at_s: int,
        *,
        before_s: int | None = None,
    ) -> bool:
        """Remove an entry as of `at_s`; return whether there was one.

        Only an entry of before `at_s` counts, or of before `before_s` if that is given. Raises
        StoreUnavailable.
        """
        before_s = at_s if before_s is None else before_s
        return self._change(
            account_id,
            number,
            f"SET {source}_at = :at REMOVE {source}",
            f"attribute_exists({source}) AND {source}_at < :before",
            {":at": at_s, ":before": before_s},
        )

    def knows(self, account_id: str, number: str) -> bool:
        """Return whether a number has an item, if only with times of changes."""
        return self._table.get(partition_of(account_id, number), number) is not None

    def forget(self, account_id: str, number: str) -> bool:
        """Delete a number's item, unless it has an entry of any source; return whether it has none.

        Raises StoreUnavailable.
        """
        condition = " AND ".join(f"attribute_not_exists({source})" for source in Source)
        item = key(partition_of(account_id, number), number)
        return self._table.transact({"Delete": {"Key": item, "ConditionExpression": condition}})

    def _change(
        self,
        account_id: str,
        number: str,
        update: str,
        condition: str,
        parameters: Mapping[str, Value],
    ) -> bool:
        partition = partition_of(account_id, number)
        return self._table.update_if(update_of(partition, number, update, condition, parameters))[0]

    def _items(self, account_id: str, after: str, limit: int | None) -> Iterator[Item]:
        first = _shard(after) if after else 0
        for shard in range(first, SHARDS):
            beyond = after if shard == first else ""
            yield from self._table.query(_partition(account_id, shard), after=beyond, limit=limit)


def _shard(number: str) -> int:
    return crc32(number.encode()) % SHARDS


def _partition(account_id: str, shard: int) -> str:
    return f"blocked#{account_id}#{shard:02d}"


def _consents(item: Item) -> list[Consent]:
    names = (name for name in item if _CONSENT.fullmatch(name))
    return [Consent.model_validate_json(item[name]["S"]) for name in sorted(names)]


def _entries(item: Item) -> list[Suppression]:
    return [
        Suppression.model_validate_json(item[source]["S"]) for source in Source if source in item
    ]
