"""Describe the answers of a route by HTTP status, from its codes and the types of its bodies."""

from http import HTTPStatus

from harkara.accept.formats import native
from harkara.accept.formats.refusals import REFUSALS, TYPES
from harkara.api.description import JSON, About
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from tools.openapi_schemas import Schema, Schemas

_RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
_HEADERS_OF: dict[int, Schema] = {
    HTTPStatus.FOUND: {"Location": {"$ref": "#/components/headers/Location"}},
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
        "description": "The schemes that are accepted.",
        "required": True,
        "schema": {"type": "string"},
    },
}
_WITH_RETRY = (
    *(Code.RATE_LIMITED, Code.DAILY_LIMIT, Code.SPEND_LIMIT),
    Code.REQUEST_IN_PROGRESS,
)


def responses(schemas: Schemas, path: str, about: About, collection: str) -> Schema:
    """Return the answers of a route: those of success, and a refusal for each status."""
    answers: dict[int, Schema] = {}
    for status, given in about.answers.items():
        content = schemas.content(given, collection) if given is not None else {}
        answers[int(status)] = {"description": _said(schemas, content, status), "content": content}
    refused: dict[int, list[Code]] = {}
    for code in dict.fromkeys(about.codes):
        refused.setdefault(_status(path, code), []).append(code)
    error = TYPES.get(path, native.Error)
    for status, codes in refused.items():
        answer = answers.setdefault(status, {"description": "", "content": {}})
        lines = [f"- `{_name(path, code)}`: {MEANINGS[code].advice}" for code in codes]
        answer["description"] = f"{answer['description']}\n\n{chr(10).join(lines)}".strip()
        choices = [answer["content"].get(JSON, {}).get("schema"), schemas.of(error)]
        kept = [each for each in choices if each]
        answer["content"][JSON] = {"schema": {"anyOf": kept} if kept[1:] else kept[0]}
        answer["x-codes"] = [code.value for code in codes]
    for status, answer in answers.items():
        answer["headers"] = _HEADERS_OF.get(status, {})
    return {
        str(status): {name: value for name, value in answer.items() if value}
        for status, answer in sorted(answers.items())
    }


def _said(schemas: Schemas, content: Schema, status: int) -> str:
    """Return what the answer's types say of themselves."""
    schema = content.get(JSON, {}).get("schema", {})
    described = map(schemas.referenced, schema.get("anyOf", [schema]))
    said = " ".join(filter(None, (each.get("description") for each in described)))
    return said or HTTPStatus(status).phrase


def _status(path: str, code: Code) -> int:
    if path not in REFUSALS:
        return MEANINGS[code].http_status
    status, _ = REFUSALS[path](RequestRefused(code, retry_after_s=int(code in _WITH_RETRY)))
    return status


def _name(path: str, code: Code) -> str:
    return str(MEANINGS[code].webengage) if path == "/webengage" else code.value
