"""Contents of items that nothing changes but an erasure (`harkara.manage.erasure`)."""

import time
from collections.abc import Callable, Iterator

from harkara.aws.clients import DynamoDBClient
from harkara.aws.table import Item, Table, key, update_of, values
from harkara.base.errors import StoreUnavailable
from harkara.manage.erasure import C


class DynamoContents:
    """One attribute of a table's items, a text or bytes. Items that have expired are there too."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        attribute: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._attribute = attribute

    def get(self, partition: str, sort_key: str, kind: type[C]) -> C | None:
        """Return an item's content, None if there is no item. Raises StoreUnavailable."""
        item = self._table.get(partition, sort_key)
        return None if item is None else self._content(item, kind)

    def find(self, partition: str, prefix: str, kind: type[C]) -> Iterator[tuple[str, C]]:
        """Yield sort key and content of a partition's items with a prefix of their sort keys.

        Raises StoreUnavailable.
        """
        condition = ("begins_with(sk, :prefix)", {":prefix": prefix}) if prefix else ()
        for item in self._table.query(partition, *condition):
            if self._attribute in item:
                yield item["sk"]["S"], self._content(item, kind)

    def replace(self, partition: str, sort_key: str, before: C, after: C | None) -> None:
        """Put a content in the place of another; None removes the item.

        Done again, it does nothing. Raises StoreUnavailable, also if others changed it.
        """
        name = f"#{self._attribute}"
        if after is None:
            delete = {
                "Key": key(partition, sort_key),
                "ConditionExpression": f"attribute_not_exists(pk) OR {name} = :before",
                "ExpressionAttributeNames": {name: self._attribute},
                "ExpressionAttributeValues": values({":before": before}),
            }
            done = self._table.transact({"Delete": delete})
        else:
            condition = f"({name} = :before OR {name} = :after)"
            contents = {":before": before, ":after": after}
            update = update_of(partition, sort_key, f"SET {name} = :after", condition, contents)
            done, _ = self._table.update_if(update)
        if not done:
            raise StoreUnavailable("an item was changed meanwhile")

    def _content(self, item: Item, kind: type[C]) -> C:
        ((_, content),) = item[self._attribute].items()
        if not isinstance(content, kind):
            raise TypeError(f"{self._attribute} is {type(content)}")
        return content
