"""Store routing in the Accounts table: an item per account, and one for all of them."""

import time
from typing import Any

from harkara.aws.cache import Cache
from harkara.aws.clients import aws_errors
from harkara.base.time import Clock
from harkara.model.routing import EVERYONE, Routing, Rules

CACHE_S = 30
CACHE_LIMIT = 1_000
SORT_KEY = "routing"


def partition_of(account_id: str) -> str:
    """Return the partition of an account's routing, or of the routing of all."""
    return f"routing#{account_id}"


class DynamoRoutingStore:
    """Reads routing through a cache; an account without an item has empty routing."""

    def __init__(self, client: Any, table: str, clock: Clock = time.time) -> None:
        self._client = client
        self._table = table
        self._cache = Cache(self._read, CACHE_S, CACHE_LIMIT, clock)

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        """Return the rules that apply to an account's messages. Raises StoreUnavailable."""
        own, general = (
            self._cache.get(name, lambda _: not anew) or Routing()
            for name in (account_id, EVERYONE)
        )
        return Rules(own, general)

    def _read(self, account_id: str, _: Routing | None) -> Routing:
        with aws_errors():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": partition_of(account_id)}, "sk": {"S": SORT_KEY}},
                ConsistentRead=True,
            )
        if "Item" not in answer:
            return Routing()
        return Routing.model_validate_json(answer["Item"]["data"]["S"])
