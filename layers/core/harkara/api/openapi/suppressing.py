"""Describe the routes for suppressions, and for messages from phones."""

from typing import Any

from harkara.api.openapi.answers import ALWAYS, BODY, ok, refusals
from harkara.api.openapi.managing import ACCESS, PAGING, TOKEN_PATH, guarded, operation
from harkara.api.openapi.shapes import JSON, Schema, closed, content, nullable, ref, text
from harkara.base.codes import Code
from harkara.model.messages import Category
from harkara.model.suppressions import EVERY_CATEGORY, Source

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
    "schema": {"type": "string", "enum": [*map(str, Source)]},
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
                    example={"number": "919876543210", "categories": ["promotional"]},
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

_NUMBER_TEXT = text("Digits with country code.", pattern="^[0-9]+$")
_CATEGORIES: Schema = {
    "type": "array",
    "items": {"type": "string", "enum": [*map(str, Category)]},
    "description": "What an opt-out blocks.",
}
_PREFERENCES: Schema = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": 8},
    "description": "What an entry of DND blocks of promotion: 0 all of it.",
}
_SINCE = text("Since when.", format="date-time")
_SOURCES = text("Who asks for it.", enum=[*map(str, Source)])
_LIST: Schema = {"type": "array", "items": ref("Suppression")}

SCHEMAS: Schema = {
    "Suppression": closed(
        {
            "number": _NUMBER_TEXT,
            "source": _SOURCES,
            "categories": _CATEGORIES,
            "preferences": _PREFERENCES,
            "since": _SINCE,
        },
        ("categories", "preferences"),
    ),
    "Suppressions": closed({"suppressions": _LIST}),
    "SuppressionPage": closed(
        {"suppressions": _LIST, "next": nullable(text("`after` of the next page."))}
    ),
    "NewSuppression": {
        "type": "object",
        "properties": {
            "number": text("In any usual spelling.", minLength=1),
            "source": nullable(_SOURCES),
            "categories": {
                **nullable(_CATEGORIES),
                "items": {"type": "string", "enum": [*map(str, Category), EVERY_CATEGORY]},
                "description": "Of an opt-out: all but otp and transactional, unless given;"
                f" {EVERY_CATEGORY} alone is all.",
            },
            "preferences": nullable(_PREFERENCES),
            "since": nullable(text("Not to come; now, unless given.", format="date-time")),
        },
        "required": ["number"],
        "additionalProperties": False,
    },
}
