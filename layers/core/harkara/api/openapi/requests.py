"""Schemas of requests to send: ICS's format, Harkara's own, WebEngage's."""

from typing import Any

from harkara.accept.formats.options import CAMPAIGN_ID_LIMIT, VALIDITY_S, VARIABLES_LIMIT
from harkara.accept.formats.webengage import VERSIONS
from harkara.api.openapi.shapes import Schema, lenient, ref, text
from harkara.links.codec import URL_LIMIT, URLS_PER_MESSAGE
from harkara.model.messages import RECORD_LIMIT, Category

_TO = lenient(
    "The recipient: `919876543210`, `+919876543210`, or ten digits of an Indian mobile number.",
    examples=["919876543210"],
)
_FROM = lenient("The DLT header (sender id); case counts.", examples=["ACMEBK"])
_CLIENT_REF = lenient(
    "Your own id of the message, at most 512 bytes in UTF-8; it comes back in the callback. It need"
    " not be unique."
)
_PE_ID = lenient("The DLT principal entity's id; it is known from the header where it is absent.")
_TEMPLATE_ID = lenient(
    "The DLT template's id; it is found among the account's templates where it is absent."
)
_CALLBACK = lenient(
    "Where the delivery callback goes instead of the account's own URL: https, on a host that the"
    " account allows."
)
_FLAG = {"type": ["boolean", "integer", "string", "null"]}
_VALUES = (
    {
        "type": ["array", "null"],
        "items": {"type": ["string", "number"]},
        "maxItems": VARIABLES_LIMIT,
    },
    {
        "type": "object",
        "additionalProperties": {"type": ["string", "number"]},
        "maxProperties": VARIABLES_LIMIT,
    },
)
_VARIABLES = "Values of the template's variables in order, or an object of them (`1`, `2`, ...)."
_VALIDITY = {
    "type": ["integer", "string", "null"],
    "minimum": VALIDITY_S.start,
    "maximum": VALIDITY_S.stop - 1,
    "description": "Seconds after which the message is not delivered any more; 24 hours if absent.",
}
_CAMPAIGN = lenient(
    f"Your campaign's id, at most {CAMPAIGN_ID_LIMIT} characters.", maxLength=CAMPAIGN_ID_LIMIT
)

_SHORTEN_URLS: Schema = {
    **_FLAG,
    "description": "Whether URLs in the text become short links on the account's short domain,"
    " whose clicks are told; what the account does by default where absent. At most"
    f" {URLS_PER_MESSAGE} different URLs in a text, each of {URL_LIMIT:,} characters at most.",
}
ICS_OPTIONS: Schema = {
    "smstype": lenient(
        "`otp`, `transactional`, `service implicit`, `service explicit` or `promotional`; also"
        " TRAI's letters `T`, `SI`, `SE`, `P`. What the header or template says where absent.",
        examples=["service implicit"],
    ),
    "campaignid": _CAMPAIGN,
    "scheduletime": {
        "type": ["string", "null"],
        "description": "When to send, at most 30 days ahead: `2026-01-31 18:30:00` in IST, or ISO"
        " 8601 with its offset.",
    },
    "validity": _VALIDITY,
    "templatevariables": {
        "description": f"{_VARIABLES} Also a string: such JSON, or values separated by `|`. The"
        " text is made of the registered template where `smstext` is absent.",
        "anyOf": [*_VALUES, {"type": "string"}],
    },
    "allowunicode": {
        **_FLAG,
        "description": "Whether a text may go out in UCS-2: `true`, `false`, `1` or `0`.",
    },
    "urlshortening": _SHORTEN_URLS,
    "shorten_urls": {**_FLAG, "description": "The same as `urlshortening`."},
}
_ICS_TEXT = lenient("The text.", examples=["Hello"])
_ICS_MESSAGE: Schema = {
    "to": _TO,
    "from": _FROM,
    "peid": _PE_ID,
    "templateid": _TEMPLATE_ID,
    "dlrurl": _CALLBACK,
    **ICS_OPTIONS,
}
_ICS_RECORD: Schema = {"smstext": _ICS_TEXT, "smsgid": _CLIENT_REF, **_ICS_MESSAGE}
_ICS_CREDENTIALS: Schema = {
    "user": lenient("The user name, unless a header authenticates."),
    "pass": lenient("Its secret."),
}
SMPP_FIELDS: Schema = {"text": _ICS_TEXT, "smsmsgid": _CLIENT_REF, **_ICS_MESSAGE}
SMPP_CREDENTIALS: Schema = {
    "username": lenient("The user name, unless a header authenticates."),
    "password": lenient("Its secret."),
}
_NATIVE: Schema = {
    "to": _TO,
    "from": _FROM,
    "text": lenient("The text; or a registered `template_id` and `variables`.", examples=["Hello"]),
    "client_ref": _CLIENT_REF,
    "pe_id": _PE_ID,
    "template_id": _TEMPLATE_ID,
    "callback_url": _CALLBACK,
    "category": {
        "type": ["string", "null"],
        "description": "What kind of message it is, in any spelling of these words; what the header"
        " or template says where absent.",
        "examples": [*map(str, Category)],
    },
    "campaign_id": _CAMPAIGN,
    "send_at": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "When to send, at most 30 days ahead: ISO 8601 with an offset or Z.",
    },
    "validity_period_s": _VALIDITY,
    "variables": {"description": _VARIABLES, "anyOf": [*_VALUES]},
    "shorten_urls": _SHORTEN_URLS,
}


