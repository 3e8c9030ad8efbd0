"""Queues and the Due table: what is in, what waits where, what is deleted."""

from typing import Any

import pytest

from harkara.aws.due import DynamoDueTable
from harkara.aws.queues import SqsTaskQueues
from harkara.errors import StoreUnavailable
from harkara.ports import DueTask
from harkara.services.sweep import SHARDS
from harkara.tasks import QueueName
from tests.unit.aws import LOST, Answer, Refusal, ScriptedAws

NOW = 1_767_258_000.0
URLS = {queue: f"https://sqs.ap-south-1.amazonaws.com/1/{queue}" for queue in QueueName}


def all_in(_: str, params: dict[str, Any]) -> dict[str, Any]:
    return sent(*[entry["Id"] for entry in params["Entries"]])


def sent(*ids: str, failed: tuple[str, ...] = (), sender_fault: bool = False) -> dict[str, Any]:
    return {
        "Successful": [{"Id": at, "MessageId": "m", "MD5OfMessageBody": "d"} for at in ids],
        "Failed": [{"Id": at, "SenderFault": sender_fault, "Code": "x"} for at in failed],
    }


def queues(*answers: Answer) -> tuple[ScriptedAws, SqsTaskQueues]:
    aws = ScriptedAws("sqs", *answers)
    return aws, SqsTaskQueues(aws.client, URLS)


def ids_asked(aws: ScriptedAws) -> list[list[str]]:
    return [[entry["Id"] for entry in params["Entries"]] for _, params in aws.requests]


def test_a_body_is_put_in_its_queue_under_its_group() -> None:
    aws, tasks = queues(all_in)
    assert tasks.send(QueueName.SUBMIT_PRIORITY, ["body"], "acme") == [True]
    assert aws.requests == [
        (
            "SendMessageBatch",
            {
                "QueueUrl": URLS[QueueName.SUBMIT_PRIORITY],
                "Entries": [{"Id": "0", "MessageBody": "body", "MessageGroupId": "acme"}],
            },
        )
    ]


def test_without_a_group_none_is_named() -> None:
    aws, tasks = queues(all_in)
    tasks.send(QueueName.RECEIPT, ["body"])
    assert aws.requests[0][1]["Entries"] == [{"Id": "0", "MessageBody": "body"}]


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (10, [10]), (21, [10, 10, 1])])
def test_ten_bodies_go_in_a_call(count: int, calls: list[int]) -> None:
    aws, tasks = queues(all_in)
    assert tasks.send(QueueName.RECEIPT, list(map(str, range(count)))) == [True] * count
    assert [len(asked) for asked in ids_asked(aws)] == calls
    bodies = [entry["MessageBody"] for _, params in aws.requests for entry in params["Entries"]]
    assert bodies == list(map(str, range(count)))


def test_only_what_failed_is_sent_again() -> None:
    aws, tasks = queues(sent("0", "2", failed=("1",)), sent("1"))
    assert tasks.send(QueueName.RECEIPT, ["a", "b", "c"]) == [True] * 3
    assert ids_asked(aws) == [["0", "1", "2"], ["1"]]
    assert aws.requests[1][1]["Entries"][0]["MessageBody"] == "b"


def test_what_fails_three_times_is_not_in() -> None:
    aws, tasks = queues(sent("0", failed=("1",)), sent(failed=("1",), sender_fault=True))
    assert tasks.send(QueueName.RECEIPT, ["a", "b"]) == [True, False]
    assert len(aws.requests) == 3


def test_places_are_told_over_all_calls() -> None:
    _, tasks = queues(all_in, sent("10", failed=("11",)), sent(failed=("11",)))
    assert tasks.send(QueueName.RECEIPT, ["x"] * 12) == [True] * 11 + [False]


@pytest.mark.parametrize("failure", [Refusal("RequestThrottled"), LOST])
def test_a_failed_call_is_an_unavailable_store(failure: Exception) -> None:
    _, tasks = queues(failure)
    with pytest.raises(StoreUnavailable):
        tasks.send(QueueName.RECEIPT, ["a"])
    with pytest.raises(StoreUnavailable):
        tasks.schedule(QueueName.RECEIPT, "a", 5)


