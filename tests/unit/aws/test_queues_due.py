"""The Due table: the keys of waiting tasks, due tasks, and the positions of the cursors."""

from typing import Any

import pytest

from harkara.aws.queues import DELAY_LIMIT_S, DynamoDueTable
from harkara.base.errors import StoreUnavailable
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS, DueTask
from tests.support.dynamo import DUE, Dynamo
from tests.template.reading import functions, template
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

NOW = 1_767_258_000.0


def due(*answers: Answer) -> tuple[ScriptedAws, DynamoDueTable]:
    aws = ScriptedAws("dynamodb", *answers)
    return aws, DynamoDueTable(aws.client, "Due", lambda: NOW)


def put(body: str = "body", delay_s: float = 1800.5) -> dict[str, Any]:
    """Put a task; return the item."""
    aws, table = due({"Responses": [{}]})
    table.put(QueueName.SUBMIT, body, delay_s)
    (statement,) = aws.requests[0][1]["Statements"]
    assert statement["Statement"] == (
        "INSERT INTO \"Due\" VALUE {'pk':?,'sk':?,'queue':?,'body':?,'ttl':?}"
    )
    return dict(zip(("pk", "sk", "queue", "body", "ttl"), statement["Parameters"], strict=True))


def test_a_task_waits_under_its_time() -> None:
    item = put()
    time, _, digest = item["sk"]["S"].partition("#")
    assert time == "1767259800500"
    assert len(digest) == 16
    assert item["pk"]["S"] in {f"shard#{shard:02d}" for shard in range(SHARDS)}
    assert item["queue"] == {"S": "submit"}
    assert item["body"] == {"S": "body"}
    # It is kept beyond its due time: sweep may be late.
    assert item["ttl"] == {"N": str(1_767_258_000 + 1800 + 7 * 86_400)}


def test_the_same_task_at_the_same_time_is_one_row() -> None:
    assert put() == put()
    assert put("other")["sk"] != put()["sk"]
    assert put(delay_s=1801)["sk"] != put()["sk"]


def test_tasks_are_spread_over_all_shards() -> None:
    assert len({put(f"body {number}")["pk"]["S"] for number in range(200)}) == SHARDS


def test_a_row_that_stands_already_is_enough() -> None:
    aws, table = due({"Responses": [{"Error": {"Code": "DuplicateItem"}}]})
    table.put(QueueName.SUBMIT, "body", 1000)
    assert len(aws.requests) == 1


def key(time_ms: int, digest: str) -> str:
    return f"{time_ms:013d}#{digest}"


def row(sort_key: str) -> dict[str, Any]:
    return {
        "pk": {"S": "shard#03"},
        "sk": {"S": sort_key},
        "queue": {"S": "receipt"},
        "body": {"S": f"body of {sort_key}"},
        "ttl": {"N": "1"},
    }


def test_what_is_due_is_yielded_by_pages_and_read_consistently() -> None:
    keys = [key(time_ms, digest) for time_ms, digest in [(7, "a"), (7, "b"), (8, "a")]]
    last_key, later_key = ({"pk": {"S": "shard#03"}, "sk": {"S": each}} for each in keys[1:])
    aws, table = due(
        {"Items": [row(keys[0]), row(keys[1])], "LastEvaluatedKey": last_key},
        {"Items": [], "LastEvaluatedKey": later_key},
        {"Items": [row(keys[2])]},
    )
    tasks = [
        DueTask(each, due_ms, QueueName.RECEIPT, f"body of {each}")
        for each, due_ms in zip(keys, (7, 7, 8), strict=True)
    ]
    assert list(table.due(3, "", int(NOW * 1000))) == [tasks[:2], tasks[2:]]
    first, second, _ = (params for _, params in aws.requests)
    assert first["KeyConditionExpression"] == "pk = :pk AND sk BETWEEN :after AND :now"
    assert first["ExpressionAttributeValues"][":pk"] == {"S": "shard#03"}
    assert first["Limit"] == 100
    assert first["ConsistentRead"] is True
    assert second["ExclusiveStartKey"] == last_key


def bounds(after: str, now_ms: int) -> tuple[str, str]:
    """Return the first and the last sort key of the range that is read."""
    aws, table = due({"Items": []})
    assert list(table.due(0, after, now_ms)) == []
    values = aws.requests[0][1]["ExpressionAttributeValues"]
    return values[":after"]["S"], values[":now"]["S"]


