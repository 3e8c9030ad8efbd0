"""Routing in the Accounts table: an item an account, and one for all of them."""

import time
from collections.abc import Callable
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.routing import EVERYONE, Routing, Rules

CACHE_S = 30
CACHE_LIMIT = 1_000
SORT_KEY = "routing"


def partition_of(account_id: str) -> str:
    """Return the partition of an account's routing, or of everyone's."""
    return f"routing#{account_id}"


class DynamoRoutingStore:
    """Routing, read through a cache of half a minute. What is absent is remembered too."""

    def __init__(
        self, client: Any, table: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._cache: dict[str, tuple[float, Routing]] = {}

    def rules(self, account_id: str) -> Rules:
        """Return what counts for an account's messages. Raises StoreUnavailable."""
        return Rules(self._cached(account_id), self._cached(EVERYONE))

    def _cached(self, account_id: str) -> Routing:
        now = self._clock()
        expires, routing = self._cache.get(account_id, (0.0, Routing()))
        if now >= expires:
            routing = self._read(account_id)
            if len(self._cache) >= CACHE_LIMIT:
                self._cache.clear()
            self._cache[account_id] = (now + CACHE_S, routing)
        return routing

    def _read(self, account_id: str) -> Routing:
        with aws_errors():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": partition_of(account_id)}, "sk": {"S": SORT_KEY}},
            )
        if "Item" not in answer:
            return Routing()
        return Routing.model_validate_json(answer["Item"]["data"]["S"])
