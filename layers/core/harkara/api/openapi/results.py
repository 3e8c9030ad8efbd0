"""Schemas of answers: the results of messages, and the resources of an account."""

from itertools import chain

from harkara.api.openapi.answers import RECORDS
from harkara.api.openapi.shapes import (
    Schema,
    closed,
    given,
    nullable,
    ref,
    schemas_of,
    schemas_of_answer,
    text,
    whole,
)
from harkara.base.codes import Code
from harkara.callbacks.registration import CallbackRequest
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part
from harkara.model.messages import State, TimelineStep
from harkara.text.segments import Encoding

_MID = text("Our id of the message.", pattern="^[0-9A-Z]+$")
_RECORD_CODES = [code.value for code in (*RECORDS, Code.TRY_AGAIN)]
_CODE = ref("RecordCode")
_WARNING = {
    **nullable(_CODE),
    "description": "The DLT rule that the message breaks, where the account only warns; or what"
    " some operators may refuse.",
}
_TEXT = {"type": "string"}

_ICS_ACCEPTED: Schema = {
    "to": text("As it was sent."),
    "from": _TEXT,
    "mid": _MID,
    "smsgid": text("As it was sent; empty where it was not."),
}
_ELEMENT: Schema = {
    "mid": nullable(text("Our id of the message; null where there is none: refused, or dry run.")),
    "client_ref": _TEXT,
    "to": text("Digits with country code; as it was sent where it is no number."),
    "country": nullable(text("ISO 3166 code.")),
    "encoding": nullable(ref("Encoding")),
    "segments": nullable(whole("How many are billed.", minimum=1)),
    "template_id": nullable(text("The DLT template, given or found.")),
    "category": nullable(ref("Category")),
    "price": nullable(text("By the account's rate card, in its currency.", examples=["0.25"])),
    "warning": _WARNING,
    "error": {"anyOf": [{"type": "null"}, ref("RecordError")]},
    "text": text("Dry run: the text as it would go out."),
    "encoding_reason": nullable(text("Dry run: why it takes UCS-2.")),
}
_DRY_RUN = ("text", "encoding_reason")
_ELEMENTS: Schema = {
    "type": "array",
    "items": ref("SentMessage"),
    "description": "What became of each message, in order.",
}
_HISTORY = (
    "mid",
    "client_ref",
    "to",
    "country",
    "encoding",
    "segments",
    "template_id",
    "category",
    "price",
)
_NEAR_NAME = text(
    "Only where the request has a field that was ignored and may be meant for `scheduletime` or"
    " `validity`: which one."
)
_ROW_RESULTS = ("created", "changed", "unchanged", "skipped", "refused")

_ADVICE = text("What may be wrong with it, although it can be registered so.")
RESOURCES: dict[str, tuple[type[Part], type[Part]]] = {
    "senders": (Sender, Sender),
    "templates": (Template, Template),
    "callbacks": (CallbackEndpoint, CallbackRequest),
}
"""By collection: the model that answers show, and the model of a request."""
_MODELS = schemas_of(*chain.from_iterable(RESOURCES.values()))
_READ_BACK = {"readOnly": True, "description": "Of an answer; ignored in a request."}


def name_of(collection: str) -> str:
    """Return what a collection's resources are called in the names of schemas and operations."""
    return collection.title().removesuffix("s")


def _resources() -> Schema:
    models = dict(_MODELS)
    schemas: Schema = {}
    for collection, (shown, requested) in RESOURCES.items():
        name = name_of(collection)
        properties = models.pop(shown.__name__)["properties"]
        request = _MODELS[requested.__name__]
        models.pop(requested.__name__, None)
        new, changed = given(request), given(request, shown.name_field)
        for each in (new, changed):
            own = properties.keys() - request["properties"].keys()
            each["properties"] |= {field: _READ_BACK for field in properties if field in own}
        schemas[name] = closed(properties)
        schemas[f"Registered{name}"] = closed({**properties, "warning": _ADVICE}, ("warning",))
        schemas[f"New{name}"] = new
        schemas[f"Changed{name}"] = changed
        schemas[f"{name}Page"] = closed(
            {
                collection: {"type": "array", "items": ref(name)},
                "next": nullable(text("What to give as `after` for the next page; null: none.")),
            }
        )
    return {**models, **schemas}


