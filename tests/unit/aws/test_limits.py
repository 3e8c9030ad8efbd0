"""The items that count against limits: written only if unchanged since the read."""

from typing import Any

import pytest

from harkara.aws.limits import DynamoLimitStore
from harkara.base.errors import StoreUnavailable
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

NEW = "[1.5,0,20454,7]"
SEEN = "[0.5,0,20454,6]"


def swap(seen: str, answer: Answer) -> tuple[dict[str, Any], str | None]:
    aws = ScriptedAws("dynamodb", answer)
    existing = DynamoLimitStore(aws.client, "Messages").swap(
        "rate#acme#0", seen, NEW, 1_767_258_000
    )
    ((operation, request),) = aws.requests
    assert operation == "UpdateItem"
    return request, existing


@pytest.mark.parametrize(
    ("seen", "condition", "values"),
    [
        pytest.param("", "attribute_not_exists(#data)", {}, id="nothing seen"),
        pytest.param(SEEN, "#data = :seen", {":seen": {"S": SEEN}}, id="seen"),
    ],
)
def test_a_text_is_written_where_what_was_seen_stands(
    seen: str, condition: str, values: dict[str, Any]
) -> None:
    request, existing = swap(seen, {})
    assert existing is None
    assert request["Key"] == {"pk": {"S": "rate#acme#0"}, "sk": {"S": "rate"}}
    assert request["ConditionExpression"] == condition
    assert request["UpdateExpression"] == "SET #data = :new, #ttl = :ttl"
    assert request["ExpressionAttributeNames"] == {"#data": "data", "#ttl": "ttl"}
    assert request["ExpressionAttributeValues"] == {
        ":new": {"S": NEW},
        ":ttl": {"N": "1767258000"},
        **values,
    }


@pytest.mark.parametrize(
    ("fields", "existing"),
    [
        pytest.param({"Item": {"data": {"S": SEEN}}}, SEEN, id="another's"),
        pytest.param({}, "", id="expired meanwhile"),
    ],
)
def test_what_stands_instead_comes_back(fields: dict[str, Any], existing: str) -> None:
    refusal = Refusal("ConditionalCheckFailedException", **fields)
    request, found = swap("[0,0,0,1]", refusal)
    assert found == existing
    assert request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


@pytest.mark.parametrize("answer", [Refusal("ThrottlingException"), LOST])
def test_a_table_that_fails_is_unavailable(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws = ScriptedAws("dynamodb", answer)
    with pytest.raises(StoreUnavailable):
        DynamoLimitStore(aws.client, "Messages").swap("rate#acme#0", "", NEW, 1)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param({"Item": {"data": {"S": SEEN}}}, SEEN, id="something"),
        pytest.param({}, "", id="nothing"),
    ],
)
def test_what_stands_under_a_name_is_read(answer: Answer, text: str) -> None:
    aws = ScriptedAws("dynamodb", answer)
    assert DynamoLimitStore(aws.client, "Messages").get("breaker#sim") == text
    ((operation, request),) = aws.requests
    assert operation == "GetItem"
    assert request["Key"] == {"pk": {"S": "breaker#sim"}, "sk": {"S": "rate"}}
