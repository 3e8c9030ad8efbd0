"""Dead letters of callbacks in the Messages table: ranges of sort keys, and removed rows."""

from typing import Any

import pytest

from harkara.aws.messages import DynamoDeadLetterStore, DynamoMessageStore
from harkara.base.errors import StoreUnavailable
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

KEYS = [("dead-letter#acme#main", f"{number:013d}#q.0") for number in range(30)]


def store(*answers: Answer) -> tuple[ScriptedAws, DynamoDeadLetterStore]:
    aws = ScriptedAws("dynamodb", *answers)
    messages = DynamoMessageStore(aws.client, "Messages", 1, lambda: 0)
    return aws, DynamoDeadLetterStore(aws.client, "Messages", messages, lambda: 0, lambda _: None)


def item(kind: str) -> dict[str, dict[str, Any]]:
    values = {
        "pk": "dead-letter#acme#main",
        "sk": kind,
        "task_id": "q",
        "worker_id": "h",
        "data": "{}",
    }
    return {**{name: {"S": value} for name, value in values.items()}, "expires_at_ms": {"N": "1"}}


def test_rows_between_two_keys_are_read_page_by_page_up_to_a_limit() -> None:
    last = {name: item("2#b")[name] for name in ("pk", "sk")}
    pages: list[Answer] = [
        {"Items": [item("2#a"), item("2#b")], "LastEvaluatedKey": last},
        {"Items": [item("3#a"), item("3#b")]},
    ]
    aws, parked = store(*pages)
    rows = parked.find("dead-letter#acme#main", "1", "4", 3)
    assert [row.kind for row in rows] == ["2#a", "2#b", "3#a"]
    assert aws.requests[0][1]["ExpressionAttributeValues"] == {
        ":pk": {"S": "dead-letter#acme#main"},
        ":after": {"S": "1\0"},
        ":before": {"S": "4"},
    }
    assert aws.requests[0][1]["ConsistentRead"] is True


def test_a_range_that_holds_nothing_is_not_asked_for() -> None:
    aws, parked = store({"Items": []})
    assert parked.find("dead-letter#acme#main", "4", "4", 3) == []
    assert aws.requests == []


def test_rows_are_taken_out_25_a_call_and_what_was_left_again() -> None:
    left = {"Messages": [{"DeleteRequest": {"Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}}]}
    aws, parked = store({}, {"UnprocessedItems": left}, {})
    parked.remove(KEYS)
    asked = [request["RequestItems"] for _, request in aws.requests]
    assert [len(each["Messages"]) for each in asked] == [25, 5, 1]
    assert asked[2] == left
    assert aws.operations == ["BatchWriteItem"] * 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(LOST, id="lost"),
        pytest.param(Refusal("ThrottlingException"), id="throttled"),
        pytest.param(
            {
                "UnprocessedItems": {
                    "Messages": [{"DeleteRequest": {"Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}}]
                }
            },
            id="left again and again",
        ),
    ],
)
def test_a_table_that_stays_busy_says_so(answer: Answer) -> None:
    _, parked = store(answer)
    with pytest.raises(StoreUnavailable):
        parked.remove(KEYS[:1])
