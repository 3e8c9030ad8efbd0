"""List the routes of the whole HTTP API, so that a wrong method is answered with 405.

API Gateway sends requests without a route to `fallback`, which finds its answer in this table. The
template's routes are tested against the table.
"""

import re

from harkara.links.codec import CODE_LENGTH

ROUTES: dict[str, tuple[str, ...]] = {
    "/datasend": ("POST",),
    "/smpp": ("GET", "POST"),
    "/webengage": ("POST",),
    "/v1/messages": ("POST",),
    "/v1/messages/{mid}": ("GET", "DELETE"),
    "/cancel-scheduled/sms": ("POST",),
    "/v1/senders": ("GET", "POST"),
    "/v1/senders/{name}": ("GET", "PUT", "DELETE"),
    "/v1/templates": ("GET", "POST"),
    "/v1/templates/{name}": ("GET", "PUT", "DELETE"),
    "/v1/callbacks": ("GET", "POST"),
    "/v1/callbacks/{name}": ("GET", "PUT", "DELETE"),
    "/v1/callbacks/{id}/secret": ("POST",),
    "/v1/callbacks/{id}/test": ("POST",),
    "/v1/callbacks/{id}/parked": ("GET",),
    "/v1/callbacks/{id}/replay": ("POST",),
    "/v1/suppressions": ("GET", "POST"),
    "/v1/suppressions/{number}": ("GET", "DELETE"),
    "/health": ("GET",),
    "/openapi.json": ("GET",),
    "/docs": ("GET",),
    "/receipts/{carrier}/{token}": ("GET", "HEAD", "POST"),
    "/inbound/{carrier}/{token}": ("GET", "HEAD", "POST"),
    "/{code}": ("GET", "HEAD"),
}

_NAMED = {"{code}": rf"[0-9A-Za-z]{{{CODE_LENGTH}}}"}  # other texts are no code, and no route


def _pattern(path: str) -> re.Pattern[str]:
    parts = (_NAMED.get(part, "[^/]+") if part[:1] == "{" else part for part in path.split("/"))
    return re.compile("/".join(parts))


_PATTERNS = {_pattern(path): methods for path, methods in ROUTES.items()}


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes; none if there is no such path."""
    return next((methods for pattern, methods in _PATTERNS.items() if pattern.fullmatch(path)), ())
