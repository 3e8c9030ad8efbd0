"""Read and write the resources of accounts in the Accounts table, with consistent reads.

A resource changes in one transaction with its account's `version`, so that no reader can miss the
change. An import writes many resources without transactions, and the version after them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from harkara.aws.accounts import PART_PREFIXES, part_item
from harkara.aws.clients import DynamoDBClient
from harkara.aws.table import WRITE_BATCH, Item, Table, key, update_of
from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode
from harkara.base.time import Deadline
from harkara.model.accounts import Credential
from harkara.model.fields import P, Part

THREADS = 8
# Time to reserve for a batch without retries, and for the version update that ends an import.
BATCH_S = 3.0
_CREDENTIAL = "credential#"


class DynamoRegistry:
    """Senders, templates and callbacks in DynamoDB."""

    def __init__(
        self, client: DynamoDBClient, table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._table = Table(client, table, pause)

    def get(self, account_id: str, kind: type[P], name: str) -> P | None:
        """Return a resource of an account."""
        item = self._table.get(_partition(account_id), PART_PREFIXES[kind] + name)
        return kind.model_validate_json(item["data"]["S"]) if item else None

    def find(
        self, account_id: str, kind: type[P], after: str = "", limit: int | None = None
    ) -> list[P]:
        """Return the resources of a kind in the order of their names, starting beyond `after`."""
        items = self._items(account_id, PART_PREFIXES[kind], after, limit)
        return [kind.model_validate_json(item["data"]["S"]) for item in islice(items, limit)]

    def create(self, account_id: str, part: Part) -> bool:
        """Store a resource; return whether its name was free."""
        put = {
            "Item": part_item(account_id, part),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return self._change(account_id, {"Put": put})

    def change(
        self, account_id: str, kind: type[P], name: str, change: Callable[[P], P]
    ) -> P | None:
        """Replace a resource by the result of `change` and return it; None if there is none.

        It is written only over the resource that `change` was given.
        """

        def write(item: Item) -> P | None:
            part = change(kind.model_validate_json(item["data"]["S"]))
            put = {
                "Item": part_item(account_id, part),
                "ConditionExpression": "#data = :seen",
                "ExpressionAttributeNames": {"#data": "data"},
                "ExpressionAttributeValues": {":seen": item["data"]},
            }
            return part if self._change(account_id, {"Put": put}) else None

        return self._table.change(_partition(account_id), PART_PREFIXES[kind] + name, write)

    def remove(self, account_id: str, kind: type[Part], name: str) -> bool:
        """Remove a resource; return whether it existed."""
        delete = {
            "Key": key(_partition(account_id), PART_PREFIXES[kind] + name),
            "ConditionExpression": "attribute_exists(pk)",
        }
        return self._change(account_id, {"Delete": delete})

    def put_all(self, account_id: str, parts: Sequence[Part], deadline: Deadline) -> None:
        """Store resources, new or not. No batch is begun once the deadline is near.

        Raises StoreUnavailable: some may be stored, and the same call again stores the rest.
        """
        requests = [{"PutRequest": {"Item": part_item(account_id, part)}} for part in parts]
        starts = range(0, len(requests), WRITE_BATCH)
        batches = [requests[at : at + WRITE_BATCH] for at in starts]
        try:
            with ThreadPoolExecutor(THREADS) as pool:
                # If one fails, those that have not begun are cancelled.
                for _ in pool.map(partial(self._put_batch, deadline=deadline), batches):
                    pass
        finally:
            if not self._table.update_if(_count_up(account_id))[0]:
                raise StoreUnavailable("the account was removed")

    def credentials(
        self, account_id: str, after: str = "", limit: int | None = None
    ) -> list[Credential]:
        """Return up to `limit` credentials whose names follow `after`, ordered by name."""
        names = (item["sk"]["S"] for item in self._items(account_id, _CREDENTIAL, after, limit))
        items = (self._table.get(name, "credential") for name in names)
        found = (Credential.model_validate_json(item["data"]["S"]) for item in items if item)
        # A failed attempt at a user name leaves an index item for another account's credential.
        own = (each for each in found if each.account_id == account_id)
        return [*islice(own, limit)]

    def default_callback(self, account_id: str) -> str:
        """Return the id of an account's default callback; empty if it has none."""
        item = self._table.get(_partition(account_id), "account")
        return str(decode(item["data"]["S"]).get("default_callback", "")) if item else ""

    def _change(self, account_id: str, action: Mapping[str, Any]) -> bool:
        """Change a resource and the version in one transaction; return if its condition held."""
        return self._table.transact(action, {"Update": _count_up(account_id)})

    def _put_batch(self, requests: Sequence[Item], deadline: Deadline) -> None:
        if not deadline.allows(BATCH_S):
            raise StoreUnavailable("the time of the request is up")
        with deadline.keeping(BATCH_S):
            self._table.write(requests)

    def _items(
        self, account_id: str, prefix: str, after: str = "", limit: int | None = None
    ) -> Iterator[Item]:
        """Yield items by prefix of their sort key, in order, beyond `after`; `limit` per page."""
        return self._table.query(
            _partition(account_id),
            "begins_with(sk, :prefix)",
            {":prefix": prefix},
            after=after and prefix + after,
            limit=limit,
        )


def _count_up(account_id: str) -> Item:
    return update_of(
        _partition(account_id),
        "account",
        "ADD #version :one",
        # Otherwise a removed account would return as an item with a version alone.
        "attribute_exists(pk)",
        {":one": 1},
    )


def _partition(account_id: str) -> str:
    return f"account#{account_id}"
