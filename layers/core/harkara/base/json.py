"""JSON by orjson, which takes a tenth of the time of pydantic's encoder for a message batch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

# Takes bytes or text; raises ValueError (orjson.JSONDecodeError) for invalid JSON.
decode = orjson.loads


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


encode: Callable[[Any], bytes] = partial(orjson.dumps, default=_plain)
"""Return a value as JSON. Named tuples become arrays."""


def encode_body(kind: str, **fields: Any) -> str:
    """Return a queue message's body: a JSON object with its kind first."""
    body = encode({"kind": kind, **fields}).decode()
    # SQS refuses these two characters, which JSON allows and a customer's `smsgid` may contain.
    return body.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


def text_of(value: Any) -> str:
    """Return a JSON value as text; "" for null, an array or an object."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
