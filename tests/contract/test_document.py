"""The document conforms to OpenAPI and JSON Schema, and its examples to its schemas."""

from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from tests.contract.described import DOCUMENT, OPERATIONS, assert_described, examples_of, validator
from tests.functions.handlers import Gateway
from tests.support.events import SampleEvent, sample_events

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS = DOCUMENT["components"]["schemas"]
SAMPLES = [each for each in sample_events() if each.event.get("routeKey", "") in OPERATIONS]


def bodies() -> list[Any]:
    """Return (route, schema, example) for each example of a request."""
    return [
        pytest.param(body["schema"], example, id=f"{route} {media_type} {number}")
        for route, operation in OPERATIONS.items()
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items()
        for number, example in enumerate(examples_of(body))
    ]


def test_the_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_what_is_no_openapi_is_told() -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict({**DOCUMENT, "paths": []}).validate()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_json_schema(name: str) -> None:
    assert jsonschema_rs.meta.is_valid({"$schema": DIALECT, **SCHEMAS[name]})


@pytest.mark.parametrize(("schema", "example"), bodies())
def test_an_example_is_what_its_schema_says(schema: dict[str, Any], example: Any) -> None:
    assert [str(error) for error in validator(schema).iter_errors(example)] == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_events_answer_is_in_the_document(sample: SampleEvent, gateway: Gateway) -> None:
    gateway.put_batch()
    answer = gateway.call(sample.function, sample.event)
    assert_described(sample.event["routeKey"], answer)
    assert answer["statusCode"] < 500
