"""Refusals and paging of the in-memory AWS, as AWS documents them (`tests.support.limits`)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.table import Table
from tests.support.caprices import DAY_S, LATE_S, Caprices
from tests.support.dynamo import ACCOUNTS, DUE, MESSAGES, Dynamo
from tests.support.limits import ITEM_LIMIT_BYTES, Sqs, refusal_of

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def item(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"pk": {"S": "a"}, "sk": {"S": f"{number:04d}"}, **fields}


def keyed(partition: str, sort_key: str) -> dict[str, Any]:
    return {"TableName": MESSAGES, "Key": {"pk": {"S": partition}, "sk": {"S": sort_key}}}


def update(expression: str, names: Sequence[str] = (), values: Sequence[str] = ()) -> Any:
    return {
        "TableName": MESSAGES,
        "Key": KEY,
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {name: name[1:] for name in names},
        "ExpressionAttributeValues": {value: {"N": "1"} for value in values},
    }


def writes(count: int, size: int = 0) -> Any:
    rows = [item(number, x={"S": "x" * size}) for number in range(count)]
    return {"RequestItems": {MESSAGES: [{"PutRequest": {"Item": row}} for row in rows]}}


def puts(count: int, size: int) -> Any:
    rows = [item(number, x={"S": "x" * size}) for number in range(count)]
    return {"TransactItems": [{"Put": {"TableName": MESSAGES, "Item": row}} for row in rows]}


def reads(*numbers: int) -> Any:
    return {"RequestItems": {MESSAGES: {"Keys": [item(number) for number in numbers]}}}


def inserts(count: int) -> Any:
    statement = f"INSERT INTO \"{MESSAGES}\" VALUE {{'pk':?,'sk':?}}"
    rows = [{"Statement": statement, "Parameters": list(item(n).values())} for n in range(count)]
    return {"Statements": rows}


def actions(count: int) -> Any:
    return {
        "TransactItems": [{"Delete": {"TableName": MESSAGES, "Key": item(n)}} for n in range(count)]
    }


def entries(**fields: Any) -> Any:
    return {"Entries": [{"Id": "0", "MessageBody": "body", **fields}]}


def put(**fields: Any) -> Any:
    return {"TableName": MESSAGES, "Item": item(**fields)}


TAKEN = [
    ("GetItem", keyed("p" * 2_048, "s" * 1_024)),
    ("UpdateItem", update("SET #ttl = :t ADD version_at :t", ["#ttl"], [":t"])),
    ("UpdateItem", update("ADD sent :t", [], [":t"])),
    ("BatchWriteItem", writes(25)),
    ("BatchGetItem", reads(*range(100))),
    ("BatchExecuteStatement", inserts(25)),
    ("TransactWriteItems", actions(100)),
    ("TransactWriteItems", puts(10, ITEM_LIMIT_BYTES - 50)),
    ("TransactWriteItems", puts(100, 40_000)),
    ("BatchWriteItem", writes(25, ITEM_LIMIT_BYTES - 50)),
    ("PutItem", put(n={"N": "9" * 38})),
    ("PutItem", put(empty={"S": ""})),
    ("PutItem", put(x={"S": "x" * (ITEM_LIMIT_BYTES - 10)})),
    ("SendMessageBatch", entries(DelaySeconds=900)),
]
REFUSED = [
    ("GetItem", keyed("", "s")),
    ("GetItem", keyed("p", "")),
    ("GetItem", keyed("p" * 2_049, "s")),
    ("GetItem", keyed("p", "\u0905" * 342)),
    ("UpdateItem", update("SET ttl = :t", [], [":t"])),
    ("UpdateItem", update("SET Owner = :t", [], [":t"])),
    ("UpdateItem", update("SET #ttl = :t", ["#ttl", "#data"], [":t"])),
    ("UpdateItem", update("SET #ttl = :t", ["#ttl"], [":t", ":unused"])),
    ("UpdateItem", update("SET #ttl = :t", [], [":t"])),
    ("BatchWriteItem", writes(26)),
    ("BatchWriteItem", {"RequestItems": {MESSAGES: writes(1)["RequestItems"][MESSAGES] * 2}}),
    ("BatchGetItem", reads(*range(101))),
    ("BatchGetItem", reads(1, 1)),
    ("BatchGetItem", reads()),
    ("BatchExecuteStatement", inserts(26)),
    ("TransactWriteItems", actions(101)),
    ("TransactWriteItems", puts(11, ITEM_LIMIT_BYTES - 50)),
    ("TransactWriteItems", puts(100, 42_000)),
    ("PutItem", put(n={"N": "9" * 39})),
    ("PutItem", put(n={"N": "nan"})),
    ("PutItem", put(x={"S": "x" * ITEM_LIMIT_BYTES})),
    ("SendMessageBatch", entries(DelaySeconds=901)),
    ("SendMessageBatch", entries(DelaySeconds=-1)),
    ("SendMessageBatch", entries(Id="a.b")),
    ("SendMessageBatch", entries(MessageGroupId="a b")),
    ("SendMessageBatch", {"Entries": []}),
]


@pytest.mark.parametrize(("operation", "params"), TAKEN)
def test_what_aws_takes_is_taken(operation: str, params: Mapping[str, Any]) -> None:
    assert refusal_of(operation, params) == ""


@pytest.mark.parametrize(("operation", "params"), REFUSED)
def test_what_aws_refuses_is_refused(operation: str, params: Mapping[str, Any]) -> None:
    assert refusal_of(operation, params)


def query(dynamo: Dynamo, **fields: Any) -> Mapping[str, Any]:
    return dynamo.query(
        TableName=MESSAGES,
        KeyConditionExpression="pk = :pk AND sk BETWEEN :from AND :to",
        ExpressionAttributeValues={
            ":pk": {"S": "a"},
            ":from": {"S": "0000"},
            ":to": {"S": "0008"},
        },
        **fields,
    )


def filled(count: int, size: int) -> Dynamo:
    dynamo = Dynamo()
    for number in range(count):
        row = item(number, x={"S": "x" * size})
        dynamo.put_item(TableName=MESSAGES, Item=row)
    return dynamo


def test_a_page_ends_with_the_item_that_passes_1_mb() -> None:
    page = query(filled(4, ITEM_LIMIT_BYTES - 10))
    assert len(page["Items"]) == 3  # 1.2 MB
    assert page["LastEvaluatedKey"] == item(2)


def test_a_full_page_has_a_last_key_though_nothing_follows() -> None:
    dynamo = filled(3, ITEM_LIMIT_BYTES - 10)
    page = query(dynamo)
    assert len(page["Items"]) == 3
    assert query(dynamo, ExclusiveStartKey=page["LastEvaluatedKey"]) == {"Items": []}
    assert "LastEvaluatedKey" in query(filled(2, 1), Limit=2)
    assert "LastEvaluatedKey" not in query(filled(2, 1), Limit=3)


@pytest.mark.parametrize(("first", "last"), [("0009", "0000"), ("b", "a")])
def test_a_range_that_ends_before_it_begins_is_refused(first: str, last: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        Dynamo().query(
            TableName=MESSAGES,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :from AND :to",
            ExpressionAttributeValues={
                ":pk": {"S": "a"},
                ":from": {"S": first},
                ":to": {"S": last},
            },
        )


@pytest.mark.parametrize(
    "start", [item(9), {"pk": {"S": "b"}, "sk": {"S": "0001"}}], ids=["range", "partition"]
)
def test_a_start_key_outside_the_querys_condition_is_refused(start: Mapping[str, Any]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        query(filled(1, 1), ExclusiveStartKey=start)


def test_a_statement_of_a_batch_fails_alone() -> None:
    dynamo = filled(1, 1)
    rows = [item(0), item(1), item(2, x={"S": "x" * ITEM_LIMIT_BYTES})]
    insert = Table(dynamo, MESSAGES)._insert_of
    answer = dynamo.batch_execute_statement(Statements=[insert(each) for each in rows])
    codes = [each.get("Error", {}).get("Code") for each in answer["Responses"]]
    assert codes == ["DuplicateItem", None, "ValidationError"]
    assert ("a", "0001") in dynamo.tables[MESSAGES].items


def test_tables_are_apart() -> None:
    dynamo = Dynamo()
    for table in (ACCOUNTS, DUE):
        dynamo.put_item(TableName=table, Item=item())
    assert not dynamo.tables[MESSAGES].items


@given(seed=st.integers(0, 10**6))
def test_what_has_expired_is_deleted_some_days_late_each_item_at_its_own_time(seed: int) -> None:
    """Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB"."""
    now_s = 5.0
    dynamo = Dynamo(lambda: now_s, seed)
    for number in range(9):
        dynamo.put_item(TableName=MESSAGES, Item=item(number, ttl={"N": "5"}))
    assert len(query(dynamo, ConsistentRead=True)["Items"]) == 9
    left = 9
    for day in range(LATE_S // DAY_S + 1):
        now_s = 5.1 + day * DAY_S
        found = query(dynamo, ConsistentRead=True)["Items"]
        assert len(found) <= left, "what is deleted stays so"
        left = len(found)
    assert left == 0


def test_what_has_expired_may_go_at_once_or_stay() -> None:
    now_s, lefts = 5.0, set()
    for seed in range(9):
        dynamo = Dynamo(lambda: now_s, seed)
        dynamo.put_item(TableName=MESSAGES, Item=item(ttl={"N": "4"}))
        lefts.add(len(query(dynamo, ConsistentRead=True)["Items"]))
    assert lefts == {0, 1}


@pytest.mark.parametrize("operation", ["BatchWriteItem", "BatchGetItem", "BatchExecuteStatement"])
def test_a_batch_may_be_done_in_part_and_says_what_remains(operation: str) -> None:
    """Amazon DynamoDB API Reference, of these three: one is done at least, or the call fails."""
    request = {"BatchWriteItem": writes, "BatchExecuteStatement": inserts}.get(operation)
    remained = set()
    for seed in range(1, 60):
        dynamo = Dynamo(seed=seed)
        answer = dynamo.answer(operation, request(3) if request else reads(0, 1, 2))
        errors = [each for each in answer.get("Responses", ()) if "Error" in each]
        writes_left = answer.get("UnprocessedItems", {}).get(MESSAGES, ())
        keys_left = answer.get("UnprocessedKeys", {}).get(MESSAGES, {}).get("Keys", ())
        left = len([*writes_left, *keys_left, *errors])
        assert not request or len(dynamo.tables[MESSAGES].items) == 3 - left
        remained.add(left)
    assert remained == {0, 1, 2}


def test_a_queue_may_take_a_batch_in_part() -> None:
    """Amazon SQS API Reference, SendMessageBatch."""
    taken = list[str]()
    sqs = Sqs(lambda _, entry: taken.append(entry["Id"]), lambda entries: {"1"})
    request = [{"Id": str(number), "MessageBody": "body"} for number in range(3)]
    answer = sqs.send_message_batch(QueueUrl="queue", Entries=request)
    assert taken == [each["Id"] for each in answer["Successful"]] == ["0", "2"]
    assert [(each["Id"], each["SenderFault"]) for each in answer["Failed"]] == [("1", False)]


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "Query"])
def test_a_read_that_is_not_consistent_may_miss_the_last_write_for_a_moment(operation: str) -> None:
    """Amazon DynamoDB Developer Guide, "DynamoDB read consistency"."""
    seen = {consistent: set[str]() for consistent in (True, False)}
    for seed in range(1, 40):
        now_s = 0.0
        dynamo = Dynamo(lambda: now_s, seed)  # noqa: B023 - it is called in this round only
        for value in "12":
            now_s += 2
            dynamo.put_item(TableName=MESSAGES, Item=item(x={"S": value}))
        for consistent in (True, False):
            seen[consistent].add(read_one(dynamo, operation, consistent))
        now_s += 1
        assert read_one(dynamo, operation, False) == "2"
    assert seen == {True: {"2"}, False: {"1", "2"}}


