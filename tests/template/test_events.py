"""The sample events: every function and route has one, in the form that AWS would send."""

import base64
import hashlib
import re
from typing import Any

import pytest

from harkara.api.resolver import ROUTES
from harkara.base.ids import ReferenceSigner
from local.settings import TAG_SECRET
from tests.support.events import EVENTS, SampleEvent, differences, sample_events
from tests.template.reading import functions, routes, services

SAMPLES = sample_events()
REFERENCE = re.compile(r"\b1[0-9A-Z]{28}\.[0-9]+\.[A-Z2-7]{8}\b")


def all_routes() -> set[str]:
    """Return the route keys of the API."""
    return set().union(*map(routes, functions().values()))


def test_the_routes_are_those_that_the_functions_know_of() -> None:
    existing = {f"{method} {path}" for path, methods in ROUTES.items() for method in methods}
    assert all_routes() == {"$default", *existing}


def test_every_function_has_a_sample_event() -> None:
    assert {sample.function for sample in SAMPLES} == services()


def test_every_expected_answer_belongs_to_an_event() -> None:
    answers = {path.name for path in (EVENTS / "expected").iterdir()}
    assert answers == {path.name for path in EVENTS.glob("*.json")}


def test_every_route_has_a_sample_event() -> None:
    sampled = {sample.event["routeKey"] for sample in SAMPLES if "routeKey" in sample.event}
    assert sampled <= all_routes()
    # Carriers that report by GET send in the query the same fields as others in the body.
    assert all_routes() - sampled == {
        "GET /receipts/{carrier}/{token}",
        "GET /inbound/{carrier}/{token}",
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_an_event_is_consistent_in_itself(sample: SampleEvent) -> None:
    event = sample.event
    if sample.function == "activity":
        assert all(record["eventSource"] == "aws:dynamodb" for record in event["Records"])
        return
    for record in event.get("Records", []):
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert record["md5OfBody"] == digest
        assert record["eventSource"] == "aws:sqs"
    if "routeKey" in event:
        http = event["requestContext"]["http"]
        assert event["requestContext"]["routeKey"] == event["routeKey"]
        assert event["rawPath"] == http["path"]
        assert event["routeKey"] == "$default" or event["routeKey"].startswith(http["method"])
        body = event.get("body", "").encode()
        if event["isBase64Encoded"]:
            body = base64.b64decode(body, validate=True)
        assert event["headers"]["content-length"] == str(len(body))


def test_a_sample_receipt_has_a_reference_that_the_local_stack_gave() -> None:
    signer = ReferenceSigner(TAG_SECRET.encode())
    for sample in SAMPLES:
        if sample.function == "receipt" and "body" in sample.event:
            references = REFERENCE.findall(sample.event["body"])
            assert references
            assert all(signer.verify(reference) for reference in references)


@pytest.mark.parametrize(
    ("expected", "answer", "count"),
    [
        pytest.param(None, None, 0, id="nothing"),
        pytest.param({"a": [1, "/x+/"]}, {"a": [1, "xx"]}, 0, id="pattern"),
        pytest.param({"a": [1, "/x+/"]}, {"a": [1, "xy"]}, 1, id="pattern fails"),
        pytest.param("/[0-9]+/", 12, 0, id="pattern of a number"),
        pytest.param("/.+/", True, 1, id="pattern of no string or number"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, 1, id="another key"),
        pytest.param([1, 2], [1], 1, id="another length"),
        pytest.param({"a": False}, {"a": 0}, 1, id="another type"),
        pytest.param(
            {"statusCode": 200, "body": {"a": "/.+/"}},
            {"statusCode": 200, "headers": {}, "body": '{"a": "b"}'},
            0,
            id="http",
        ),
        pytest.param(
            {"statusCode": 200, "body": {}}, {"statusCode": 200, "body": "?"}, 1, id="no json"
        ),
        pytest.param({"statusCode": 200, "body": {}}, {"errorMessage": "boom"}, 2, id="raised"),
    ],
)
def test_an_answer_is_compared_with_the_expected_one(
    expected: Any, answer: Any, count: int
) -> None:
    assert len(differences(expected, answer)) == count
