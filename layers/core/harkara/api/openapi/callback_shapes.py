"""The fields of a registered callback."""

from harkara.api.openapi.shapes import Schema, nullable, text, whole
from harkara.base.fields import NAME_LIMIT
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.formats.generic import NAMES
from harkara.callbacks.registration import (
    CONCURRENCY_LIMIT,
    FIELD_NAME,
    HEADER_NAME,
    HEADERS_LIMIT,
    RATE_LIMIT_PER_S,
    SECRET_LIMIT,
    TOKEN,
)
from harkara.model.events import EventKind
from harkara.model.fields import CALLBACK_ID
from harkara.model.messages import State

_SETTINGS: Schema = {
    "id": text("Yours.", pattern=f"^({CALLBACK_ID.pattern})$"),
    "name": text("In one line.", maxLength=NAME_LIMIT),
    "url": text("https, on a host that the account allows."),
    "format": text("What is posted: the platform's own format.", enum=[*FORMATS]),
    "states": {
        "type": "array",
        "items": text(enum=[*map(str, State)]),
        "description": "The final states that it wants; all, where there are none.",
    },
    "events": {
        "type": "array",
        "items": text(enum=[*map(str, EventKind)]),
        "description": "What it wants to hear of, out of what its format can tell; all of that,"
        " where there is none.",
    },
    "concurrency": whole(
        "Posts at a time; 0: any number.", minimum=0, maximum=CONCURRENCY_LIMIT, default=0
    ),
    "rate_per_s": {
        "type": "number",
        "minimum": 0,
        "maximum": RATE_LIMIT_PER_S,
        "default": 0,
        "description": "Posts a second; 0: any number.",
    },
    "fields": {
        "type": "object",
        "propertyNames": {"enum": [*NAMES]},
        "additionalProperties": text(pattern=f"^{FIELD_NAME.pattern}$"),
        "description": "Of the format `generic`: what is said of an event, and what it is called"
        " there, `mid` or `smsgid` among it; all of it by these names, where there are none.",
    },
    "as_array": {
        "type": "boolean",
        "default": False,
        "description": "Of the format `generic`: whether events come in an array, up to 100.",
    },
    "every_click": {
        "type": "boolean",
        "default": False,
        "description": "Whether a click is told each time, not once a message and link.",
    },
}
_SECRETS: Schema = {
    "headers": {
        "type": ["object", "null"],
        "propertyNames": {"pattern": f"^{HEADER_NAME.pattern}$"},
        "additionalProperties": text(pattern="^[ -~]+$", maxLength=SECRET_LIMIT),
        "maxProperties": HEADERS_LIMIT,
        "writeOnly": True,
        "description": "Sent with each post. Kept as a secret, and not shown again; where they are"
        " not given, those that it has stay.",
    },
    "token": nullable(
        text(
            "Sent with each post as `Authorization: Bearer`. Kept as `headers` are.",
            pattern=f"^{TOKEN.pattern}$",
            writeOnly=True,
        )
    ),
}
_OF_SECRETS: Schema = {
    "header_names": {
        "type": "array",
        "items": text(),
        "description": "Those of the headers that it has, in lower case.",
    },
    "has_token": {"type": "boolean", "description": "Whether it has a token."},
    "signed": {
        "type": "boolean",
        "description": "Whether its posts are signed (Standard Webhooks).",
    },
}

CALLBACK: Schema = {**_SETTINGS, **_OF_SECRETS}
GIVEN: Schema = {
    **{
        name: schema if name in ("id", "url") else nullable(schema)
        for name, schema in _SETTINGS.items()
    },
    **_SECRETS,
    **{
        name: {"readOnly": True, "description": "Of an answer; as good as absent."}
        for name in _OF_SECRETS
    },
}