def _batch(name: str, record: str, properties: Schema, **more: Any) -> Schema:
    rows = {
        "type": "array",
        "items": ref(record),
        "minItems": 1,
        "maxItems": RECORD_LIMIT,
        "description": f"1 to {RECORD_LIMIT:,} messages.",
    }
    return _object({name: rows, **properties}, name, **more)


def _object(properties: Schema, *required: str, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def form(properties: Schema) -> Schema:
    """Return the schema of a form with these fields, all of them strings."""
    strings = {
        name: {
            **text(),
            **{key: schema[key] for key in ("description", "examples") if key in schema},
        }
        for name, schema in properties.items()
    }
    return {"type": "object", "properties": strings}


SCHEMAS: Schema = {
    "IcsRecord": _object(_ICS_RECORD, "to"),
    "IcsBatch": _batch(
        "smstosend",
        "IcsRecord",
        {
            **_ICS_CREDENTIALS,
            "dlrurl": {**_CALLBACK, "description": "For the records that name none of their own."},
            **{name: _ICS_RECORD[name] for name in ("from", "smstext", "peid", "templateid")},
            **ICS_OPTIONS,
        },
    ),
    "IcsSingle": _object({**_ICS_CREDENTIALS, **_ICS_RECORD}, "to", "from"),
    "IcsForm": form(
        {
            **_ICS_CREDENTIALS,
            **_ICS_RECORD,
            "smstosend": text("In place of one message's fields: the JSON array of a batch."),
        }
    ),
    "SmppMessage": _object({**SMPP_CREDENTIALS, **SMPP_FIELDS}, "to", "from"),
    "SmppForm": form({**SMPP_CREDENTIALS, **SMPP_FIELDS}),
    "Message": text("What to do, and what more there is to say.", minLength=1),
    "NewMessage": _object(_NATIVE, "to", "from", additionalProperties=False),
    "NewMessages": _batch("messages", "NewMessage", {}, additionalProperties=False),
    "WebEngageMessage": _object(
        {
            "version": text(enum=list(VERSIONS)),
            "smsData": _object(
                {
                    "toNumber": _TO,
                    "fromNumber": _FROM,
                    "body": lenient("The text.", examples=["Hello"]),
                },
                "toNumber",
                "fromNumber",
                "body",
            ),
            "metadata": {
                "type": ["object", "null"],
                "properties": {
                    "campaignType": {
                        "type": ["string", "null"],
                        "enum": ["TRANSACTIONAL", "PROMOTIONAL", None],
                        "description": "`TRANSACTIONAL` leaves it to the header or template.",
                    },
                    "timestamp": lenient("Ignored."),
                    "messageId": _CLIENT_REF,
                    "custom": {"type": ["object", "null"], "description": "Ignored."},
                    "indiaDLT": {
                        "type": ["object", "null"],
                        "properties": {
                            "contentTemplateId": _TEMPLATE_ID,
                            "principalEntityId": _PE_ID,
                            "telemarketerId": lenient("Ignored: the account has its own."),
                        },
                    },
                },
            },
        },
        "version",
        "smsData",
    ),
}
