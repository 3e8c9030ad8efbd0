"""The table: errors inside a 200 answer, the length of retries, and writes over an item."""

from typing import Any

import pytest

from harkara.aws.clients import aws_errors
from harkara.aws.table import CHANGES, WRITE_BATCH, Table
from harkara.base.errors import StoreUnavailable
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws


def responses(*codes: str | None) -> dict[str, Any]:
    """Return an answer with a response for each statement."""
    return {
        "Responses": [
            {"Error": {"Code": code, "Message": "919876543210"}}
            if code
            else {"TableName": "Messages-1"}
            for code in codes
        ]
    }


def in_place(_: str, params: dict[str, Any]) -> dict[str, Any]:
    """Answer that all statements succeeded."""
    return responses(*[None] * len(params["Statements"]))


class Inserting:
    """A table, its client, and its pauses."""

    def __init__(self, *answers: Answer) -> None:
        self.aws = ScriptedAws("dynamodb", *answers)
        self.pauses: list[float] = []
        self.table = Table(self.aws.client, "Messages-1", self.pauses.append)

    def insert(self, count: int) -> list[int]:
        return self.table.put_if_absent([item(number) for number in range(count)])

    def request(self) -> list[list[str]]:
        """Return the sort keys in each call."""
        return [
            [statement["Parameters"][1]["S"] for statement in params["Statements"]]
            for _, params in self.aws.requests
        ]


def item(number: int) -> dict[str, dict[str, Any]]:
    return {"pk": {"S": "batch"}, "sk": {"S": str(number)}, "packed": {"B": b"\x01"}}


def test_an_item_is_put_by_a_statement_with_parameters() -> None:
    inserting = Inserting(in_place)
    assert inserting.insert(1) == []
    assert inserting.aws.requests == [
        (
            "BatchExecuteStatement",
            {
                "Statements": [
                    {
                        "Statement": "INSERT INTO \"Messages-1\" VALUE {'pk':?,'sk':?,'packed':?}",
                        "Parameters": [{"S": "batch"}, {"S": "0"}, {"B": b"\x01"}],
                    }
                ]
            },
        )
    ]


@pytest.mark.parametrize(
    ("count", "calls"),
    [(0, []), (1, [1]), (WRITE_BATCH, [25]), (WRITE_BATCH + 1, [25, 1]), (60, [25, 25, 10])],
)
def test_a_call_holds_25_statements(count: int, calls: list[int]) -> None:
    inserting = Inserting(in_place)
    assert inserting.insert(count) == []
    assert [len(keys) for keys in inserting.request()] == calls
    assert [key for keys in inserting.request() for key in keys] == list(map(str, range(count)))


def test_the_places_of_duplicates_are_told_over_all_calls() -> None:
    first = responses(None, "DuplicateItem", *[None] * 23)
    inserting = Inserting(first, responses("DuplicateItem", None, "DuplicateItem"))
    assert inserting.insert(28) == [1, 25, 27]


@pytest.mark.parametrize(
    "code",
    [
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    ],
)
def test_what_passes_is_tried_again_alone(code: str) -> None:
    inserting = Inserting(
        responses(None, code, "DuplicateItem", code),
        responses(code, "DuplicateItem"),
        responses(None),
    )
    assert inserting.insert(4) == [2, 3]
    assert inserting.request() == [["0", "1", "2", "3"], ["1", "3"], ["1"]]
    assert len(inserting.pauses) == 2


def test_the_places_of_duplicates_are_in_order_over_all_tries() -> None:
    inserting = Inserting(responses("ThrottlingError", "DuplicateItem"), responses("DuplicateItem"))
    assert inserting.insert(2) == [0, 1]


def test_a_table_that_stays_busy_is_unavailable_in_the_end() -> None:
    inserting = Inserting(responses("ThrottlingError"))
    with pytest.raises(StoreUnavailable, match="busy"):
        inserting.insert(1)
    assert len(inserting.aws.requests) == len(inserting.pauses) + 1


@pytest.mark.parametrize(
    "code",
    ["ValidationError", "AccessDenied", "ItemCollectionSizeLimitExceeded", "ResourceNotFound"],
)
def test_what_does_not_pass_ends_it_at_once(code: str) -> None:
    inserting = Inserting(responses(None, code))
    with pytest.raises(StoreUnavailable) as error:
        inserting.insert(2)
    assert str(error.value) == code
    assert len(inserting.aws.requests) == 1
    assert inserting.pauses == []


def test_an_answer_for_another_number_of_statements_is_a_bug() -> None:
    with pytest.raises(ValueError, match="zip"):
        Inserting(responses(None)).insert(2)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        pytest.param(Refusal("ThrottlingException"), "ThrottlingException", id="throttled"),
        pytest.param(Refusal("InternalServerError", 500), "InternalServerError", id="failed"),
        pytest.param(LOST, "EndpointConnectionError", id="no connection"),
    ],
)
def test_a_call_that_fails_is_an_unavailable_store(failure: Exception, reason: str) -> None:
    """botocore has already retried; AWS's own words may quote the item and are left out."""
    with pytest.raises(StoreUnavailable) as error:
        Inserting(failure).insert(1)
    assert str(error.value) == reason
    assert error.value.__cause__ is not None


def test_an_error_that_is_not_of_aws_stays_what_it_is() -> None:
    with pytest.raises(KeyError), aws_errors():
        raise KeyError("Items")


@pytest.mark.parametrize("absent_at", [None, 0, 2])
def test_an_item_is_read_anew_until_it_is_written_over_or_gone(absent_at: int | None) -> None:
    found: list[Answer] = [{"Item": item(number)} for number in range(4)]
    if absent_at is not None:
        found[absent_at] = {}
    aws, seen = ScriptedAws("dynamodb", *found), list[str]()

    def write(given: Any) -> str | None:
        seen.append(given["sk"]["S"])
        return "written" if len(seen) == 3 else None

    done = Table(aws.client, "Messages-1").change("batch", "0", write)
    assert done == ("written" if absent_at is None else None)
    assert seen == ["0", "1", "2"][:absent_at]
    assert all(params["ConsistentRead"] for _, params in aws.requests)


def test_an_item_that_others_keep_changing_is_unavailable() -> None:
    aws = ScriptedAws("dynamodb", {"Item": item(0)})
    with pytest.raises(StoreUnavailable, match="kept changing"):
        Table(aws.client, "Messages-1").change("batch", "0", lambda _: None)
    assert aws.operations == ["GetItem"] * CHANGES
