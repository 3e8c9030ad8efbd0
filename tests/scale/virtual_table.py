"""A table in virtual time, with the conditional updates that DynamoDB documents.

Amazon DynamoDB Developer Guide, "DynamoDB and concurrency" and "Condition and filter expressions":
an update is atomic, and its condition is checked against the item as it is when the update arrives.
A refused update is billed as a write. A read without ConsistentRead may miss the latest writes.
"""

import re
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from tests.scale.threads import Threads
from tests.support.limits import FakeClient

CALL_S = (0.005, 0.010)
_BEHIND_S = 0.02
_COMPARISON = re.compile(
    r"attribute_not_exists\((#\w+)\)|(#\w+) (BETWEEN|<|=) (:\w+)(?: AND (:\w+))?"
)
_ASSIGNMENT = re.compile(r"(#\w+) = ([^,]+)")

Item = Mapping[str, Any]


class Refused(ClientError):
    """ConditionalCheckFailedException, with the present item."""


class VirtualTable(FakeClient):  # type: ignore[misc]
    """A client of DynamoDB whose calls take virtual time; `writes` and `reads` count them.

    `refused` counts the writes among them whose condition did not hold.
    """

    class exceptions:
        ConditionalCheckFailedException = Refused

    def __init__(self, threads: Threads, dice: Random) -> None:
        self.threads = threads
        self.dice = dice
        self.items: dict[str, Item] = {}
        self.writes: Counter[int] = Counter()
        self.refused = self.reads = 0
        self._before: dict[str, tuple[float, Item | None]] = {}

    def get_item(self, **request: Any) -> Mapping[str, Any]:
        self.reads += 1
        key = request["Key"]["pk"]["S"]
        there, back = self._call()
        self.threads.sleep(there)
        written_s, before = self._before.get(key, (0.0, None))
        late = self.threads.now_s - written_s < self.dice.uniform(0, _BEHIND_S)
        item = before if late else self.items.get(key)
        self.threads.sleep(back)
        return {"Item": item} if item else {}

    def update_item(self, **request: Any) -> Mapping[str, Any]:
        key = request["Key"]["pk"]["S"]
        there, back = self._call()
        self.threads.sleep(there)
        self.writes[int(self.threads.now_s)] += 1
        item = self.items.get(key)
        names, terms = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        holds = _holds(request["ConditionExpression"], item or {}, names, terms)
        if holds:
            changed = dict(item or {})
            for name, value in _ASSIGNMENT.findall(request["UpdateExpression"]):
                changed[names[name]] = _value(value, item or {}, names, terms)
            self._before[key] = self.threads.now_s, item
            self.items[key] = changed
        else:
            self.refused += 1
        self.threads.sleep(back)
        if holds:
            return {"Attributes": changed}
        error: Any = {"Error": {"Code": "ConditionalCheckFailedException"}}
        raise Refused(error | ({"Item": item} if item else {}), "UpdateItem")

    def _call(self) -> tuple[float, float]:
        half_s = self.dice.uniform(*CALL_S) / 2
        return half_s, half_s


def _value(text: str, item: Item, names: Mapping[str, str], terms: Mapping[str, Any]) -> Any:
    """Return the value of an operand, or of a sum of two."""
    first, _, second = text.partition(" + ")
    value = terms[first] if first in terms else item[names[first]]
    if not second:
        return value
    return {"N": str(int(value["N"]) + int(terms[second.strip()]["N"]))}


def _holds(condition: str, item: Item, names: Mapping[str, str], terms: Mapping[str, Any]) -> bool:
    """Whether a condition of comparisons with AND and OR holds; an absent attribute meets none."""

    def met(found: re.Match[str]) -> str:
        absent, name, operator, first, second = found.groups()
        if absent:
            return str(names[absent] not in item)
        if names[name] not in item:
            return "False"
        value = _plain(item[names[name]])
        low = _plain(terms[first])
        match operator:
            case "BETWEEN":
                return str(low <= value <= _plain(terms[second]))
            case "<":
                return str(value < low)
            case _:
                return str(value == low)

    return bool(eval(_COMPARISON.sub(met, condition).replace("AND", "and").replace("OR", "or")))  # noqa: S307 - of True, False, and, or alone


def _plain(value: Mapping[str, str]) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "N" else content
