"""The document as OpenAPI and JSON Schema have it, and answers as the document has them."""

import json
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from harkara.openapi.document import document
from tests.events import SampleEvent, sample_events
from tests.functions.handlers import Gateway

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document()))
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
SAMPLES = [each for each in sample_events() if each.event.get("routeKey", "") in OPERATIONS]


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Return a validator of a schema of the document, with what it refers to."""
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def bodies() -> list[Any]:
    """Return (route, schema, example) for each example of a request."""
    return [
        pytest.param(body["schema"], example, id=f"{route} {media_type} {number}")
        for route, operation in OPERATIONS.items()
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items()
        for number, example in enumerate(
            [each["value"] for each in body.get("examples", {}).values()]
            + [body[name] for name in ("example",) if name in body]
        )
    ]


def test_the_document_is_openapi_3_1() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_what_is_no_openapi_is_told() -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict({**DOCUMENT, "paths": []}).validate()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_json_schema(name: str) -> None:
    jsonschema_rs.meta.validate({"$schema": DIALECT, **SCHEMAS[name]})


@pytest.mark.parametrize(("schema", "example"), bodies())
def test_an_example_is_what_its_schema_says(schema: dict[str, Any], example: Any) -> None:
    validator(schema).validate(example)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_events_answer_is_in_the_document(sample: SampleEvent, gateway: Gateway) -> None:
    gateway.put_chunk()
    answer = gateway.call(sample.function, sample.event)
    described = OPERATIONS[sample.event["routeKey"]]["responses"][str(answer["statusCode"])]
    if not answer.get("body"):
        assert "content" not in described
        return
    media_type = answer["headers"]["Content-Type"].partition(";")[0]
    schema = described["content"][media_type]["schema"]
    is_json = media_type == "application/json"
    validator(schema).validate(json.loads(answer["body"]) if is_json else answer["body"])