@pytest.mark.parametrize(
    ("delay_s", "is_due"),
    [
        pytest.param(0, True, id="this millisecond"),
        pytest.param(-1, True, id="before"),
        pytest.param(0.001, False, id="the next millisecond"),
        pytest.param(3600, False, id="later"),
    ],
)
def test_a_row_is_due_from_its_millisecond_on(delay_s: float, is_due: bool) -> None:
    after, until = bounds("", int(NOW * 1000))
    assert (after <= put(delay_s=delay_s)["sk"]["S"] <= until) is is_due


@pytest.mark.parametrize(
    ("sort_key", "is_beyond"),
    [
        pytest.param(key(7, "0123456789abcdee"), False, id="before it"),
        pytest.param(key(7, "0123456789abcdef"), False, id="the one it stands at"),
        pytest.param(key(7, "0123456789abcdf0"), True, id="the next of the same time"),
        pytest.param(key(8, "0000000000000000"), True, id="of a later time"),
    ],
)
def test_rows_beyond_the_cursor_are_read(sort_key: str, is_beyond: bool) -> None:
    after, until = bounds(key(7, "0123456789abcdef"), 10)
    assert (after <= sort_key <= until) is is_beyond


@pytest.mark.parametrize("behind_ms", [1, 2, 60_000])
def test_a_run_whose_clock_is_behind_another_finds_nothing(behind_ms: int) -> None:
    """DynamoDB refuses a BETWEEN that ends before it begins."""
    dynamo = Dynamo()
    table = DynamoDueTable(dynamo, DUE, lambda: NOW)
    table.put(QueueName.SUBMIT, "body", 0)
    reached = key(int(NOW * 1000), "f" * 16)
    for shard in range(SHARDS):
        assert list(table.due(shard, reached, int(NOW * 1000) - behind_ms)) == []


def test_the_cursors_of_all_shards_are_one_item_read_consistently() -> None:
    item = {"pk": {"S": "cursor"}, "sk": {"S": "cursor"}, "shard#03": {"S": key(7, "a")}}
    aws, table = due({"Item": item}, {})
    assert table.cursors() == {3: key(7, "a")}
    assert table.cursors() == {}
    assert aws.requests[0][1]["Key"] == {"pk": {"S": "cursor"}, "sk": {"S": "cursor"}}
    assert aws.requests[0][1]["ConsistentRead"] is True


def test_a_cursor_is_moved_on_and_never_back() -> None:
    aws, table = due({}, Refusal("ConditionalCheckFailedException"))
    assert [table.move(3, key(7, "a")), table.move(3, key(6, "a"))] == [True, False]
    _, params = aws.requests[0]
    assert params["Key"] == {"pk": {"S": "cursor"}, "sk": {"S": "cursor"}}
    assert params["UpdateExpression"] == "SET #shard = :reached"
    # The same position may be written again: the first answer may be lost.
    assert params["ConditionExpression"] == "attribute_not_exists(#shard) OR #shard <= :reached"
    assert params["ExpressionAttributeNames"] == {"#shard": "shard#03"}
    assert params["ExpressionAttributeValues"] == {":reached": {"S": key(7, "a")}}


def test_rows_are_in_place_ten_minutes_before_any_cursor_could_pass_them() -> None:
    longest_s = max(template()["Parameters"]["BatchTimeoutSeconds"]["AllowedValues"])
    timeouts = [each["Timeout"] for each in functions().values()]
    assert max([longest_s, *(each for each in timeouts if isinstance(each, int))]) == longest_s
    assert DELAY_LIMIT_S - longest_s >= 600


@pytest.mark.parametrize("failure", [Refusal("ThrottlingException"), LOST])
def test_a_failing_due_table_is_an_unavailable_store(failure: Exception) -> None:
    _, table = due(failure)
    with pytest.raises(StoreUnavailable):
        table.put(QueueName.SUBMIT, "body", 1000)
    with pytest.raises(StoreUnavailable):
        table.cursors()
    with pytest.raises(StoreUnavailable):
        list(table.due(0, "", 1))
    with pytest.raises(StoreUnavailable):
        table.move(0, "a")
