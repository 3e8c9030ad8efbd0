"""Parameters and answers of the simulators' pages, the same for all of them."""

from collections.abc import Collection
from typing import Any

from aiohttp import web
from pydantic_core import to_json

FLAGS = {"0": False, "1": True}


def parameters(
    request: web.Request, *, flags: Collection[str] = (), values: Collection[str] = ()
) -> dict[str, str]:
    """Return the request's parameters: flags that are 1, and values as given.

    Raises HTTPBadRequest for any other parameter, and for a repeated one.
    """
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in (*flags, *values):
            existing = ", ".join(
                [*(f"{flag}=1" for flag in flags), *(f"{each}=..." for each in values)]
            )
            raise _bad(f"there is no parameter {name!r} here: {existing or 'none is taken'}")
        if len(request.query.getall(name)) > 1:
            raise _bad(f"{name} is given more than once: leave one")
        if name in flags and value not in FLAGS:
            raise _bad(f"{name} is 0 or 1")
        if name in values or FLAGS[value]:
            found[name] = value
    if "summary" in found and len(found) > 1:
        raise _bad("summary=1 counts everything: leave the other parameters out")
    return found


def page(value: Any) -> web.Response:
    """Return an answer as JSON for people."""
    return web.Response(body=to_json(value, indent=2) + b"\n", content_type="application/json")


def only(value: Any, ref: str) -> Any:
    """Return a JSON value of any shape, with only the array items that contain `ref`."""
    if isinstance(value, dict):
        return {name: only(each, ref) for name, each in value.items()}
    if isinstance(value, list) and names(value, ref):
        return [only(each, ref) for each in value if names(each, ref)]
    return value


def names(value: Any, ref: str) -> bool:
    """Whether a JSON value holds `ref` as a whole string, at any depth."""
    if isinstance(value, dict):
        return any(names(each, ref) for each in value.values())
    if isinstance(value, list):
        return any(names(each, ref) for each in value)
    return bool(value == ref)


def _bad(message: str) -> web.HTTPBadRequest:
    body = {"status": False, "Error": "INVALID_PARAMETER", "message": message}
    text = to_json(body, indent=2).decode() + "\n"
    return web.HTTPBadRequest(text=text, content_type="application/json")
