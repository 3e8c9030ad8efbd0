"""Dead letters of callbacks, in the Messages table."""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from harkara.aws.expiry import has_expired
from harkara.aws.messages import DynamoMessageStore, mark_of
from harkara.aws.table import Table, key
from harkara.base.time import Clock
from harkara.model.ledger import LedgerEntry


class DynamoDeadLetterStore:
    """Reads and removes dead letters, as DynamoMessageStore put them."""

    def __init__(
        self,
        client: Any,
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
        kept = (mark_of(item) for item in items if not has_expired(item, now_s))
        return list(islice(kept, limit))

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        """Remove the entries that exist."""
        self._table.write([{"DeleteRequest": {"Key": key(*each)}} for each in keys])
