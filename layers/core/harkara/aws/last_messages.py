"""Remember the last message of each number of an account, in the Messages table."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from harkara.aws.batches import Batches
from harkara.aws.clients import aws_errors
from harkara.aws.expiry import has_expired
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
        self._client = client
        self._table = table
        self._signer = signer
        self._retention_s = retention_s
        self._clock = clock
        self._batches = Batches(client, table, pause)

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        """Store each number's message by its mid. Raises StoreUnavailable: some may be stored."""
        ttl = {"N": str(int(self._clock()) + self._retention_s)}
        items = (
            {**self._keys(account_id, number)[0], "mid": {"S": mid}, "ttl": ttl}
            for number, mid in mids.items()
        )
        self._batches.write([{"PutRequest": {"Item": item}} for item in items])

    def find(self, account_id: str, number: str) -> str:
        """Return the mid of a number's last message, "" for none. Raises StoreUnavailable."""
        for key in self._keys(account_id, number):
            with aws_errors():
                answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            if "Item" in answer and not has_expired(answer["Item"], self._clock()):
                return str(answer["Item"]["mid"]["S"])
        return ""

    def _keys(self, account_id: str, number: str) -> list[Mapping[str, Mapping[str, str]]]:
        """Return the keys of a number's item, starting with the signer's newest key."""
        names = self._signer.pseudonyms("last message", account_id, number)
        return [{"pk": {"S": f"last#{name}"}, "sk": {"S": _SORT_KEY}} for name in names]
