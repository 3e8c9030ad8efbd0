"""A DynamoDB table in memory that answers a ScriptedAws: the operations and expressions in use."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from tests.support.caprices import LAG_S, LAGS_ONE_IN, Caprices
from tests.support.limits import ANSWER_LIMIT_BYTES, ITEM_LIMIT_BYTES, PAGE_LIMIT_BYTES, item_bytes
from tests.support.policies import inserted
from tests.unit.scripted_aws import Refusal

Item = dict[str, Any]
Params = dict[str, Any]

CONDITION_FAILED = "ConditionalCheckFailedException"
_FUNCTION = re.compile(r"(attribute_exists|attribute_not_exists|begins_with)\((\S+?)(?:, (\S+))?\)")
_BETWEEN = re.compile(r"(\S+) BETWEEN (\S+) AND (\S+)")
_COMPARISON = re.compile(r"(\S+) (=|<|<=|>=) (\S+)")


class Table:
    """Items by (pk, sk), in pages of up to `page` items or 1 MB.

    Expired items are deleted some time later (`tests.support.caprices`). Amazon DynamoDB Developer
    Guide, "Paginating table query results in DynamoDB": a page that ended for its size or its limit
    has a LastEvaluatedKey, which "does not necessarily mean that there is more data".
    """

    def __init__(
        self,
        name: str = "Accounts",
        page: int = 2,
        clock: Callable[[], float] = lambda: 0.0,
        caprices: Caprices | None = None,
    ) -> None:
        self.name = name
        self.page = page
        self.clock = clock
        self.caprices = caprices or Caprices()
        self.items: dict[tuple[str, str], Item] = {}
        # The item before the last write of each key, and the time of that write.
        self._replaced: dict[tuple[str, str], tuple[float, Item | None]] = {}

    def put(self, key: tuple[str, str], item: Item | None) -> None:
        """Write or delete an item; eventually consistent reads may miss this for a moment."""
        if self.caprices.are_drawn:
            self._replaced[key] = self.clock(), self.live(key)
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item

    def read(self, key: tuple[str, str], params: Params) -> Item | None:
        """Return an item; an eventually consistent read may return its former version."""
        if not params.get("ConsistentRead") and key in self._replaced:
            replaced_s, item = self._replaced[key]
            if self.clock() - replaced_s < LAG_S and self.caprices.happens(LAGS_ONE_IN):
                return item
        return self.live(key)

    def live(self, key: tuple[str, str]) -> Item | None:
        """Return an item that DynamoDB has not yet deleted, or None."""
        item = self.items.get(key)
        if item is None or "ttl" not in item:
            return item
        over_s = self.clock() - int(item["ttl"]["N"])
        return item if over_s <= 0 or over_s <= self.caprices.late_s(key) else None

    def __call__(self, operation: str, params: Params) -> Mapping[str, Any] | Refusal:
        match operation:
            case "TransactWriteItems":
                return self._transact(params["TransactItems"])
            case "BatchWriteItem":
                for request in params["RequestItems"][self.name]:
                    if "DeleteRequest" in request:
                        self.put(_key(request["DeleteRequest"]["Key"]), None)
                    else:
                        item = request["PutRequest"]["Item"]
                        self.put(_key(item), item)
                return {}
            case "BatchGetItem":
                return self._get(params["RequestItems"][self.name])
            case "BatchExecuteStatement":
                statements = params["Statements"]
                done = self.caprices.done_of(statements)
                throttled = {"Error": {"Code": "ThrottlingError"}, "TableName": self.name}
                responses = [self._insert(each) for each in statements[:done]]
                return {"Responses": responses + [throttled] * (len(statements) - done)}
        assert params["TableName"] == self.name
        match operation:
            case "GetItem":
                there = self.read(_key(params["Key"]), params)
                return {"Item": there} if there else {}
            case "Query":
                return self._page(params, "KeyConditionExpression")
            case "Scan":
                return self._page(params, "FilterExpression")
        if not self._allows(params):
            if params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and (
                item := self.live(_key_of(params))
            ):
                return Refusal(CONDITION_FAILED, Item=item)
            return Refusal(CONDITION_FAILED)
        self._write(operation.removesuffix("Item"), params)
        if params.get("ReturnValues") == "ALL_NEW":
            return {"Attributes": self.items[_key_of(params)]}
        return {}

    def _get(self, request: Params) -> Mapping[str, Any]:
        """Return up to 16 MB of the requested items, and the keys that remain."""
        keys, items, left = request["Keys"], list[Item](), ANSWER_LIMIT_BYTES
        assert len({_key(key) for key in keys}) == len(keys)
        may_pass = len(keys) * ITEM_LIMIT_BYTES > left
        for index, key in enumerate(keys):
            if item := self.read(_key(key), request):
                left -= item_bytes(item) if may_pass else 0
                if left < 0:
                    remains = {self.name: {**request, "Keys": keys[index:]}}
                    return {"Responses": {self.name: items}, "UnprocessedKeys": remains}
                items.append(item)
        return {"Responses": {self.name: items}}

    def _allows(self, params: Params) -> bool:
        return _holds(params, "ConditionExpression", self.live(_key_of(params)) or {})

    def _insert(self, statement: Params) -> Mapping[str, Any]:
        """Execute one PartiQL statement; each statement of a batch succeeds or fails alone."""
        table, item = inserted(statement)
        if item_bytes(item) > ITEM_LIMIT_BYTES:
            return {"Error": {"Code": "ValidationError"}, "TableName": table}
        if self.live(_key(item)):
            return {"Error": {"Code": "DuplicateItem"}, "TableName": table}
        self.put(_key(item), item)
        return {"TableName": table}

    def _write(self, operation: str, params: Params) -> None:
        key = _key_of(params)
        match operation:
            case "Put":
                self.put(key, params["Item"])
            case "Delete":
                self.put(key, None)
            case "Update":
                updated = _updated({**params["Key"], **(self.live(key) or {})}, params)
                assert item_bytes(updated) <= ITEM_LIMIT_BYTES, "an update made an item too large"
                self.put(key, updated)
            case _:
                raise AssertionError(f"{operation} is not known here")

    def _transact(self, actions: Sequence[Params]) -> Mapping[str, Any] | Refusal:
        """Write all or nothing; DynamoDB requires that each item occurs once."""
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

    def _page(self, params: Params, expression: str) -> Mapping[str, Any] | Refusal:
        start = _key(params["ExclusiveStartKey"]) if "ExclusiveStartKey" in params else ("", "")
        partition = _partition(params, expression)
        if not _is_in_bounds(params, expression):
            return Refusal("ValidationException")
        rest = sorted(key for key in [*self.items] if key > start and partition in (None, key[0]))
        limit, total = min(self.page, params.get("Limit", self.page)), 0
        answer: dict[str, Any] = {"Items": []}
        count = 0
        for key in rest:
            item = self.read(key, params)
            if item is None:
                continue
            matches = _holds(params, expression, item)
            # A query's page counts matching items only; a scan is filtered after its page is read.
            if not matches and partition is not None:
                continue
            count, total = count + 1, total + item_bytes(item)
            if matches:
                answer["Items"].append(item)
            if count == limit or total >= PAGE_LIMIT_BYTES:
                answer["LastEvaluatedKey"] = {name: item[name] for name in ("pk", "sk")}
                break
        return answer


def _is_in_bounds(params: Params, expression: str) -> bool:
    """Whether a query's BETWEEN has ordered bounds, and its start key meets its condition.

    DynamoDB refuses other queries: "The BETWEEN operator requires upper bound to be greater than or
    equal to lower bound", "The provided starting key is outside query boundaries".
    """
    if expression != "KeyConditionExpression":
        return True
    start, values = params.get("ExclusiveStartKey"), params["ExpressionAttributeValues"]
    bounds = _BETWEEN.search(params[expression])
    return (bounds is None or values[bounds[2]]["S"] <= values[bounds[3]]["S"]) and (
        start is None or _holds(params, expression, start)
    )


def _partition(params: Params, expression: str) -> str | None:
    """Return the only partition that a query reads; None for a scan, which reads all."""
    if expression != "KeyConditionExpression":
        return None
    clauses = chain.from_iterable(_parsed(params[expression]))
    (clause,) = (each for each in clauses if each.name == "pk")
    return str(params["ExpressionAttributeValues"][clause.value]["S"])


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _key_of(params: Params) -> tuple[str, str]:
    return _key(params.get("Item") or params["Key"])


def _name(params: Params, placeholder: str) -> str:
    return str(params.get("ExpressionAttributeNames", {}).get(placeholder, placeholder))


class _Clause(NamedTuple):
    """A part of an expression: a function or a comparison, with its attribute and its operand."""

    kind: str
    name: str
    value: str


@cache
def _parsed(expression: str) -> Sequence[Sequence[_Clause]]:
    """Return an expression as a conjunction of alternatives."""
    whole = _BETWEEN.sub(r"\1 >= \2 AND \1 <= \3", expression)
    return [
        [_clause(each) for each in clause.strip("()").split(" OR ")]
        if " OR " in clause
        else [_clause(clause)]
        for clause in (whole.split(" AND ") if whole else [])
    ]


def _clause(text: str) -> _Clause:
    if function := _FUNCTION.fullmatch(text):
        return _Clause(function[1], function[2], function[3])
    comparison = _COMPARISON.fullmatch(text)
    assert comparison, f"not known here: {text}"
    return _Clause(comparison[2], comparison[1], comparison[3])


def _holds(params: Params, expression: str, item: Item) -> bool:
    return all(
        any(_clause_holds(params, each, item) for each in alternatives)
        for alternatives in _parsed(params.get(expression, ""))
    )


def _clause_holds(params: Params, clause: _Clause, item: Item) -> bool:
    found = item.get(_name(params, clause.name))
    match clause.kind:
        case "attribute_exists" | "attribute_not_exists":
            return (found is not None) == (clause.kind == "attribute_exists")
        case "begins_with":
            prefix = params["ExpressionAttributeValues"][clause.value]["S"]
            return found is not None and found["S"].startswith(prefix)
    required = params["ExpressionAttributeValues"][clause.value]
    if clause.kind == "=" or found is None:
        return bool(found == required)
    less = (
        int(found["N"]) < int(required["N"])
        if "N" in required
        else bool(found["S"] < required["S"])
    )
    if clause.kind == ">=":
        return not less
    return less or (clause.kind == "<=" and bool(found == required))


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
