"""Time lines of rates, in the Messages table: one item for each shard.

They are extended without a condition on what others wrote, so processes that write the same item
do not refuse each other: DynamoDB adds up in the order in which the writes arrive.
"""

from collections.abc import Mapping
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.ports import Extension, Timeline

_KIND = "timeline"
# A line that ends just now may be seen as ended and as not ended by turns.
_TRIES = 3
_APPEND = "SET #until = #until + :width, #ttl = :ttl", "#until BETWEEN :now AND :limit"
_BEGIN = "SET #until = :end, #ttl = :ttl", "attribute_not_exists(#until) OR #until < :now"


class DynamoTimelineStore:
    """Time lines that many processes extend."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def extend(self, name: str, by: Extension, expires_at_s: int) -> tuple[int | None, Timeline]:
        """Extend a time line (`harkara.ports.TimelineStore`): mostly one call, sometimes two."""
        busy = by.busy
        for _ in range(_TRIES):
            if busy:
                numbers = {":width": by.width_us, ":now": by.now_us, ":limit": by.limit_us}
                written, line = self._update(name, _APPEND, numbers, {}, expires_at_s)
                width_us = by.width_us
            else:
                numbers = {":end": by.now_us + by.idle_width_us, ":now": by.now_us}
                written, line = self._update(name, _BEGIN, numbers, {}, expires_at_s)
                width_us = by.idle_width_us
            if written:
                return line.until_us - width_us, line
            if line.until_us > by.limit_us:
                break
            busy = line.until_us >= by.now_us
        return None, line

    def swap_timeline(
        self, name: str, seen: Timeline, new: Timeline, expires_at_s: int
    ) -> Timeline | None:
        """Replace a time line as it was seen (`harkara.ports.TimelineStore`)."""
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
        written, line = self._update(name, changed, numbers, texts, expires_at_s)
        return None if written else line

    def _update(
        self,
        name: str,
        update: tuple[str, str],
        numbers: Mapping[str, int],
        texts: Mapping[str, str],
        expires_at_s: int,
    ) -> tuple[bool, Timeline]:
        """Update an item where a condition holds; say whether it did, and return the item."""
        names = {"#until": "until", "#text": "data", "#ttl": "ttl"}
        numbers = {**numbers, ":ttl": expires_at_s}
        with aws_errors():
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": name}, "sk": {"S": _KIND}},
                    UpdateExpression=update[0],
                    ConditionExpression=update[1],
                    ExpressionAttributeNames={
                        key: value for key, value in names.items() if key in "".join(update)
                    },
                    ExpressionAttributeValues={
                        **{key: {"N": str(number)} for key, number in numbers.items()},
                        **{key: {"S": text} for key, text in texts.items()},
                    },
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                # There is none if the item expired meanwhile.
                return False, _timeline(error.response.get("Item", {}))
        return True, _timeline(answer["Attributes"])


def _timeline(item: Mapping[str, Any]) -> Timeline:
    until, text = item.get("until", {"N": "0"}), item.get("data", {"S": ""})
    return Timeline(int(until["N"]), str(text["S"]))
