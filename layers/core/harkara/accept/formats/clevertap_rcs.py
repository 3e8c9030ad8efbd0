"""CleverTap's Generic RCS API, `POST /rcs/clevertap`: a text by RCS, and the SMS behind it.

{"payloadVersion": 0.1, "msgId": "...", "to": "+919876543210", "callbackURL": "https://...",
 "rcsContent": {"senderId": "...", "customParam": [{"name": "...", "value": "..."}],
                "content": {"type": "TEXT", "text": "...", "suggestions": [
                    {"type": "OPEN_URL", "text": "...", "url": "https://..."},
                    {"type": "DIAL_PHONE", "text": "...", "phoneNumber": "+91..."}]}},
 "smsContent": {"senderId": "ACMEBK", "body": "...",
                "customParam": [{"name": "templateid", "value": "1107..."}]}}

Sources: CleverTap's pages "Generic RCS API" and "Generic RCS" (private beta). They leave open what
is answered, how `DIAL_PHONE` names its number, and what callbacks look like. So the answer is that
of ICS's API (`ics`), callbacks are those of CleverTap's page "Generic SMS", and the parameters that
a customer adds to the SMS ("SMS Body Parameters") have the names of ICS's fields.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from harkara.accept.formats import ics
from harkara.accept.formats.options import refuse_dry_run
from harkara.accept.formats.record_parsing import object_of, top_level
from harkara.accept.formats.shapes import (
    SAMPLE_TEMPLATE_ID,
    SAMPLE_TEXT,
    Body,
    CallbackUrl,
    ClientRef,
    From,
    To,
    example,
)
from harkara.accept.requests import SendRequest
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.rcs import (
    LABEL_LIMIT,
    RCS_RULE,
    SUGGESTIONS_LIMIT,
    TEXT_LIMIT,
    Rcs,
    read_rcs,
)

_OTHER_TYPES = ("RICH_CARD", "CAROUSEL", "MEDIA")
_OF_AN_SMS = ("senderId", "body", "customParam")
_CLEVERTAP = {
    "payloadVersion": 0.1,
    "msgId": "order-4711",
    "to": "+919876543210",
    "callbackURL": "https://eu1.api.clevertap.com/delivery/rcs",
    "rcsContent": {
        "senderId": "acme_agent",
        "content": {
            "type": "TEXT",
            "text": SAMPLE_TEXT,
            "suggestions": [{"type": "OPEN_URL", "text": "Track", "url": "https://acme.example/t"}],
        },
    },
    "smsContent": {
        "senderId": "ACMEBK",
        "body": SAMPLE_TEXT,
        "customParam": [{"name": "templateid", "value": SAMPLE_TEMPLATE_ID}],
    },
}


class CleverTapParameter(TypedDict):
    """A parameter that the customer added."""

    name: Annotated[
        str | int | None,
        Field(description="For the SMS: a field of `POST /datasend`, in any case."),
    ]
    value: NotRequired[Any]


class CleverTapSuggestion(TypedDict):
    """A button: `OPEN_URL` with `url`, or `DIAL_PHONE` with `phoneNumber`."""

    type: Literal["OPEN_URL", "DIAL_PHONE"]
    text: Annotated[str, Field(min_length=1, max_length=LABEL_LIMIT)]
    url: NotRequired[str | None]
    phoneNumber: NotRequired[
        Annotated[str | None, Field(description="In the form `+919876543210`.")]
    ]
    postbackData: NotRequired[Annotated[Any, Field(description="Ignored.")]]


class CleverTapText(TypedDict):
    """What goes out by RCS; CleverTap's other types are refused."""

    type: Literal["TEXT"]
    text: Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)]
    suggestions: NotRequired[
        Annotated[list[CleverTapSuggestion], Field(max_length=SUGGESTIONS_LIMIT)] | None
    ]


class CleverTapRcs(TypedDict):
    """The RCS side of a message."""

    senderId: NotRequired[
        Annotated[Any, Field(description="Ignored: the route's RCS carrier has an agent.")]
    ]
    customParam: NotRequired[Annotated[Any, Field(description="Ignored.")]]
    content: CleverTapText


class CleverTapSms(TypedDict, total=False):
    """The SMS behind it, by DLT's rules."""

    senderId: From
    body: Body
    customParam: list[CleverTapParameter] | None


@with_config(example(_CLEVERTAP))
class CleverTapMessage(TypedDict):
    """A request of CleverTap's Generic RCS API."""

    payloadVersion: NotRequired[Annotated[Any, Field(description="Ignored; 0.1 is known.")]]
    msgId: NotRequired[ClientRef]
    to: To
    callbackURL: NotRequired[CallbackUrl]
    rcsContent: CleverTapRcs
    smsContent: CleverTapSms


def parse(body: str | bytes) -> SendRequest:
    """Parse the request in a body. Raises RequestRefused for content that is not taken."""
    message = object_of(body)
    refuse_dry_run(message)
    sms = _object(message, "smsContent", "the SMS that goes where RCS does not reach the phone")
    content = _object(_object(message, "rcsContent", "an object"), "content", "an object")
    rcs = _rcs(content)
    request = ics.request_in(
        {
            **_parameters(sms),
            "to": message.get("to"),
            "from": sms.get("senderId"),
            "smstext": sms.get("body"),
            "smsgid": message.get("msgId"),
            "dlrurl": message.get("callbackURL"),
        }
    )
    (record,) = request.records
    options = record.options._replace(rcs=rcs)
    return request._replace(records=[record._replace(options=options)])


def _rcs(content: Mapping[str, Any]) -> Rcs:
    kind = top_level(content, "type").strip().upper()
    if kind != "TEXT":
        why = f"a {kind} is not taken" if kind in _OTHER_TYPES else "no other is taken"
        raise _refused("rcsContent.content.type", f"TEXT; {why}")
    buttons = [_suggestion(each) for each in _objects(content, "suggestions")]
    try:
        return read_rcs({"text": content.get("text"), "suggestions": buttons})
    except ValueError as error:
        raise _refused("rcsContent.content", RCS_RULE) from error


def _suggestion(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = top_level(given, "type").strip().upper()
    if kind == "OPEN_URL":
        return {"text": given.get("text"), "url": given.get("url")}
    if kind == "DIAL_PHONE":
        return {"text": given.get("text"), "phone": given.get("phoneNumber")}
    raise _refused("suggestions", "of type OPEN_URL or DIAL_PHONE; a REPLY is not taken")


def _parameters(sms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the customer's parameters of the SMS, in a list or beside its text, by ICS's names."""
    beside = [(name, value) for name, value in sms.items() if name not in _OF_AN_SMS]
    listed = [(top_level(each, "name"), each.get("value")) for each in _objects(sms, "customParam")]
    named = {name.lower(): value for name, value in [*beside, *listed]}
    named.pop("smstosend", None)  # there is one message
    return named


def _object(message: Mapping[str, Any], name: str, what: str) -> dict[str, Any]:
    value = message.get(name)
    if not isinstance(value, dict):
        raise _refused(name, what)
    return value


def _objects(message: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = message.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _refused(name, "an array of objects")
    return value


def _refused(name: str, what: str) -> RequestRefused:
    return RequestRefused(Code.INVALID_REQUEST, f"({name}: {what})")
