"""Checks of the real handlers' answers against the document's description."""

import json
from functools import cache
from typing import Any

import jsonschema_rs

from harkara.api.docs import DOCUMENT as FILE
from harkara.base.codes import MEANINGS, Code

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
JSON = "application/json"


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Return a validator of a schema of the document, including referenced schemas."""
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def examples_of(body: dict[str, Any]) -> list[Any]:
    """Return the examples of a request's body of one media type."""
    named = [each["value"] for each in body.get("examples", {}).values()]
    return named + [body[name] for name in ("example",) if name in body]


def assert_described(route: str, answer: dict[str, Any]) -> None:
    """Check an answer's status, headers, media type, body and code."""
    described = OPERATIONS[route]["responses"][str(answer["statusCode"])]
    headers = {name.lower() for name in answer["headers"]}
    for name, header in described.get("headers", {}).items():
        found = DOCUMENT["components"]["headers"][header["$ref"].rpartition("/")[2]]
        assert name.lower() in headers or not found.get("required"), name
    if "content" not in described:
        assert not answer["body"]
        return
    media_type = answer["headers"]["Content-Type"].partition(";")[0]
    body = json.loads(answer["body"]) if media_type == JSON else answer["body"]
    _validator_of(route, str(answer["statusCode"]), media_type).validate(body)
    if media_type == JSON and isinstance(body, dict):
        codes = [Code(code) for code in described.get("x-codes", ())]
        assert "Error" not in body or body["Error"] in codes
        if body.get("status") == "sms_rejected":
            assert body["statusCode"] in {MEANINGS[code].webengage for code in codes}


@cache
def _validator_of(route: str, status: str, media_type: str) -> jsonschema_rs.Validator:
    return validator(OPERATIONS[route]["responses"][status]["content"][media_type]["schema"])
