"""AWS's documented limits on requests: the in-memory AWS refuses calls beyond them.

Amazon SQS API Reference, SendMessageBatch: ten messages; "the maximum allowed individual message
size and the maximum total payload size [...] are both 1 MiB"; a delay of up to 900 seconds, ids of
up to 80 letters, digits, hyphens and underscores, bodies of at least a character. Amazon DynamoDB
Developer Guide, "Quotas in Amazon DynamoDB": an item has 400 KB, names of attributes included; a
partition key has 1 to 2,048 bytes, a sort key 1 to 1,024; a number up to 38 digits. "Query": a page
ends with the item that reaches 1 MB, so it may exceed that by an item. API Reference: 25 statements
in BatchExecuteStatement, 25 requests in BatchWriteItem, 100 keys in BatchGetItem, 100 actions in
TransactWriteItems, each on another item and 4 MB together; BatchWriteItem's 16 MB are more than 25
items have; BatchGetItem answers up to 16 MB, other keys are in UnprocessedKeys. "Reserved words in
DynamoDB": 573, which an expression must not name; an attribute's placeholder that no expression
uses is refused too. AWS Lambda Developer Guide, "Lambda quotas": 6 MB for a synchronous
invocation's request, and for its response. All as of November 2026.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tests.support import policies
from tests.support.expressions import inserted

BATCH_LIMIT_BYTES = MESSAGE_LIMIT_BYTES = 1024 * 1024
VISIBILITY_LIMIT_S = 43_200
ENTRIES_LIMIT = 10
ITEM_LIMIT_BYTES = 400 * 1024
PAGE_LIMIT_BYTES = 1024 * 1024
STATEMENTS_LIMIT = 25
WRITES_LIMIT = 25
KEYS_LIMIT = 100
ACTIONS_LIMIT = 100
TRANSACTION_LIMIT_BYTES = 4 * 1024 * 1024
ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
INVOCATION_LIMIT_BYTES = 6 * 1024 * 1024
PARTITION_KEY_BYTES = 2_048
SORT_KEY_BYTES = 1_024
DELAY_LIMIT_S = 900
CASES = Path(__file__).parent.parent / "cases"

T = TypeVar("T")

FakeClient: Any = object
"""The base of fake clients: to mypy they are clients of boto3."""

# #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF
_CONTENT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_GROUP = re.compile(r"[!-~]{1,128}")
_ID = re.compile(r"[\w-]{1,80}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,38}")
_WORD = re.compile(r"[#:]\w+|[A-Za-z_]\w*")
_PLACEHOLDERS = "ExpressionAttributeNames", "ExpressionAttributeValues"
_EXPRESSIONS = tuple(
    f"{each}Expression" for each in ("KeyCondition", "Filter", "Projection", "Condition", "Update")
)
_SYNTAX = {"SET", "ADD", "REMOVE", "AND", "OR", "BETWEEN"} | {
    "attribute_exists",
    "attribute_not_exists",
    "begins_with",
    "if_not_exists",
}


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item as DynamoDB counts it: names and values, in UTF-8."""
    total = 0
    for name, value in item.items():
        total += len(name.encode()) + _value_bytes(value)
    return total


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return len(content) // 2 + 2
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "M":
            return 3 + sum(1 + len(n.encode()) + _value_bytes(v) for n, v in content.items())
    raise AssertionError(f"{kind} is not known here")


def pages(rows: Sequence[T], size: Callable[[T], int], count: int) -> Iterator[list[T]]:
    """Yield pages of up to `count` rows; the row that reaches 1 MB also ends a page."""
    page, total = list[T](), 0
    for row in rows:
        page.append(row)
        total += size(row)
        if len(page) == count or total >= PAGE_LIMIT_BYTES:
            yield page
            page, total = [], 0
    if page:
        yield page


