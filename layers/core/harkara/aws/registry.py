"""The parts of accounts in the table Accounts, read consistently and written.

A part changes together with its account's `version`, in one transaction, so that no reader can
miss it. Many parts go in by themselves and the version after them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from harkara.aws.accounts import PART_PREFIXES, part_item
from harkara.aws.batches import WRITE_BATCH, Batches
from harkara.aws.clients import aws_errors
from harkara.base.deadline import Deadline
from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode
from harkara.model.accounts import Credential
from harkara.model.operator_records import P, Part

THREADS = 8
# What one batch may take where nothing is in its way, and the count that ends an import.
BATCH_S = 3.0
# How often a part is changed anew because somebody else was first.
CHANGES = 5
_CREDENTIAL = "credential#"

Item = Mapping[str, Any]


class DynamoRegistry:
    """Senders, templates and callbacks in DynamoDB."""

    def __init__(
        self, client: Any, table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._batches = Batches(client, table, pause)

    def get(self, account_id: str, kind: type[P], name: str) -> P | None:
        """Return a part of an account."""
        item = self._item(_partition(account_id), PART_PREFIXES[kind] + name)
        return kind.model_validate_json(item["data"]["S"]) if item else None

    def find(
        self, account_id: str, kind: type[P], after: str = "", limit: int | None = None
    ) -> list[P]:
        """Return the parts of a kind in the order of their names, those beyond `after`."""
        items = self._items(_partition(account_id), PART_PREFIXES[kind], after, limit)
        return [kind.model_validate_json(item["data"]["S"]) for item in islice(items, limit)]

    def create(self, account_id: str, part: Part) -> bool:
        """Put a part in; say whether it was absent."""
        put = {
            "Item": part_item(account_id, part),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return self._change(account_id, {"Put": put})

    def change(
        self, account_id: str, kind: type[P], name: str, change: Callable[[P], P]
    ) -> P | None:
        """Put what `change` makes of a part in its place, and return it; None where there is none.

        It is written only over what it was made from.
        """
        for _ in range(CHANGES):
            item = self._item(_partition(account_id), PART_PREFIXES[kind] + name)
            if item is None:
                return None
            part = change(kind.model_validate_json(item["data"]["S"]))
            put = {
                "Item": part_item(account_id, part),
                "ConditionExpression": "#data = :seen",
                "ExpressionAttributeNames": {"#data": "data"},
                "ExpressionAttributeValues": {":seen": item["data"]},
            }
            if self._change(account_id, {"Put": put}):
                return part
        raise StoreUnavailable("others kept changing it")

    def remove(self, account_id: str, kind: type[Part], name: str) -> bool:
        """Take a part out; say whether it was there."""
        delete = {
            "Key": _key(_partition(account_id), PART_PREFIXES[kind] + name),
            "ConditionExpression": "attribute_exists(pk)",
        }
        return self._change(account_id, {"Delete": delete})

    def put_all(self, account_id: str, parts: Sequence[Part], deadline: Deadline) -> None:
        """Put parts in, whether or not they are there. None begins once the deadline is near.

        Raises StoreUnavailable: some may be in, and the same again puts in the rest.
        """
        requests = [{"PutRequest": {"Item": part_item(account_id, part)}} for part in parts]
        starts = range(0, len(requests), WRITE_BATCH)
        batches = [requests[at : at + WRITE_BATCH] for at in starts]
        try:
            with ThreadPoolExecutor(THREADS) as pool:
                # Where one fails, those that have not begun are cancelled.
                for _ in pool.map(partial(self._put_batch, deadline=deadline), batches):
                    pass
        finally:
            with aws_errors():
                self._client.update_item(**self._count_up(account_id))

    def credentials(self, account_id: str) -> list[Credential]:
        """Return an account's credentials."""
        names = (item["sk"]["S"] for item in self._items(_partition(account_id), _CREDENTIAL))
        items = (self._item(name, "credential") for name in names)
        found = [Credential.model_validate_json(item["data"]["S"]) for item in items if item]
        # Who has lost a race for a user name has left a pointer to the winner's.
        return [each for each in found if each.account_id == account_id]

    def default_callback(self, account_id: str) -> str:
        """Return the id of an account's default callback; empty where it has none."""
        item = self._item(_partition(account_id), "account")
        return str(decode(item["data"]["S"]).get("default_callback", "")) if item else ""

    def _change(self, account_id: str, action: Mapping[str, Any]) -> bool:
        """Change one part and count up the version, both or neither; say if the part allowed it."""
        return self._batches.transact(action, {"Update": self._count_up(account_id)})

    def _put_batch(self, requests: Sequence[Item], deadline: Deadline) -> None:
        if not deadline.allows(BATCH_S):
            raise StoreUnavailable("the time of the request is up")
        with deadline.keeping(BATCH_S):
            self._batches.write(requests)

    def _count_up(self, account_id: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": _key(_partition(account_id), "account"),
            "UpdateExpression": "ADD #version :one",
            # Without it a version alone would stand for an account that was removed.
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }

    def _item(self, partition: str, sort_key: str) -> Item | None:
        with aws_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=_key(partition, sort_key), ConsistentRead=True
            )
        item: Item | None = answer.get("Item")
        return item

    def _items(
        self, partition: str, prefix: str, after: str = "", limit: int | None = None
    ) -> Iterator[Item]:
        """Yield the items whose sort key begins so, in order, beyond `after`; `limit` a page."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": {":pk": {"S": partition}, ":prefix": {"S": prefix}},
            "ConsistentRead": True,
        }
        if after:
            query["ExclusiveStartKey"] = _key(partition, prefix + after)
        if limit:
            query["Limit"] = limit
        while True:
            with aws_errors():
                page = self._client.query(**query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _partition(account_id: str) -> str:
    return f"account#{account_id}"


def _key(partition: str, sort_key: str) -> Item:
    return {"pk": {"S": partition}, "sk": {"S": sort_key}}
