"""Queues: accepted messages, and delays in a queue or in the Due table."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.base.errors import StoreUnavailable
from harkara.model.tasks import QueueName, RecoverTask, decode_dlr, task_id_of
from tests.support.limits import BATCH_LIMIT_BYTES
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

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
    return aws, SqsTaskQueues(aws.client, URLS, pause=lambda pause_s: None)


def requested_ids(aws: ScriptedAws) -> list[list[str]]:
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
    assert [len(request) for request in requested_ids(aws)] == calls
    bodies = [entry["MessageBody"] for _, params in aws.requests for entry in params["Entries"]]
    assert bodies == list(map(str, range(count)))


# ASCII, Hindi, emoji: a body's length counts in UTF-8.
bodies_of_any_size = st.lists(
    st.tuples(
        st.sampled_from(["x", "न", "😀"]),
        st.integers(1, BATCH_LIMIT_BYTES + 2) | st.sampled_from([1, 300_000, BATCH_LIMIT_BYTES]),
    ).map(lambda drawn: drawn[0] * max(1, drawn[1] // len(drawn[0].encode()))),
    max_size=25,
)


@given(bodies=bodies_of_any_size, group=st.sampled_from(["", "acme", "g" * 128]))
def test_what_is_too_long_for_a_queue_fails_alone(bodies: list[str], group: str) -> None:
    """SQS in the tests refuses a batch of more than 1 MiB or ten messages."""
    aws, tasks = queues(all_in)
    fits = [len(body.encode()) + len(group) <= BATCH_LIMIT_BYTES for body in bodies]
    assert tasks.send(QueueName.CALLBACK, bodies, group) == fits
    put = [entry["MessageBody"] for _, params in aws.requests for entry in params["Entries"]]
    assert put == [body for body, fit in zip(bodies, fits, strict=True) if fit]
    # No more calls than needed: two consecutive calls would not have fit into one.
    sizes = [sum(len(e["MessageBody"].encode()) for e in p["Entries"]) for _, p in aws.requests]
    counts = [len(params["Entries"]) for _, params in aws.requests]
    for at in range(len(sizes) - 1):
        first = len(aws.requests[at + 1][1]["Entries"][0]["MessageBody"].encode())
        more = (counts[at] + 1) * len(group)
        assert counts[at] == 10 or sizes[at] + first + more > BATCH_LIMIT_BYTES


@pytest.mark.parametrize(
    "code",
    [
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "InvalidMessageContents",
        "InvalidParameterValue",
    ],
)
def test_a_batch_that_is_refused_for_one_body_goes_without_it(code: str) -> None:
    def picky(operation: str, params: dict[str, Any]) -> Any:
        if any(entry["MessageBody"] == "bad" for entry in params["Entries"]):
            return Refusal(code)
        return all_in(operation, params)

    _, tasks = queues(picky)
    assert tasks.send(QueueName.CALLBACK, ["a", "bad", "b"]) == [True, False, True]
    with pytest.raises(StoreUnavailable):
        tasks.schedule(QueueName.CALLBACK, "bad", 5)


def test_only_what_failed_is_sent_again() -> None:
    aws, tasks = queues(sent("0", "2", failed=("1",)), sent("1"))
    assert tasks.send(QueueName.RECEIPT, ["a", "b", "c"]) == [True] * 3
    assert requested_ids(aws) == [["0", "1", "2"], ["1"]]
    assert aws.requests[1][1]["Entries"][0]["MessageBody"] == "b"


def test_what_fails_three_times_is_not_in() -> None:
    aws, tasks = queues(sent("0", failed=("1",)), sent(failed=("1",)))
    assert tasks.send(QueueName.RECEIPT, ["a", "b"]) == [True, False]
    assert requested_ids(aws) == [["0", "1"], ["1"], ["1"]]


def test_a_body_that_is_wrong_is_not_tried_again() -> None:
    aws, tasks = queues(sent("0", failed=("1",), sender_fault=True))
    assert tasks.send(QueueName.RECEIPT, ["a", "b"]) == [True, False]
    assert len(aws.requests) == 1


def test_received_messages_come_back_to_the_queue_that_they_came_from() -> None:
    aws, tasks = queues({"Successful": [{"Id": "0"}, {"Id": "1"}], "Failed": []})
    tasks.put_back("arn:aws:sqs:ap-south-1:1:callback", [("a", 25), ("b", 40)])
    entries = [
        {"Id": "0", "ReceiptHandle": "a", "VisibilityTimeout": 25},
        {"Id": "1", "ReceiptHandle": "b", "VisibilityTimeout": 40},
    ]
    request = {"QueueUrl": URLS[QueueName.CALLBACK], "Entries": entries}
    assert aws.requests == [("ChangeMessageVisibilityBatch", request)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(LOST, "EndpointConnectionError", id="lost"),
        pytest.param(Refusal("RequestThrottled"), "RequestThrottled", id="refused"),
        pytest.param(
            {
                "Successful": [],
                "Failed": [{"Id": "0", "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}],
            },
            "ReceiptHandleIsInvalid",
            id="one of them",
        ),
    ],
)
def test_what_cannot_be_put_back_is_told(answer: Answer, reason: str) -> None:
    _, tasks = queues(answer)
    with pytest.raises(StoreUnavailable, match=reason):
        tasks.put_back("arn:aws:sqs:ap-south-1:1:receipt", [("a", 25)])


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
    unused = ScriptedAws("dynamodb", {})
    table = DynamoDueTable(unused.client, "Due", lambda: NOW)
    SqsTaskQueues(aws.client, URLS, table).schedule(QueueName.SUBMIT, "body", delay_s, "acme")
    assert unused.requests == []
    (entry,) = aws.requests[0][1]["Entries"]
    assert entry.get("DelaySeconds") == in_queue_s
    assert entry["MessageGroupId"] == "acme"


def test_a_long_wait_goes_to_the_due_table() -> None:
    aws = ScriptedAws("dynamodb", {"Responses": [{}]})
    table = DynamoDueTable(aws.client, "Due", lambda: NOW)
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


@given(text=st.text(max_size=30), queue=st.sampled_from(QueueName))
def test_tasks_of_dlr_keep_their_id_when_sqs_moves_them(text: str, queue: QueueName) -> None:
    """A redrive sends the same body as another message."""
    aws, tasks = queues(all_in)
    task = RecoverTask(text, (1,))
    tasks.send(queue, [task.encode()])
    (entry,) = aws.requests[0][1]["Entries"]
    body = entry["MessageBody"]
    named = queue in (QueueName.RECEIPT, QueueName.CALLBACK)
    assert (task_id_of("first", body) == task_id_of("second", body)) is named
    assert decode_dlr(body) == task
    tasks.send(queue, [body])
    assert aws.requests[1][1]["Entries"][0]["MessageBody"] == body
