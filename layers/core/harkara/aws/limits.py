"""Share counters among all processes, in the Messages table: items swapped as a whole."""

from harkara.aws.table import Item, Value, update_of
from harkara.aws.timelines import DynamoTimelineStore

_KIND = "rate"


class DynamoLimitStore(DynamoTimelineStore):
    """Texts that processes change by compare-and-swap, and time lines of rates."""

    def get(self, name: str, *, consistent: bool = False) -> str:
        """Return the text under a name, "" if there is none (`harkara.ports.LimitStore`)."""
        return _text(self._table.get(name, _KIND, consistent=consistent))

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        """Replace the text `seen` ("" for none) by `new`; return None, or the other text found."""
        given: dict[str, Value] = {":new": new, ":ttl": expires_at_s}
        if seen:
            given[":seen"] = seen
        condition = "#data = :seen" if seen else "attribute_not_exists(#data)"
        update = update_of(name, _KIND, "SET #data = :new, #ttl = :ttl", condition, given)
        done, item = self._table.update_if(update, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        return None if done else _text(item)


def _text(item: Item | None) -> str:
    return str(item["data"]["S"]) if item else ""
