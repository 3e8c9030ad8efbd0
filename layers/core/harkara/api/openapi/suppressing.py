"""Describe the routes for suppressions, and for messages from phones."""

from typing import Any

from harkara.api.openapi.answers import ALWAYS, BODY, ok, refusals
from harkara.api.openapi.managing import ACCESS, PAGING, TOKEN_PATH, guarded, operation
from harkara.api.openapi.shapes import (
    JSON,
    Schema,
    closed,
    content,
    example_of,
    given,
    nullable,
    ref,
    schemas_of,
    text,
)
from harkara.base.codes import Code
from harkara.model.suppressions import Suppression, SuppressionRequest

_NUMBER: Schema = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "The phone number, in any usual spelling.",
    "schema": {"type": "string", "minLength": 1},
}
_SOURCE: Schema = {
    "name": "source",
    "in": "query",
    "description": "The entry of this source alone.",
    "schema": ref("Source"),
}
_INBOUND_ANSWERS = {
    "200": {"description": "What they ask for is done.", "content": content(text(), "text/plain")},
    **refusals((Code.INVALID_RECEIPT, Code.NOT_FOUND, *ALWAYS)),
}


def _inbound(name: str, **more: Any) -> Schema:
    return operation(
        name,
        "Carriers",
        "What phones sent to a number",
        "For carriers alone, in the carrier's own format. The answer has no body.",
        security=[],
        parameters=TOKEN_PATH,
        responses=_INBOUND_ANSWERS,
        **more,
    )


PATHS: Schema = {
    "/inbound/{carrier}/{token}": {
        "get": _inbound("inboundGet"),
        "head": _inbound("inboundHead"),
        "post": _inbound("inboundPost", requestBody={"content": {JSON: {"schema": {}}}}),
    },
    "/v1/suppressions": {
        "get": guarded(
            "listSuppressions",
            "List the numbers that get no messages of some kind",
            "admin",
            parameters=PAGING,
            responses={
                **ok("A page.", content(ref("SuppressionPage"))),
                **refusals((Code.INVALID_REQUEST, *ACCESS)),
            },
        ),
        "post": guarded(
            "addSuppression",
            "Suppress a number",
            "admin",
            description="In place of the number's entry of the same source.",
            requestBody={
                "required": True,
                "content": content(
                    ref("NewSuppression"),
                    example=example_of(SuppressionRequest),
                ),
            },
            responses={
                **ok(
                    "It counts at once, where the operator has turned lists on.",
                    content(ref("Suppression")),
                    201,
                ),
                **refusals((*BODY, *ACCESS)),
            },
        ),
    },
    "/v1/suppressions/{number}": {
        "parameters": [_NUMBER],
        "get": guarded(
            "checkSuppression",
            "Read the entries of a number",
            "admin",
            responses={
                **ok("One for each source that has one.", content(ref("Suppressions"))),
                **refusals((Code.INVALID_REQUEST, Code.NOT_FOUND, *ACCESS)),
            },
        ),
        "delete": guarded(
            "removeSuppression",
            "Take the entries of a number out",
            "admin",
            parameters=[_SOURCE],
            responses={
                "204": {"description": "They are out."},
                **refusals((Code.INVALID_REQUEST, Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
}

_MODELS = schemas_of(Suppression, SuppressionRequest)
_LIST: Schema = {"type": "array", "items": ref("Suppression")}


def _shown() -> Schema:
    """Return the schema of an entry in an answer, in which its time is `since`."""
    properties = dict(_MODELS["Suppression"]["properties"])
    del properties["since_s"]
    since = {"type": "string", "format": "date-time", "description": "Since when. UTC."}
    return closed({**properties, "since": since}, ("categories", "preferences"))


SCHEMAS: Schema = {
    "Source": _MODELS["Source"],
    "Suppression": _shown(),
    "Suppressions": closed({"suppressions": _LIST}),
    "SuppressionPage": closed(
        {"suppressions": _LIST, "next": nullable(text("`after` of the next page."))}
    ),
    "NewSuppression": given(_MODELS["SuppressionRequest"]),
}
