"""A DynamoDB table in memory that answers a ScriptedAws: the operations and expressions in use."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from tests.support.caprices import LAG_S, LAGS_ONE_IN, Caprices
from tests.support.expressions import (
    Item,
    Params,
    first_sort_key,
    holds,
    inserted,
    is_in_bounds,
    partition_of,
    updated,
)
from tests.support.limits import ANSWER_LIMIT_BYTES, ITEM_LIMIT_BYTES, PAGE_LIMIT_BYTES, item_bytes
from tests.unit.scripted_aws import Refusal

CONDITION_FAILED = "ConditionalCheckFailedException"


class Items(dict[tuple[str, str], Item]):
    """Items by (pk, sk), which are sorted only when they are read in order."""

    def __init__(self) -> None:
        super().__init__()
        self._sorted: list[tuple[str, str]] | None = None

    def __setitem__(self, key: tuple[str, str], item: Item) -> None:
        if key not in self:
            self._sorted = None
        super().__setitem__(key, item)

    def __delitem__(self, key: tuple[str, str]) -> None:
        self._sorted = None
        super().__delitem__(key)

    def keys_from(self, first: tuple[str, str]) -> Iterator[tuple[str, str]]:
        """Return the keys from `first` on, in order."""
        if self._sorted is None:
            self._sorted = sorted([*self])
        return islice(self._sorted, bisect_left(self._sorted, first), None)


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
        self.items = Items()
        # The item before the last write of each key, and the time of that write.
        self._replaced: dict[tuple[str, str], tuple[float, Item | None]] = {}

    def put(self, key: tuple[str, str], item: Item | None) -> None:
        """Write or delete an item; eventually consistent reads may miss this for a moment."""
        if self.caprices.are_drawn:
            self._replaced[key] = self.clock(), self.live(key)
        if item is not None:
            self.items[key] = item
        elif key in self.items:
            del self.items[key]

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
        if not self.allows(params):
            if params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and (
                item := self.live(_key_of(params))
            ):
                return Refusal(CONDITION_FAILED, Item=item)
            return Refusal(CONDITION_FAILED)
        self.write(operation.removesuffix("Item"), params)
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

    def allows(self, params: Params) -> bool:
        """Return whether a write's condition holds."""
        return holds(params, "ConditionExpression", self.live(_key_of(params)) or {})

    def _insert(self, statement: Params) -> Mapping[str, Any]:
        """Execute one PartiQL statement; each statement of a batch succeeds or fails alone."""
        table, item = inserted(statement)
        if item_bytes(item) > ITEM_LIMIT_BYTES:
            return {"Error": {"Code": "ValidationError"}, "TableName": table}
        if self.live(_key(item)):
            return {"Error": {"Code": "DuplicateItem"}, "TableName": table}
        self.put(_key(item), item)
        return {"TableName": table}

    def write(self, operation: str, params: Params) -> None:
        """Put, update or delete an item, whatever its condition."""
        key = _key_of(params)
        match operation:
            case "Put":
                self.put(key, params["Item"])
            case "Delete":
                self.put(key, None)
            case "Update":
                changed = updated({**params["Key"], **(self.live(key) or {})}, params)
                assert item_bytes(changed) <= ITEM_LIMIT_BYTES, "an update made an item too large"
                self.put(key, changed)
            case _:
                raise AssertionError(f"{operation} is not known here")

    def _transact(self, actions: Sequence[Params]) -> Mapping[str, Any] | Refusal:
        """Write all or nothing; DynamoDB requires that each item occurs once."""
        writes = [write for action in actions for write in action.items()]
        assert len({_key_of(params) for _, params in writes}) == len(writes)
        allowed = [self.allows(params) for _, params in writes]
        if not all(allowed):
            codes = ["None" if each else "ConditionalCheckFailed" for each in allowed]
            reasons = [{"Code": code} for code in codes]
            return Refusal("TransactionCanceledException", CancellationReasons=reasons)
        for operation, params in writes:
            self.write(operation, params)
        return {}

    def _page(self, params: Params, expression: str) -> Mapping[str, Any] | Refusal:
        start = _key(params["ExclusiveStartKey"]) if "ExclusiveStartKey" in params else ("", "")
        partition = partition_of(params, expression)
        if not is_in_bounds(params, expression):
            return Refusal("ValidationException")
        first = max(start, (partition or "", first_sort_key(params, expression)))
        limit, total = min(self.page, params.get("Limit", self.page)), 0
        answer: dict[str, Any] = {"Items": []}
        count = 0
        for key in self.items.keys_from(first):
            if partition is not None and key[0] != partition:
                break
            item = self.read(key, params) if key != start else None
            if item is None:
                continue
            matches = holds(params, expression, item)
            # What a query finds lies together; a scan is filtered after its page is read.
            if not matches and partition is not None:
                break
            count, total = count + 1, total + item_bytes(item)
            if matches:
                answer["Items"].append(item)
            if count == limit or total >= PAGE_LIMIT_BYTES:
                answer["LastEvaluatedKey"] = {name: item[name] for name in ("pk", "sk")}
                break
        return answer


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _key_of(params: Params) -> tuple[str, str]:
    return _key(params.get("Item") or params["Key"])
