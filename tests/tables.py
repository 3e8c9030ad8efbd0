"""A DynamoDB table in memory that answers a ScriptedAws: the operations and expressions in use."""

import re
from collections.abc import Mapping
from typing import Any

from tests.unit.aws import Refusal

Item = dict[str, Any]
Params = dict[str, Any]

PAGE = 2
CONDITION_FAILED = "ConditionalCheckFailedException"
_FUNCTION = re.compile(r"(attribute_exists|attribute_not_exists|begins_with)\((\S+?)(?:, (\S+))?\)")
_COMPARISON = re.compile(r"(\S+) (=|>) (\S+)")


class Table:
    """Items by (pk, sk); a page of a query or scan holds two."""

    def __init__(self, name: str = "Accounts") -> None:
        self.name = name
        self.items: dict[tuple[str, str], Item] = {}

    def __call__(self, operation: str, params: Params) -> Mapping[str, Any] | Refusal:
        assert params["TableName"] == self.name
        match operation:
            case "GetItem":
                found = self.items.get(_key(params["Key"]))
                return {"Item": found} if found else {}
            case "Query":
                return self._page(params, "KeyConditionExpression")
            case "Scan":
                return self._page(params, "FilterExpression")
        key = _key(params.get("Item") or params["Key"])
        if not _holds(params, "ConditionExpression", self.items.get(key, {})):
            return Refusal(CONDITION_FAILED)
        match operation:
            case "PutItem":
                self.items[key] = params["Item"]
            case "DeleteItem":
                self.items.pop(key, None)
            case "UpdateItem":
                self.items[key] = _updated({**params["Key"], **self.items.get(key, {})}, params)
            case _:
                raise AssertionError(f"{operation} is not known here")
        return {}

    def _page(self, params: Params, expression: str) -> Mapping[str, Any]:
        start = _key(params["ExclusiveStartKey"]) if "ExclusiveStartKey" in params else ("", "")
        rest = [item for key, item in sorted(self.items.items()) if key > start]
        # A query's page is of what fits its key; a scan's is filtered after it was read.
        if expression == "KeyConditionExpression":
            rest = [item for item in rest if _holds(params, expression, item)]
        page = rest[: min(PAGE, params.get("Limit", PAGE))]
        answer: Item = {"Items": [item for item in page if _holds(params, expression, item)]}
        if len(rest) > len(page):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("pk", "sk")}
        return answer


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _name(params: Params, placeholder: str) -> str:
    return str(params.get("ExpressionAttributeNames", {}).get(placeholder, placeholder))


def _holds(params: Params, expression: str, item: Item) -> bool:
    clauses = params[expression].split(" AND ") if expression in params else []
    return all(_clause_holds(params, clause, item) for clause in clauses)


def _clause_holds(params: Params, clause: str, item: Item) -> bool:
    if function := _FUNCTION.fullmatch(clause):
        kind, name, value = function.groups()
        found = item.get(_name(params, name))
        if kind == "begins_with":
            prefix = params["ExpressionAttributeValues"][value]["S"]
            return found is not None and found["S"].startswith(prefix)
        return (found is not None) == (kind == "attribute_exists")
    comparison = _COMPARISON.fullmatch(clause)
    assert comparison, f"not known here: {clause}"
    name, sign, value = comparison.groups()
    found, other = item.get(_name(params, name)), params["ExpressionAttributeValues"][value]
    if sign == "=":
        return bool(found == other)
    return found is not None and bool(found["S"] > other["S"])


def _updated(item: Item, params: Params) -> Item:
    """Return an item after `SET name = :value, ... ADD name :number`."""
    sets, _, adds = params["UpdateExpression"].removeprefix("SET ").partition(" ADD ")
    values = params["ExpressionAttributeValues"]
    for assignment in sets.split(", "):
        name, _, value = assignment.partition(" = ")
        item[_name(params, name)] = values[value]
    for addition in filter(None, adds.split(", ")):
        name, _, value = addition.partition(" ")
        before = item.get(_name(params, name), {"N": "0"})["N"]
        item[_name(params, name)] = {"N": str(int(before) + int(values[value]["N"]))}
    return item
