"""The items of timelines: extended despite other writes, replaced only if unchanged."""

from typing import Any

import pytest

from harkara.aws.limits import DynamoTimelineStore
from harkara.base.errors import StoreUnavailable
from harkara.state.stores import Extension, Timeline
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

NAME = "carrier-rate#sim#bulk#0"
NOW = 1_000_000
BY = Extension(now_us=NOW, width_us=10, idle_width_us=200, limit_us=NOW + 500)


def item(until: int, text: str | None = None) -> dict[str, Any]:
    data = {} if text is None else {"data": {"S": text}}
    return {"pk": {"S": NAME}, "sk": {"S": "timeline"}, "until": {"N": str(until)}, **data}


def written(until: int, text: str | None = None) -> dict[str, Any]:
    return {"Attributes": item(until, text)}


def refused(until: int | None = None, text: str | None = None) -> Refusal:
    fields: dict[str, Any] = {} if until is None else {"Item": item(until, text)}
    return Refusal("ConditionalCheckFailedException", **fields)


def extend(*answers: Answer, busy: bool) -> tuple[list[dict[str, Any]], tuple[Any, Timeline]]:
    aws = ScriptedAws("dynamodb", *answers)
    store = DynamoTimelineStore(aws.client, "Messages")
    result = store.extend(NAME, BY._replace(busy=busy), 99)
    assert all(operation == "UpdateItem" for operation, _ in aws.requests)
    return [request for _, request in aws.requests], result


def test_a_busy_line_is_extended_whatever_others_wrote() -> None:
    (request,), result = extend(written(NOW + 60, "a:1:2"), busy=True)
    assert result == (NOW + 50, Timeline(NOW + 60, "a:1:2"))
    assert request["Key"] == {"pk": {"S": NAME}, "sk": {"S": "timeline"}}
    assert request["UpdateExpression"] == "SET #until = #until + :until_width, #ttl = :ttl"
    assert request["ConditionExpression"] == "#until BETWEEN :until_now AND :until_limit"
    assert request["ExpressionAttributeNames"] == {"#until": "until", "#ttl": "ttl"}
    assert request["ExpressionAttributeValues"] == {
        ":until_width": {"N": "10"},
        ":until_now": {"N": str(NOW)},
        ":until_limit": {"N": str(NOW + 500)},
        ":ttl": {"N": "99"},
    }


def test_a_line_that_has_ended_begins_now() -> None:
    (request,), result = extend(written(NOW + 200), busy=False)
    assert result == (NOW, Timeline(NOW + 200))
    assert request["UpdateExpression"] == "SET #until = :until_end, #ttl = :ttl"
    assert request["ConditionExpression"] == "(attribute_not_exists(#until) OR #until < :until_now)"


@pytest.mark.parametrize(
    ("busy", "answers", "begins_us", "calls"),
    [
        pytest.param(True, [refused(NOW - 1), written(NOW + 200)], NOW, 2, id="it had ended"),
        pytest.param(True, [refused(), written(NOW + 200)], NOW, 2, id="it had expired"),
        pytest.param(False, [refused(NOW), written(NOW + 10)], NOW, 2, id="others were quicker"),
        pytest.param(True, [refused(NOW + 501)], None, 1, id="it ends too late"),
        pytest.param(False, [refused(NOW + 501)], None, 1, id="it ended no more"),
        pytest.param(True, [refused(NOW - 1), refused(NOW), refused(NOW - 1)], None, 3, id="both"),
    ],
)
def test_a_wrong_guess_costs_a_call(
    busy: bool, answers: list[Answer], begins_us: int | None, calls: int
) -> None:
    requests, result = extend(*answers, busy=busy)
    assert (result[0], len(requests)) == (begins_us, calls)


def swap(seen: Timeline, new: Timeline, answer: Answer) -> tuple[dict[str, Any], Timeline | None]:
    aws = ScriptedAws("dynamodb", answer)
    existing = DynamoTimelineStore(aws.client, "Messages").swap_timeline(NAME, seen, new, 99)
    ((_, request),) = aws.requests
    return request, existing


