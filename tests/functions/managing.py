"""Requests to `manage`."""

import json
from typing import Any

from tests.functions.invoking import SECRET, Event, http_event

KEY = f"sandbox.{SECRET}"


def request(
    method: str,
    path: str,
    body: Any = None,
    key: str = KEY,
    query: dict[str, str] | None = None,
    **headers: str,
) -> Event:
    """Return a request of the account `sandbox`; lists and objects are sent as JSON."""
    content = json.dumps(body) if isinstance(body, dict | list) else body
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    event = http_event(method, path, content, {"x-api-key": key, **names})
    event["queryStringParameters"] = query or {}
    return event