def read_one(dynamo: Dynamo, operation: str, consistent: bool) -> str:
    read = {"ConsistentRead": consistent}
    match operation:
        case "GetItem":
            found = dynamo.get_item(TableName=MESSAGES, Key=item(), **read)["Item"]
        case "BatchGetItem":
            request = {MESSAGES: {"Keys": [item()], **read}}
            (found,) = dynamo.batch_get_item(RequestItems=request)["Responses"][MESSAGES]
        case _:
            (found,) = query(dynamo, **read)["Items"]
    return str(found["x"]["S"])


def test_a_batch_of_keys_gets_16_mb_and_says_which_remain() -> None:
    """Amazon DynamoDB API Reference, BatchGetItem: 50 items of 300 KB are "15 MB"."""
    dynamo = filled(100, ITEM_LIMIT_BYTES - 50)
    first = dynamo.batch_get_item(**reads(*range(100)))
    assert len(first["Responses"][MESSAGES]) == 40
    assert first["UnprocessedKeys"] == reads(*range(40, 100))["RequestItems"]
    for seed in range(1, 20):
        dynamo.caprices = dynamo.tables[MESSAGES].caprices = Caprices(seed)
        request, found = reads(*range(100))["RequestItems"], list[Any]()
        while request:
            answer = dynamo.batch_get_item(RequestItems=request)
            found += answer["Responses"][MESSAGES]
            request = answer.get("UnprocessedKeys", {})
        assert [each["sk"] for each in found] == [item(number)["sk"] for number in range(100)]