@pytest.mark.parametrize(
    ("seen", "new", "update", "condition"),
    [
        pytest.param(
            Timeline(5, "a"), Timeline(7, "b"),
            "SET #text = :new, #ttl = :ttl, #until = :until",
            "#text = :seen AND #until = :before",
            id="both",
        ),
        pytest.param(
            Timeline(5, "a"), Timeline(5, "b"),
            "SET #text = :new, #ttl = :ttl", "#text = :seen",
            id="the text",
        ),
        pytest.param(
            Timeline(5, ""), Timeline(7, "b"),
            "SET #text = :new, #ttl = :ttl, #until = :until",
            "(attribute_not_exists(#text) OR #text = :seen) AND #until = :before",
            id="no text yet",
        ),
        pytest.param(
            Timeline(), Timeline(7, "b"),
            "SET #text = :new, #ttl = :ttl, #until = :until",
            "(attribute_not_exists(#text) OR #text = :seen) AND attribute_not_exists(#until)",
            id="nothing yet",
        ),
    ],
)  # fmt: skip
def test_a_line_is_replaced_as_it_was_seen(
    seen: Timeline, new: Timeline, update: str, condition: str
) -> None:
    request, existing = swap(seen, new, written(new.until_us, new.text))
    assert existing is None
    assert (request["UpdateExpression"], request["ConditionExpression"]) == (update, condition)
    used = set(request["ExpressionAttributeValues"])
    assert used == {word.strip("(),") for word in f"{update} {condition}".split() if ":" in word}


@pytest.mark.parametrize(
    ("answer", "existing"),
    [
        pytest.param(refused(9, "c"), Timeline(9, "c"), id="another's"),
        pytest.param(refused(), Timeline(), id="expired meanwhile"),
    ],
)
def test_what_stands_instead_comes_back(answer: Refusal, existing: Timeline) -> None:
    assert swap(Timeline(5, "a"), Timeline(5, "b"), answer)[1] == existing


@pytest.mark.parametrize("answer", [Refusal("ThrottlingException"), LOST])
def test_a_table_that_fails_is_unavailable(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(StoreUnavailable):
        extend(answer, busy=True)


def test_lines_of_one_item_are_extended_together_and_one_that_ends_too_late_stops_all() -> None:
    day = Extension(now_us=7, width_us=3, idle_width_us=3, limit_us=10, busy=False)
    lines = {"requests": BY._replace(busy=True), "day": day}

    def counted(requests: int, day: int) -> dict[str, Any]:
        numbers = {"requests": {"N": str(requests)}, "day": {"N": str(day)}}
        return {"pk": {"S": NAME}, "sk": {"S": "timeline"}, "ttl": {"N": "9"}, **numbers}

    def refused(item: dict[str, Any]) -> Refusal:
        return Refusal("ConditionalCheckFailedException", Item=item)

    guess, seen = refused(counted(NOW + 50, 8)), {"Attributes": counted(NOW + 60, 11)}
    aws = ScriptedAws("dynamodb", guess, seen)
    answer = DynamoTimelineStore(aws.client, "Messages").extend_all("rate#acme#0", lines, 99)
    assert answer == ({"requests": NOW + 50, "day": 8}, {"requests": NOW + 60, "day": 11})
    first, second = (request for _, request in aws.requests)
    assert first["ConditionExpression"] == (
        "#requests BETWEEN :requests_now AND :requests_limit"
        " AND (attribute_not_exists(#day) OR #day < :day_now)"
    )
    assert second["UpdateExpression"] == (
        "SET #requests = #requests + :requests_width, #day = #day + :day_width, #ttl = :ttl"
    )
    aws = ScriptedAws("dynamodb", refused(counted(NOW + 50, 11)))
    answer = DynamoTimelineStore(aws.client, "Messages").extend_all("rate#acme#0", lines, 99)
    assert answer == ({}, {"requests": NOW + 50, "day": 11})


def test_lines_are_read_by_name_those_that_are_there() -> None:
    absent = NAME.replace("#0", "#1")
    aws = ScriptedAws("dynamodb", {"Responses": {"Messages": [item(NOW, "a:1:2")]}})
    found = DynamoTimelineStore(aws.client, "Messages").timelines([NAME, absent])
    assert found == {NAME: Timeline(NOW, "a:1:2")}
    ((operation, request),) = aws.requests
    assert operation == "BatchGetItem"
    keys = [each["pk"]["S"] for each in request["RequestItems"]["Messages"]["Keys"]]
    assert keys == [NAME, absent]
