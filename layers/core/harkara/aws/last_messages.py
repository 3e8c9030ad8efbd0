"""Remember the last message of each number of an account, in the Messages table."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from harkara.aws.expiry import has_expired
from harkara.aws.table import Table, values
from harkara.base.ids import ReferenceSigner
from harkara.base.time import Clock

_SORT_KEY = "last"


class DynamoLastMessages:
    """Stores the last message of numbers. Items hold a pseudonym in place of the number."""

    def __init__(
        self,
        client: Any,
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

    def _partitions(self, account_id: str, number: str) -> list[str]:
        """Return where a number's item may be, starting with the signer's newest key."""
        names = self._signer.pseudonyms("last message", account_id, number)
        return [f"last#{name}" for name in names]
