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
from typing import Any

from harkara.accept.formats import ics
from harkara.accept.formats.options import DRY_RUN_RULE, names_dry_run
from harkara.accept.formats.record_parsing import object_of, top_level
from harkara.accept.requests import SendRequest
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.rcs import RCS_RULE, Rcs, read_rcs

_OTHER_TYPES = ("RICH_CARD", "CAROUSEL", "MEDIA")
_OF_AN_SMS = ("senderId", "body", "customParam")


def parse(body: str | bytes) -> SendRequest:
    """Parse the request in a body. Raises RequestRefused for content that is not taken."""
    message = object_of(body)
    if any(map(names_dry_run, message)):
        raise RequestRefused(Code.INVALID_REQUEST, DRY_RUN_RULE)
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
