"""The items with the last message to each number."""

import json
from typing import Any

import pytest

from harkara.aws.messages import DynamoLastMessages
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

NOW = 1_767_258_000.0
NUMBER = "919876543210"
MID = "101M80PKPVGTZQN98QP2VKS1J1800"


def last(*answers: Answer, key: bytes = b"key") -> tuple[DynamoLastMessages, ScriptedAws]:
    aws = ScriptedAws("dynamodb", *answers)
    store = DynamoLastMessages(
        aws.client, "Messages", ReferenceSigner(key), 100, lambda: NOW, lambda pause_s: None
    )
    return store, aws


def items(aws: ScriptedAws) -> list[list[dict[str, Any]]]:
    """Return the items of each call."""
    return [
        [put["PutRequest"]["Item"] for put in request["RequestItems"]["Messages"]]
        for operation, request in aws.requests
        if operation == "BatchWriteItem"
    ]


def test_a_message_is_noted_without_its_number() -> None:
    store, aws = last({})
    store.put("acme", {NUMBER: MID})
    (((item,),)) = items(aws)
    assert (item["mid"], item["ttl"], item["sk"]) == (
        {"S": MID},
        {"N": "1767258100"},
        {"S": "last"},
    )
    assert item["pk"]["S"].startswith("last#")
    assert NUMBER[2:] not in json.dumps(aws.requests)


def test_a_number_has_a_name_of_its_own_in_each_account_and_under_each_key() -> None:
    names = set()
    for key, account, number in (
        (b"key", "acme", NUMBER),
        (b"key", "other", NUMBER),
        (b"key", "acme", "919876543211"),
        (b"another", "acme", NUMBER),
        (b"key", "acm", f"e{NUMBER}"),
    ):
        store, aws = last({}, key=key)
        store.put(account, {number: MID})
        names.add(items(aws)[0][0]["pk"]["S"])
    assert len(names) == 5


def test_a_block_is_noted_25_numbers_a_call() -> None:
    store, aws = last({})
    store.put("acme", {str(number): MID for number in range(60)})
    assert [len(each) for each in items(aws)] == [25, 25, 10]


def test_nothing_is_written_of_no_messages() -> None:
    store, aws = last({})
    store.put("acme", {})
    assert aws.requests == []


def test_what_the_table_did_not_take_is_put_again() -> None:
    def half(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"UnprocessedItems": {"Messages": request["RequestItems"]["Messages"][1:]}}

    store, aws = last(half, {})
    store.put("acme", {"1": "a", "2": "b"})
    assert [[item["mid"]["S"] for item in each] for each in items(aws)] == [["a", "b"], ["b"]]


def test_a_table_that_stays_busy_is_unavailable() -> None:
    store, aws = last(lambda _, request: {"UnprocessedItems": request["RequestItems"]})
    with pytest.raises(StoreUnavailable, match="busy"):
        store.put("acme", {NUMBER: MID})
    assert len(aws.requests) > 6


def test_the_message_of_a_number_is_found_under_the_same_name() -> None:
    store, aws = last({}, {"Item": {"mid": {"S": MID}}})
    store.put("acme", {NUMBER: MID})
    assert store.find("acme", NUMBER) == MID
    operation, request = aws.requests[1]
    assert (operation, request["ConsistentRead"]) == ("GetItem", True)
    assert request["Key"] == {name: items(aws)[0][0][name] for name in ("pk", "sk")}


def test_a_number_without_a_message_has_none() -> None:
    store, _ = last({})
    assert store.find("acme", NUMBER) == ""


@pytest.mark.parametrize("answer", [LOST, Refusal("InternalServerError", 500)])
def test_an_error_of_aws_is_unavailable(answer: Answer) -> None:
    store, _ = last(answer)
    with pytest.raises(StoreUnavailable):
        store.find("acme", NUMBER)
    with pytest.raises(StoreUnavailable):
        store.put("acme", {NUMBER: MID})
