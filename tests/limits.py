"""What AWS takes at most, as its documents say: the tests' world refuses what is beyond.

Amazon SQS API Reference, SendMessageBatch: ten messages; "the maximum allowed individual message
size and the maximum total payload size [...] are both 1 MiB". Amazon DynamoDB Developer Guide,
"Quotas in Amazon DynamoDB": an item has 400 KB, names of attributes included. "Query": a page ends
with the item that reaches 1 MB, so it may pass that by an item. API Reference: 25 statements in
BatchExecuteStatement, 25 requests in BatchWriteItem, 100 keys in BatchGetItem.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

BATCH_LIMIT_BYTES = MESSAGE_LIMIT_BYTES = 1024 * 1024
ENTRIES_LIMIT = 10
ITEM_LIMIT_BYTES = 400 * 1024
PAGE_LIMIT_BYTES = 1024 * 1024
STATEMENTS_LIMIT = 25
WRITES_LIMIT = 25
KEYS_LIMIT = 100

T = TypeVar("T")

# #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF
_CONTENT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_GROUP = re.compile(r"[!-~]{1,128}")


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return how large DynamoDB takes an item to be: names and values, in UTF-8."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


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
    """Yield rows by pages of so many, each ended by the row that reaches a page's bytes."""
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
    """Return the code by which SQS refuses a batch of messages; empty where it does not."""
    if not 0 < len(entries) <= ENTRIES_LIMIT:
        return "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    if len({entry["Id"] for entry in entries}) < len(entries):
        return "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    if any(not _GROUP.fullmatch(entry.get("MessageGroupId", "g")) for entry in entries):
        return "InvalidParameterValue"
    if sum(len(entry["MessageBody"].encode()) for entry in entries) > BATCH_LIMIT_BYTES:
        return "AWS.SimpleQueueService.BatchRequestTooLong"
    return ""


def refusal_of(operation: str, params: Mapping[str, Any]) -> str:
    """Return the code by which AWS refuses a call for its size; empty where it does not."""
    match operation:
        case "SendMessageBatch":
            return refusal_of_batch(params["Entries"])
        case "BatchExecuteStatement":
            many = len(params["Statements"]) > STATEMENTS_LIMIT
            items = [_inserted(statement) for statement in params["Statements"]]
        case "BatchWriteItem":
            writes = [each for table in params["RequestItems"].values() for each in table]
            many = len(writes) > WRITES_LIMIT
            items = [each["PutRequest"]["Item"] for each in writes if "PutRequest" in each]
        case "BatchGetItem":
            keys = [key for table in params["RequestItems"].values() for key in table["Keys"]]
            many, items = len(keys) > KEYS_LIMIT, []
        case "PutItem":
            many, items = False, [params["Item"]]
        case _:
            return ""
    beyond = many or any(item_bytes(item) > ITEM_LIMIT_BYTES for item in items)
    return "ValidationException" if beyond else ""


def _inserted(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the item of a statement `INSERT INTO "table" VALUE {'name':?,...}`."""
    names = re.findall(r"'(\w+)':\?", statement["Statement"])
    return dict(zip(names, statement.get("Parameters", ()), strict=False))


def is_content(body: str) -> bool:
    """Whether SQS takes a body's characters."""
    return _CONTENT.fullmatch(body) is not None


class Sqs:
    """A client of SQS in memory: `put` gets the queue's URL and the entry of what is taken."""

    def __init__(self, put: Callable[[str, Mapping[str, Any]], object]) -> None:
        self._put = put

    def send_message_batch(
        self,
        QueueUrl: str,
        Entries: Sequence[Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        if code := refusal_of_batch(Entries):
            raise ClientError({"Error": {"Code": code}}, "SendMessageBatch")
        answer: dict[str, list[Mapping[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in Entries:
            if is_content(entry["MessageBody"]):
                self._put(QueueUrl, entry)
                answer["Successful"].append({"Id": entry["Id"]})
            else:
                code = "InvalidMessageContents"
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, "Code": code})
        return answer
