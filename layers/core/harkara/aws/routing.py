"""Store routing in the Accounts table: an item per account, and one for all of them."""

import time
from typing import Any

from harkara.aws.cache import Cache
from harkara.aws.table import Table
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
        self._table = Table(client, table)
        self._cache = Cache(self._read, CACHE_S, CACHE_LIMIT, clock)

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        """Return the rules that apply to an account's messages. Raises StoreUnavailable."""
        own, general = (
            self._cache.get(name, lambda _: not anew) or Routing()
            for name in (account_id, EVERYONE)
        )
        return Rules(own, general)

    def _read(self, account_id: str, _: Routing | None) -> Routing:
        item = self._table.get(partition_of(account_id), SORT_KEY)
        return Routing.model_validate_json(item["data"]["S"]) if item else Routing()
