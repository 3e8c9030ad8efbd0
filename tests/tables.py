"""A DynamoDB table in memory that answers a ScriptedAws: the operations and expressions in use."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.limits import ITEM_LIMIT_BYTES, item_bytes, pages
from tests.unit.aws import Refusal

Item = dict[str, Any]
Params = dict[str, Any]

CONDITION_FAILED = "ConditionalCheckFailedException"
_FUNCTION = re.compile(r"(attribute_exists|attribute_not_exists|begins_with)\((\S+?)(?:, (\S+))?\)")
_BETWEEN = re.compile(r"(\S+) BETWEEN (\S+) AND (\S+)")
_COMPARISON = re.compile(r"(\S+) (=|<|<=|>=) (\S+)")


class Table:
    """Items by (pk, sk), in pages of so many, or of 1 MB."""

    def __init__(self, name: str = "Accounts", page: int = 2) -> None:
        self.name = name
        self.page = page
        self.items: dict[tuple[str, str], Item] = {}

    def __call__(self, operation: str, params: Params) -> Mapping[str, Any] | Refusal:
        match operation:
            case "TransactWriteItems":
                return self._transact(params["TransactItems"])
            case "BatchWriteItem":
                for request in params["RequestItems"][self.name]:
                    if "DeleteRequest" in request:
                        self.items.pop(_key(request["DeleteRequest"]["Key"]), None)
                    else:
                        item = request["PutRequest"]["Item"]
                        self.items[_key(item)] = item
                return {}
            case "BatchGetItem":
                keys = params["RequestItems"][self.name]["Keys"]
                there = [self.items[_key(key)] for key in keys if _key(key) in self.items]
                return {"Responses": {self.name: there}}
        assert params["TableName"] == self.name
        match operation:
            case "GetItem":
                found = self.items.get(_key(params["Key"]))
                return {"Item": found} if found else {}
            case "Query":
                return self._page(params, "KeyConditionExpression")
            case "Scan":
                return self._page(params, "FilterExpression")
        if not self._allows(params):
            return Refusal(CONDITION_FAILED)
        self._write(operation.removesuffix("Item"), params)
        return {}

    def _allows(self, params: Params) -> bool:
        return _holds(params, "ConditionExpression", self.items.get(_key_of(params), {}))

    def _write(self, operation: str, params: Params) -> None:
        key = _key_of(params)
        match operation:
            case "Put":
                self.items[key] = params["Item"]
            case "Delete":
                self.items.pop(key, None)
            case "Update":
                updated = _updated({**params["Key"], **self.items.get(key, {})}, params)
                assert item_bytes(updated) <= ITEM_LIMIT_BYTES
                self.items[key] = updated
            case _:
                raise AssertionError(f"{operation} is not known here")

    def _transact(self, actions: Sequence[Params]) -> Mapping[str, Any] | Refusal:
        """Write all or nothing; each item once, as DynamoDB asks."""
        writes = [write for action in actions for write in action.items()]
        assert len({_key_of(params) for _, params in writes}) == len(writes)
        allowed = [self._allows(params) for _, params in writes]
        if not all(allowed):
            codes = ["None" if each else "ConditionalCheckFailed" for each in allowed]
            reasons = [{"Code": code} for code in codes]
            return Refusal("TransactionCanceledException", CancellationReasons=reasons)
        for operation, params in writes:
            self._write(operation, params)
        return {}

    def _page(self, params: Params, expression: str) -> Mapping[str, Any]:
        start = _key(params["ExclusiveStartKey"]) if "ExclusiveStartKey" in params else ("", "")
        rest = [item for key, item in sorted(self.items.items()) if key > start]
        # A query's page is of what fits its key; a scan's is filtered after it was read.
        if expression == "KeyConditionExpression":
            rest = [item for item in rest if _holds(params, expression, item)]
        page = next(pages(rest, item_bytes, min(self.page, params.get("Limit", self.page))), [])
        answer: Item = {"Items": [item for item in page if _holds(params, expression, item)]}
        if len(rest) > len(page):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("pk", "sk")}
        return answer


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _key_of(params: Params) -> tuple[str, str]:
    return _key(params.get("Item") or params["Key"])


def _name(params: Params, placeholder: str) -> str:
    return str(params.get("ExpressionAttributeNames", {}).get(placeholder, placeholder))


def _holds(params: Params, expression: str, item: Item) -> bool:
    whole = _BETWEEN.sub(r"\1 >= \2 AND \1 <= \3", params.get(expression, ""))
    clauses = whole.split(" AND ") if whole else []
    return all(
        any(_clause_holds(params, each, item) for each in clause.strip("()").split(" OR "))
        if " OR " in clause
        else _clause_holds(params, clause, item)
        for clause in clauses
    )


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
    found, wanted = item.get(_name(params, name)), params["ExpressionAttributeValues"][value]
    if sign == "=" or found is None:
        return bool(found == wanted)
    less = int(found["N"]) < int(wanted["N"]) if "N" in wanted else bool(found["S"] < wanted["S"])
    if sign == ">=":
        return not less
    return less or (sign == "<=" and bool(found == wanted))


def _updated(item: Item, params: Params) -> Item:
    """Return an item after `SET name = :value, ... ADD name :number REMOVE name`, or some of it."""
    changes, _, removed = params["UpdateExpression"].partition(" REMOVE ")
    sets, _, adds = changes.partition("ADD ")
    values = params["ExpressionAttributeValues"]
    for assignment in filter(None, sets.removeprefix("SET ").strip().split(", ")):
        name, _, value = assignment.partition(" = ")
        former, plus, more = value.partition(" + ")
        if plus:
            total = int(item[_name(params, former)]["N"]) + int(values[more]["N"])
            item[_name(params, name)] = {"N": str(total)}
        else:
            item[_name(params, name)] = values[value]
    for addition in filter(None, adds.split(", ")):
        name, _, value = addition.partition(" ")
        before = item.get(_name(params, name), {"N": "0"})["N"]
        item[_name(params, name)] = {"N": str(int(before) + int(values[value]["N"]))}
    return {name: value for name, value in item.items() if name != removed}
