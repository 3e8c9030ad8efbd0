"""Counters and time lines of rates that all processes share, in the Messages table.

A rate has a time line for each of its shards, in an item. Time lines are extended without a
condition on the values of others, so processes that write the same item do not refuse each other:
DynamoDB adds up in the order in which the writes arrive.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harkara.aws.clients import DynamoDBClient
from harkara.aws.table import Item, Table, Value, key, update_of
from harkara.state.stores import Extension, Timeline

_KIND = "timeline"
# A line that is just ending may alternately be seen as ended and as not ended.
_ATTEMPTS = 2
_UNTIL = "until"
_NO_LINES = {"pk", "sk", "ttl", "data"}


class DynamoTimelineStore:
    """Stores time lines that many processes extend."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def extend(self, name: str, by: Extension, expires_at_s: int) -> tuple[int | None, Timeline]:
        """Extend a time line (`harkara.ports.TimelineStore`): mostly one call, sometimes two."""
        begins, item = self._extend(name, {_UNTIL: by}, expires_at_s)
        return begins.get(_UNTIL), _timeline(item)

    def extend_all(
        self, name: str, lines: Mapping[str, Extension], expires_at_s: int
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Extend several lines of an item, all or none (`harkara.ports.LineStore`)."""
        begins, item = self._extend(name, lines, expires_at_s)
        return begins, {line: _number(item, line) for line in item.keys() - _NO_LINES}

    def _extend(
        self, name: str, lines: Mapping[str, Extension], expires_at_s: int
    ) -> tuple[Mapping[str, int], Mapping[str, Any]]:
        """Extend lines; return where each added part begins, and the item.

        If a line ends after its limit, nothing is extended and no beginning returned.
        """
        busy = {line: by.busy for line, by in lines.items()}
        for _ in range(_ATTEMPTS + len(lines)):
            sets, conditions, numbers = [], [], dict[str, int]()
            for line, by in lines.items():
                numbers[f":{line}_now"] = by.now_us
                if busy[line]:
                    sets.append(f"#{line} = #{line} + :{line}_width")
                    conditions.append(f"#{line} BETWEEN :{line}_now AND :{line}_limit")
                    numbers |= {f":{line}_width": by.width_us, f":{line}_limit": by.limit_us}
                else:
                    sets.append(f"#{line} = :{line}_end")
                    conditions.append(f"(attribute_not_exists(#{line}) OR #{line} < :{line}_now)")
                    numbers[f":{line}_end"] = by.now_us + by.idle_width_us
            update = f"SET {', '.join(sets)}, #ttl = :ttl", " AND ".join(conditions)
            written, item = self._update(name, update, numbers, {}, expires_at_s)
            if written:
                widths = {
                    line: by.width_us if busy[line] else by.idle_width_us
                    for line, by in lines.items()
                }
                return {line: _number(item, line) - widths[line] for line in lines}, item
            if any(_number(item, line) > by.limit_us for line, by in lines.items()):
                break
            busy = {line: _number(item, line) >= by.now_us for line, by in lines.items()}
        return {}, item

    def swap_timeline(
        self, name: str, seen: Timeline, new: Timeline, expires_at_s: int
    ) -> Timeline | None:
        """Replace a time line if it is still as `seen` (`harkara.ports.TimelineStore`)."""
        update, conditions, numbers = "SET #text = :new, #ttl = :ttl", [], {}
        texts = {":new": new.text, ":seen": seen.text}
        conditions.append("#text = :seen")
        if not seen.text:
            conditions[0] = "(attribute_not_exists(#text) OR #text = :seen)"
        if new.until_us != seen.until_us:
            update += ", #until = :until"
            numbers[":until"] = new.until_us
            if seen.until_us:
                conditions.append("#until = :before")
                numbers[":before"] = seen.until_us
            else:
                conditions.append("attribute_not_exists(#until)")
        changed = update, " AND ".join(conditions)
        written, item = self._update(name, changed, numbers, texts, expires_at_s)
        return None if written else _timeline(item)

    def timelines(self, names: Sequence[str]) -> Mapping[str, Timeline]:
        """Return the time lines that exist under these names, up to a second old."""
        items = self._table.read([key(name, _KIND) for name in names], consistent=False)
        return {item["pk"]["S"]: _timeline(item) for item in items}

    def _update(
        self,
        name: str,
        update: tuple[str, str],
        numbers: Mapping[str, int],
        texts: Mapping[str, str],
        expires_at_s: int,
    ) -> tuple[bool, Mapping[str, Any]]:
        """Update an item if a condition holds; return whether it did, and the item."""
        parameters: dict[str, Value] = {**numbers, **texts, ":ttl": expires_at_s}
        names = {"#text": "data"} if "#text" in update[0] else {}
        return self._table.update_if(
            update_of(name, _KIND, *update, parameters, names),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def _number(item: Mapping[str, Any], name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


def _timeline(item: Mapping[str, Any]) -> Timeline:
    return Timeline(_number(item, _UNTIL), str(item.get("data", {"S": ""})["S"]))


_RATE_KIND = "rate"


class DynamoLimitStore(DynamoTimelineStore):
    """Texts that processes change by compare-and-swap, and time lines of rates."""

    def get(self, name: str, *, consistent: bool = False) -> str:
        """Return the text under a name, "" if there is none (`harkara.ports.LimitStore`)."""
        return _text(self._table.get(name, _RATE_KIND, consistent=consistent))

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        """Replace the text `seen` ("" for none) by `new`; return None, or the other text found."""
        parameters: dict[str, Value] = {":new": new, ":ttl": expires_at_s}
        if seen:
            parameters[":seen"] = seen
        condition = "#data = :seen" if seen else "attribute_not_exists(#data)"
        update = update_of(name, _RATE_KIND, "SET #data = :new, #ttl = :ttl", condition, parameters)
        done, item = self._table.update_if(update, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        return None if done else _text(item)


def _text(item: Item | None) -> str:
    return str(item["data"]["S"]) if item else ""