SCHEMAS: Schema = {
    **schemas_of_answer(TimelineStep),
    "Code": text("Never changes; the table of codes says what to do.", enum=[*map(str, Code)]),
    "RecordCode": text("The code of a single record or message.", enum=_RECORD_CODES),
    "Encoding": text("How a text goes out.", enum=[*map(str, Encoding)]),
    "Error": closed(
        {
            "status": {"const": False},
            "Error": ref("Code"),
            "message": ref("Message"),
            "messages": {
                **_ELEMENTS,
                "description": "Of `POST /v1/messages`, if none was accepted: why, of each.",
            },
        },
        ("messages",),
    ),
    "IcsAccepted": closed({**_ICS_ACCEPTED, "warning": _NEAR_NAME}, optional=("warning",)),
    "IcsRefused": closed(
        {
            **{name: _ICS_ACCEPTED[name] for name in ("to", "from", "smsgid")},
            "Error": _CODE,
            "message": ref("Message"),
        }
    ),
    "IcsAnswer": {
        "type": "array",
        "items": {"anyOf": [ref("IcsAccepted"), ref("IcsRefused")]},
        "description": "What became of each record, in order.",
    },
    "IcsSingleAnswer": closed(
        {"status": {"const": "accepted"}, **_ICS_ACCEPTED, "warning": _NEAR_NAME},
        optional=("warning",),
    ),
    "WebEngageAccepted": closed({"status": {"const": "sms_accepted"}}),
    "RecordError": closed({"code": _CODE, "message": ref("Message")}),
    "SentMessage": closed(_ELEMENT, _DRY_RUN),
    "SentMessages": closed({"messages": _ELEMENTS}),
    "SentSingle": closed(
        {"status": {"enum": ["accepted", "refused"]}, **_ELEMENT, "messages": _ELEMENTS}, _DRY_RUN
    ),
    "MessageHistory": closed(
        {
            **{name: _ELEMENT[name] for name in _HISTORY},
            "mid": _MID,
            "state": text(enum=["accepted", "scheduled", "submitted", *map(str, State)]),
            "error": {
                "anyOf": [
                    {"type": "null"},
                    closed({"code": ref("Code"), "message": ref("Message")}),
                ]
            },
            "timeline": {"type": "array", "items": ref("TimelineStep"), "minItems": 1},
        }
    ),
    "Cancelled": closed(
        {"status": {"const": "cancelled"}, "mid": _MID, "to": _TEXT, "client_ref": _TEXT}
    ),
    **_resources(),
    "ImportReport": closed(
        {
            **{result: whole("Rows.", minimum=0) for result in _ROW_RESULTS},
            "left_out": whole(
                "Rows that `rows` has no room for: at first those without a problem.", minimum=0
            ),
            "rows": {
                "type": "array",
                "items": closed(
                    {
                        "row": whole("As a spreadsheet numbers it.", minimum=1),
                        "template_id": text("Empty where the row has no proper one."),
                        "result": text(enum=list(_ROW_RESULTS)),
                        "problem": text(
                            "Why the row was not taken, or what may be wrong with what was."
                        ),
                    }
                ),
            },
        }
    ),
    "ReceiptsTaken": closed(
        {
            "status": {"const": True},
            "receipts": whole("Final states.", minimum=0),
            "intermediate": whole("States that are not final.", minimum=0),
            "foreign": whole("Receipts without our reference.", minimum=0),
            "unknown": whole("States that are in no table.", minimum=0),
        }
    ),
    "Health": closed({"status": {"const": True}}),
    "CleverTapCallback": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "event": text(enum=["delivered", "failed"]),
                "data": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "ts": whole("Unix seconds."),
                            "meta": text("Your own id of the message, or ours where it has none."),
                            "description": _TEXT,
                            "code": text("With `failed`: CleverTap's code."),
                        },
                        "required": ["ts", "meta", "description"],
                    },
                },
            },
            "required": ["event", "data"],
        },
    },
}