def refusal_of_batch(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the error code with which SQS refuses a batch of messages; empty if it accepts."""
    if not 0 < len(entries) <= ENTRIES_LIMIT:
        return "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    if len({entry["Id"] for entry in entries}) < len(entries):
        return "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    if any(not _ID.fullmatch(entry["Id"]) for entry in entries):
        return "AWS.SimpleQueueService.InvalidBatchEntryId"
    if any(not 0 <= entry.get("DelaySeconds", 0) <= DELAY_LIMIT_S for entry in entries):
        return "InvalidParameterValue"
    if any(not _GROUP.fullmatch(entry.get("MessageGroupId", "g")) for entry in entries):
        return "InvalidParameterValue"
    if sum(len(entry["MessageBody"].encode()) for entry in entries) > BATCH_LIMIT_BYTES:
        return "AWS.SimpleQueueService.BatchRequestTooLong"
    return ""


def refusal_of(operation: str, params: Mapping[str, Any]) -> str:
    """Return the error code with which AWS refuses a call's parameters; empty if it accepts."""
    if operation == "SendMessageBatch":
        return refusal_of_batch(params["Entries"])
    if operation in ("Encrypt", "Decrypt", "GetSecretValue", "SendTextMessage"):
        return ""
    fits = all(_fits(each) for each in _parts(operation, params)) and _has_good_size(
        operation, params
    )
    return "" if fits else "ValidationException"


def _parts(operation: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a call, each with an item or a key, and its expressions if it has some."""
    match operation:
        case "BatchWriteItem":
            for writes in params["RequestItems"].values():
                for write in writes:
                    yield from write.values()
        case "BatchGetItem":
            for request in params["RequestItems"].values():
                yield from ({"Key": key} for key in request["Keys"])
        case "TransactWriteItems":
            for action in params["TransactItems"]:
                yield from action.values()
        case "BatchExecuteStatement":
            for statement in params["Statements"]:
                # A statement with too large an item fails alone.
                item = inserted(statement)[1]
                yield {"Key": {name: item[name] for name in ("pk", "sk")}}
        case _:
            yield params


def _has_good_size(operation: str, params: Mapping[str, Any]) -> bool:
    match operation:
        case "BatchExecuteStatement":
            return 0 < len(params["Statements"]) <= STATEMENTS_LIMIT
        case "BatchWriteItem":
            limit = WRITES_LIMIT
        case "BatchGetItem":
            limit = KEYS_LIMIT
        case "TransactWriteItems":
            limit = ACTIONS_LIMIT
        case _:
            return True
    parts = list(_parts(operation, params))
    keys = [_key(part) for part in parts]
    # "Provided list of item keys contains duplicates"
    if not 0 < len(keys) <= limit or len(set(keys)) < len(keys):
        return False
    # Ten items of 400 KB stay below 4 MB, and a batch of 25 below its 16 MB.
    is_large = operation == "TransactWriteItems" and len(parts) > 10
    return not is_large or _written_bytes(parts) <= TRANSACTION_LIMIT_BYTES


def _written_bytes(parts: Sequence[Mapping[str, Any]]) -> int:
    return sum(item_bytes(part["Item"]) for part in parts if "Item" in part)


def _fits(part: Mapping[str, Any]) -> bool:
    item = part.get("Item", {})
    return (
        (not item or (item_bytes(item) <= ITEM_LIMIT_BYTES and all(map(_is_number, item.values()))))
        and _is_key(part.get("ExclusiveStartKey") or part.get("Key") or item or None)
        and _is_expressed(part)
    )


def _key(part: Mapping[str, Any]) -> tuple[str, str]:
    item = part.get("Key") or part["Item"]
    return item["pk"]["S"], item["sk"]["S"]


def _is_key(item: Mapping[str, Any] | None) -> bool:
    """Whether both parts of an item's key have a size that DynamoDB accepts, 0 excluded."""
    if item is None:  # a query's first page
        return True
    partition, sort_key = (len(item[name]["S"].encode()) for name in ("pk", "sk"))
    return 0 < partition <= PARTITION_KEY_BYTES and 0 < sort_key <= SORT_KEY_BYTES


def _is_number(value: Mapping[str, Any]) -> bool:
    return "N" not in value or bool(_NUMBER.fullmatch(value["N"]))


def _is_expressed(part: Mapping[str, Any]) -> bool:
    """Whether expressions name no reserved word, and use exactly the given placeholders."""
    names, values = (part.get(each, {}) for each in _PLACEHOLDERS)
    expressions = tuple([part[each] for each in _EXPRESSIONS if each in part])
    if not (expressions or names or values):
        return True
    placeholders, is_free = _read(expressions)
    return is_free and placeholders == {*names, *values}


@cache
def _read(expressions: tuple[str, ...]) -> tuple[frozenset[str], bool]:
    """Return the placeholders in expressions, and whether they name no reserved word."""
    words = {word for each in expressions for word in _WORD.findall(each)} - _SYNTAX
    placeholders = frozenset(word for word in words if word[0] in "#:")
    return placeholders, not {word.upper() for word in words - placeholders} & _reserved()


@cache
def _reserved() -> frozenset[str]:
    return frozenset((CASES / "dynamodb_reserved_words.txt").read_text().split())


def is_content(body: str) -> bool:
    """Whether SQS accepts all characters of a body."""
    return _CONTENT.fullmatch(body) is not None


class Sqs(FakeClient):  # type: ignore[misc]
    """An SQS client in memory: `put` gets the queue's URL and each accepted entry.

    `failing` returns the ids of the entries in a batch that fail through a fault of AWS.
    """

    def __init__(
        self,
        put: Callable[[str, Mapping[str, Any]], object],
        failing: Callable[[Sequence[Mapping[str, Any]]], Container[str]] = lambda entries: (),
    ) -> None:
        self._put = put
        self._failing = failing

    def send_message_batch(
        self,
        QueueUrl: str,
        Entries: Sequence[Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        policies.check("SendMessageBatch", {"QueueUrl": QueueUrl})
        if code := refusal_of_batch(Entries):
            raise ClientError({"Error": {"Code": code}}, "SendMessageBatch")
        answer: dict[str, list[Mapping[str, Any]]] = {"Successful": [], "Failed": []}
        failing = self._failing(Entries)
        for entry in Entries:
            if entry["Id"] in failing:
                code = "ServiceUnavailable"
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": False, "Code": code})
            elif is_content(entry["MessageBody"]):
                self._put(QueueUrl, entry)
                answer["Successful"].append({"Id": entry["Id"]})
            else:
                code = "InvalidMessageContents"
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, "Code": code})
        return answer

    def change_message_visibility_batch(
        self, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        policies.check("ChangeMessageVisibilityBatch", {"QueueUrl": QueueUrl})
        assert 0 < len(Entries) == len({each["Id"] for each in Entries}) <= ENTRIES_LIMIT
        assert all(0 <= each["VisibilityTimeout"] <= VISIBILITY_LIMIT_S for each in Entries)
        return {"Successful": [{"Id": each["Id"]} for each in Entries]}
