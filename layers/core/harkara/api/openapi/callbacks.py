"""Describe the routes of registered callbacks alone: signing secret, test, dead letters."""

from harkara.api.openapi.answers import BODY, ok, refusals
from harkara.api.openapi.managing import ACCESS, guarded
from harkara.api.openapi.shapes import (
    Schema,
    closed,
    content,
    given,
    nullable,
    parameters_of,
    ref,
    schemas_of,
    text,
    whole,
)
from harkara.base.codes import Code
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.registration import DAY_S, RenewSecret
from harkara.manage.callbacks import ID as PARKED_ID
from harkara.manage.callbacks import PAGE_LIMIT, ParkedQuery, Replay

ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The callback's id.",
    "schema": {"type": "string", "minLength": 1},
    "example": "clevertap-main",
}

_OR_NONE: Schema = {
    **ID,
    "description": "The callback's id; `-` for the URLs of messages that are no callback's.",
}
_LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "description": "How many at most.",
    "schema": {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE_LIMIT},
}

PATHS: Schema = {
    "/v1/callbacks/{id}/secret": {
        "parameters": [ID],
        "post": guarded(
            "renewCallbackSecret",
            "Make another signing secret",
            "admin",
            description="Posts are signed as Standard Webhooks has it: with this secret, and until"
            " it ends with the one before it, too. A callback has two at the most.",
            requestBody={
                "content": content(ref("RenewSecret"), example={"overlap_s": DAY_S}),
            },
            responses={
                **ok("The secret, this once.", content(ref("SigningSecret")), 201),
                **refusals((*BODY, Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
    "/v1/callbacks/{id}/test": {
        "parameters": [ID],
        "post": guarded(
            "testCallback",
            "Post a sample",
            "admin",
            description="The end of a message that is called `test` in every field that names one.",
            responses={
                **ok("What came back, whatever it was.", content(ref("CallbackTried"))),
                **refusals((Code.INVALID_REQUEST, Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
    "/v1/callbacks/{id}/parked": {
        "parameters": [_OR_NONE],
        "get": guarded(
            "listParkedCallbacks",
            "List what was not taken",
            "read",
            description="Callbacks that are tried no more, the oldest first. They are kept as long"
            " as messages are.",
            parameters=[_LIMIT, *parameters_of(ParkedQuery)],
            responses={
                **ok("A page.", content(ref("ParkedPage"))),
                **refusals((Code.INVALID_REQUEST, Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
    "/v1/callbacks/{id}/replay": {
        "parameters": [_OR_NONE],
        "post": guarded(
            "replayCallbacks",
            "Post again what was not taken",
            "admin",
            description="By ids, by time, or all of it. Each begins its schedule again under the"
            " same `webhook-id`.",
            requestBody={
                "required": True,
                "content": content(ref("Replay"), example={"from": "2026-01-31T18:30:00Z"}),
            },
            responses={
                **ok("They will be posted.", content(ref("Replayed"))),
                **refusals((*BODY, Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
}

_STATUS = whole("The HTTP status; 0: there was no answer.", minimum=0, maximum=999)
_DURATION = whole("How long the post took.", minimum=0)
_ANSWER = text("How the answer's body begins.")

_MODELS = schemas_of(RenewSecret, Replay)
SCHEMAS: Schema = {
    "RenewSecret": given(_MODELS["RenewSecret"]),
    "SigningSecret": closed(
        {
            "secret": text("What the receiver checks with.", pattern="^whsec_[A-Za-z0-9+/]{43}=$"),
            "overlap_s": whole("How long the one before it stays valid.", minimum=0),
        }
    ),
    "CallbackTried": closed(
        {
            "status": _STATUS,
            "reason": text("What became of it, in a few words."),
            "duration_ms": _DURATION,
            "answer": _ANSWER,
        }
    ),
    "ParkedCallback": closed(
        {
            "id": text("Ours.", pattern=f"^{PARKED_ID.pattern}$"),
            "at": text("When it was parked. UTC.", format="date-time"),
            "url": text("Where it was to go."),
            "format": text(enum=[*FORMATS]),
            "failures": whole("How often it was tried.", minimum=0),
            "status": _STATUS,
            "reason": text("Why it is tried no more, in a few words."),
            "duration_ms": _DURATION,
            "answer": _ANSWER,
            "messages": {
                "type": "array",
                "items": closed(
                    {
                        "mid": text("Our id of the message."),
                        "client_ref": text("Yours; empty where there is none."),
                    }
                ),
                "minItems": 1,
            },
        }
    ),
    "ParkedPage": closed(
        {
            "parked": {"type": "array", "items": ref("ParkedCallback")},
            "next": nullable(text("What to give as `after` for the next page; null: none.")),
        }
    ),
    "Replay": given(_MODELS["Replay"])
    | {"description": "One of `ids`, a time, or `all`.", "minProperties": 1},
    "Replayed": closed(
        {
            "replayed": whole("How many.", minimum=0),
            "complete": {
                "type": "boolean",
                "description": "Whether those are all: else the same again replays the rest.",
            },
        }
    ),
}
