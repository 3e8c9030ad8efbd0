"""Describe the answers of each route by HTTP status, from the codes that it may refuse with."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from harkara.accept.formats import webengage
from harkara.api.openapi.shapes import Schema, closed, content, ref
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused

ALWAYS = (Code.TRY_AGAIN, Code.INTERNAL_ERROR)
AUTHENTICATED = (Code.UNAUTHORIZED, Code.ADDRESS_NOT_ALLOWED, Code.SCOPE_MISSING)
BODY = (Code.MALFORMED_JSON, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)
RATES = (Code.RATE_LIMITED, Code.DAILY_LIMIT)
IDEMPOTENT = (Code.IDEMPOTENCY_CONFLICT, Code.REQUEST_IN_PROGRESS)
# Codes that refuse a single record, and the whole request if no record was accepted.
RECORDS = (
    Code.INVALID_RECORD,
    Code.INVALID_NUMBER,
    Code.COUNTRY_NOT_ALLOWED,
    Code.EMPTY_TEXT,
    Code.TEXT_TOO_LONG,
    Code.UNICODE_NOT_ALLOWED,
    Code.INVALID_HEADER,
    Code.HEADER_NOT_REGISTERED,
    Code.HEADER_CATEGORY,
    Code.ENTITY_MISMATCH,
    Code.INVALID_CATEGORY,
    Code.TEMPLATE_MISMATCH,
    Code.TEMPLATE_NOT_FOUND,
    Code.TEMPLATE_NOT_REGISTERED,
    Code.TEMPLATE_HEADER,
    Code.INVALID_TEMPLATE_ID,
    Code.INVALID_VARIABLES,
    Code.UNFILLED_PLACEHOLDER,
    Code.UNUSUAL_VARIABLE,
    Code.INVALID_CALLBACK_URL,
    Code.INVALID_SEND_TIME,
    Code.INVALID_VALIDITY,
    Code.MIXED_REQUEST,
    Code.NO_SHORT_DOMAIN,
    Code.PROMOTIONAL_HOURS,
    Code.URL_NOT_ALLOWED,
)
SENDING = (
    *(*BODY, Code.NO_RECORDS),
    *(*AUTHENTICATED, Code.ACCOUNT_PAUSED),
    *(*RATES, *IDEMPOTENT, *RECORDS, *ALWAYS),
)

_RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
_HEADERS: Mapping[int, Schema] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": {"$ref": "#/components/headers/Authenticate"}},
    HTTPStatus.CONFLICT: {"Retry-After": {"$ref": "#/components/headers/RetryAfterIfInProgress"}},
    HTTPStatus.TOO_MANY_REQUESTS: _RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY_AFTER,
}
HEADERS: Schema = {
    "RetryAfter": {
        "description": "Seconds after which the same request may succeed.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RetryAfterIfInProgress": {
        "description": "With REQUEST_IN_PROGRESS: seconds until the first request is over.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Location": {
        "description": "A URL of a message.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Authenticate": {
        "description": "The schemes that are taken.",
        "required": True,
        "schema": {"type": "string"},
    },
}


def ok(
    description: str,
    body: Mapping[str, Any],
    status: int = HTTPStatus.OK,
    links: Mapping[str, Schema] = MappingProxyType({}),
) -> Schema:
    """Return the answer of a success, with links to operations that may follow."""
    answer: Schema = {"description": description, "content": dict(body)}
    return {str(int(status)): answer | ({"links": dict(links)} if links else {})}


def links(parameter: str, pointer: str, *operations: str) -> Schema:
    """Return links to operations whose parameter is in the answer's body, at a JSON pointer."""
    value = {parameter: f"$response.body#{pointer}"}
    return {name: {"operationId": name, "parameters": value} for name in operations}


def refusals(codes: Iterable[Code]) -> Schema:
    """Return the answers of refusals in the common shape, each with the codes of its status."""
    by_status: dict[int, list[Code]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(MEANINGS[code].http_status, []).append(code)
    return {
        str(status): _answer(
            status,
            [f"`{code}`: {MEANINGS[code].advice}" for code in found],
            ref("Error") | {"properties": {"Error": {"enum": [code.value for code in found]}}},
        )
        for status, found in sorted(by_status.items())
    }


def webengage_refusals(codes: Iterable[Code]) -> Schema:
    """Return the answers of refusals in WebEngage's format, some of them with status 200."""
    by_status: dict[int, list[Code]] = {}
    for code in dict.fromkeys(codes):
        retry_after_s = int(code in (*RATES, *IDEMPOTENT[1:]))
        status, _ = webengage.refusal(RequestRefused(code, retry_after_s=retry_after_s))
        by_status.setdefault(status, []).append(code)
    return {
        str(status): _answer(
            status,
            [f"{MEANINGS[code].webengage}: {MEANINGS[code].advice}" for code in found],
            _rejected(sorted({MEANINGS[code].webengage for code in found})),
        )
        for status, found in sorted(by_status.items())
    }


def _answer(status: int, lines: list[str], schema: Schema) -> Schema:
    headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return {"description": "\n".join(lines), **headers, "content": content(schema)}


def _rejected(codes: list[int]) -> Schema:
    return closed(
        {
            "status": {"const": "sms_rejected"},
            "statusCode": {"type": "integer", "enum": codes},
            "message": ref("Message"),
        }
    )