@pytest.mark.parametrize(
    ("delay_s", "in_queue_s"),
    [
        pytest.param(0, None, id="at once"),
        pytest.param(0.2, 1, id="never too early"),
        pytest.param(5, 5, id="seconds"),
        pytest.param(899.1, 900, id="nearly a quarter of an hour"),
        pytest.param(900, 900, id="a quarter of an hour"),
    ],
)
def test_a_short_wait_is_a_delay_in_the_queue(delay_s: float, in_queue_s: int | None) -> None:
    aws = ScriptedAws("sqs", all_in)
    unused, table = due({})
    SqsTaskQueues(aws.client, URLS, table).schedule(QueueName.SUBMIT, "body", delay_s, "acme")
    assert unused.requests == []
    (entry,) = aws.requests[0][1]["Entries"]
    assert entry.get("DelaySeconds") == in_queue_s
    assert entry["MessageGroupId"] == "acme"


def test_a_long_wait_goes_to_the_due_table() -> None:
    aws, table = due({"Responses": [{}]})
    sqs = ScriptedAws("sqs", all_in)
    SqsTaskQueues(sqs.client, URLS, table).schedule(QueueName.SUBMIT, "body", 900.5)
    assert sqs.requests == []
    assert aws.operations == ["BatchExecuteStatement"]


def test_without_a_due_table_a_long_wait_is_as_long_as_can_be() -> None:
    aws, tasks = queues(all_in)
    tasks.schedule(QueueName.SUBMIT, "body", 7200)
    assert aws.requests[0][1]["Entries"][0]["DelaySeconds"] == 900


def test_what_a_queue_does_not_take_is_not_scheduled() -> None:
    _, tasks = queues(sent(failed=("0",)))
    with pytest.raises(StoreUnavailable, match="submit queue"):
        tasks.schedule(QueueName.SUBMIT, "body", 5)


# The Due table


def due(*answers: Answer, retention_s: int = 100) -> tuple[ScriptedAws, DynamoDueTable]:
    aws = ScriptedAws("dynamodb", *answers)
    return aws, DynamoDueTable(aws.client, "Due", lambda: NOW, retention_s)


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
    # It outlives its time by the retention: sweep may be late.
    assert item["ttl"] == {"N": str(1_767_258_000 + 1800 + 100)}


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


def row(sort_key: str) -> dict[str, Any]:
    return {
        "pk": {"S": "shard#03"},
        "sk": {"S": sort_key},
        "queue": {"S": "receipt"},
        "body": {"S": f"body of {sort_key}"},
        "ttl": {"N": "1"},
    }


def task(sort_key: str) -> DueTask:
    return DueTask("shard#03", sort_key, QueueName.RECEIPT, f"body of {sort_key}")


def test_what_is_due_is_yielded_by_pages() -> None:
    last_key, later_key = ({"pk": {"S": "shard#03"}, "sk": {"S": key}} for key in "bc")
    aws, table = due(
        {"Items": [row("a"), row("b")], "LastEvaluatedKey": last_key},
        {"Items": [], "LastEvaluatedKey": later_key},
        {"Items": [row("d")]},
    )
    assert list(table.due(3, 1_767_258_000_000)) == [[task("a"), task("b")], [task("d")]]
    first, second, _ = (params for _, params in aws.requests)
    assert first["KeyConditionExpression"] == "pk = :pk AND sk < :now"
    assert first["ExpressionAttributeValues"][":pk"] == {"S": "shard#03"}
    assert first["Limit"] == 100
    assert second["ExclusiveStartKey"] == last_key


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
    aws, table = due({"Items": []})
    assert list(table.due(0, int(NOW * 1000))) == []
    until = aws.requests[0][1]["ExpressionAttributeValues"][":now"]["S"]
    assert (put(delay_s=delay_s)["sk"]["S"] < until) is is_due


def test_rows_are_deleted_25_a_call() -> None:
    aws, table = due({"UnprocessedItems": {}})
    table.delete([task(str(number)) for number in range(30)])
    sizes = [len(params["RequestItems"]["Due"]) for _, params in aws.requests]
    assert sizes == [25, 5]
    assert aws.requests[0][1]["RequestItems"]["Due"][0] == {
        "DeleteRequest": {"Key": {"pk": {"S": "shard#03"}, "sk": {"S": "0"}}}
    }


def test_no_rows_are_no_call() -> None:
    aws, table = due({})
    table.delete([])
    assert aws.requests == []


@pytest.mark.parametrize("failure", [Refusal("ThrottlingException"), LOST])
def test_a_failing_due_table_is_an_unavailable_store(failure: Exception) -> None:
    _, table = due(failure)
    with pytest.raises(StoreUnavailable):
        table.put(QueueName.SUBMIT, "body", 1000)
    with pytest.raises(StoreUnavailable):
        list(table.due(0, 1))
    with pytest.raises(StoreUnavailable):
        table.delete([task("a")])
