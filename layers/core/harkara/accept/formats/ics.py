"""ICS Mobile's `POST /datasend` and `/smpp` (docs/wire-formats.md): requests and answers.

    {"user": "...", "pass": "...", "dlrurl": "https://...", "scheduletime": "2026-01-31 18:30:00",
     "smstosend": [{"to": "919876543210", "from": "ACMEBK", "smstext": "...", "smsgid": "...",
                    "peid": "...", "templateid": "...", "dlrurl": "https://..."}]}

    [{"to": "...", "from": "...", "mid": "...", "smsgid": "..."},
     {"to": "...", "from": "...", "smsgid": "...", "Error": "<code>", "message": "..."}]

An option (`OPTIONS`), `from`, `smstext`, `peid` and `templateid` stand at the top for all records,
or in a record. A single record may stand in the object itself, or come as a form; the answer then
is one object. Unknown fields are ignored, with a warning if one may be meant as a send time or
validity; null counts as absent; a whole number in place of a string is read as its digits.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from pydantic import Field
from typing_extensions import TypedDict

from harkara.accept.formats.options import (
    CAMPAIGN_RULE,
    VARIABLES_RULE,
    campaign_id,
    flag,
    ist_time_ms,
    meant,
    refuse_dry_run,
    sms_type,
    template_variables,
    validity_s,
)
from harkara.accept.formats.record_parsing import (
    Fields,
    OptionField,
    check_length,
    json_of,
    object_of,
    request_of,
    top_level,
)
from harkara.accept.requests import SHOWN_LIMIT, SHOWN_REF_LIMIT, RecordResult, SendRequest
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import Advice, RequestRefused
from harkara.base.json import encode
from harkara.text.phone_numbers import with_plus

FORM = "application/x-www-form-urlencoded"

_FLAG = "true, false, 1 or 0"
OPTIONS = {
    "smstype": OptionField(
        "category",
        sms_type,
        Code.INVALID_CATEGORY,
        "otp, transactional, service implicit, service explicit, promotional or government",
    ),
    "campaignid": OptionField("campaign_id", campaign_id, Code.INVALID_RECORD, CAMPAIGN_RULE),
    "scheduletime": OptionField(
        "send_at_ms",
        ist_time_ms,
        Code.INVALID_SEND_TIME,
        "2026-01-31 18:30:00 in IST, or ISO 8601 with its offset",
    ),
    "validity": OptionField("validity_s", validity_s, Code.INVALID_VALIDITY, "whole seconds"),
    "templatevariables": OptionField(
        "variables",
        template_variables,
        Code.INVALID_RECORD,
        f"values separated by |, {VARIABLES_RULE}",
    ),
    "allowunicode": OptionField("unicode_allowed", flag, Code.INVALID_RECORD, _FLAG),
    # ICS documents the first for /smpp alone; both are accepted everywhere.
    "urlshortening": OptionField("shorten_urls", flag, Code.INVALID_RECORD, _FLAG),
    "shorten_urls": OptionField("shorten_urls", flag, Code.INVALID_RECORD, _FLAG),
}
_STRINGS = ("to", "from", "smstext", "smsgid", "peid", "templateid", "dlrurl")
_FIELDS = Fields(_STRINGS, OPTIONS, shared=("from", "smstext", "peid", "templateid"))
_SMPP_FIELDS = Fields(("to", "from", "text", "smsmsgid", "peid", "templateid", "dlrurl"), OPTIONS)
_OF_REQUESTS = ("user", "pass", "username", "password", "smstosend")
_TIMES = ("scheduletime", "validity")
# A body has room for 300,000 names; comparing them all would exceed a function's time-out.
_COMPARED = 1_000
_FORM_FIELDS_LIMIT = 100


_Request = TypedDict("_Request", {"to": str, "from": str, "smsgid": str})


class _Warned(TypedDict, total=False):
    warning: Annotated[
        str,
        Field(
            description="Which field of the request was ignored, and may be meant for"
            " `scheduletime` or `validity`."
        ),
    ]


class IcsAccepted(_Request, _Warned):
    """An accepted record; its fields are as they were sent, `smsgid` empty if it was not."""

    mid: Annotated[str, Field(description="Our id of the message.", pattern="^[0-9A-Z]+$")]


class IcsSingleAnswer(IcsAccepted):
    """The one accepted message of a request."""

    status: Literal["accepted"]


class IcsRefused(_Request):
    """A refused record."""

    Error: Code
    message: Advice


IcsAnswer = Annotated[
    list[IcsAccepted | IcsRefused],
    Field(description="The result of each record, in the request's order."),
]


class BodyCredentials(NamedTuple):
    """User and password in a request's body, empty if there are none."""

    username: str
    password: str


def opened(body: str | bytes, content_type: str) -> tuple[BodyCredentials, dict[str, Any]]:
    """Decode a body of `/datasend`; return its credentials, and its fields for `request_in`."""
    fields = _object(body, content_type)
    return BodyCredentials(top_level(fields, "user"), top_level(fields, "pass")), fields


def request_in(fields: dict[str, Any]) -> SendRequest:
    """Return the request in the fields of a body of `/datasend`."""
    rows = fields.get("smstosend")
    if rows is None and any(fields.get(name) is not None for name in _STRINGS[:-1]):
        warning = _warning([fields])
        return request_of([fields], _FIELDS)._replace(single=True, warning=warning)
    warning = _warning([fields, *(rows if isinstance(rows, list) else ())])
    read = request_of(rows, _FIELDS, "smstosend", fields)
    return read._replace(callback_url=top_level(fields, "dlrurl"), warning=warning)


def opened_smpp(
    query: str, body: str | bytes, content_type: str
) -> tuple[BodyCredentials, dict[str, Any]]:
    """Decode query and body of `/smpp`; return credentials, and fields for `smpp_request_in`."""
    fields = _form(query) | (_object(body, content_type) if body else {})
    return BodyCredentials(top_level(fields, "username"), top_level(fields, "password")), fields


def smpp_request_in(fields: dict[str, Any]) -> SendRequest:
    """Return the one record in the fields of `/smpp`."""
    warning = _warning([fields])
    return request_of([fields], _SMPP_FIELDS)._replace(single=True, warning=warning)


def answer(request: SendRequest, results: Sequence[RecordResult]) -> bytes:
    """Return the answer to an accepted request: an array in the order of its records, or one."""
    more = {"warning": request.warning} if request.warning else {}
    elements = list[dict[str, str]]()
    for record, (mid, code, detail, *_) in zip(request.records, results, strict=True):
        element = {"to": record.to[:SHOWN_LIMIT], "from": record.sender_id[:SHOWN_LIMIT]}
        if not code:
            element["mid"] = mid
        element["smsgid"] = record.client_ref[:SHOWN_REF_LIMIT]
        if code:
            advice = f"{MEANINGS[code].advice} {detail}".strip()
            element |= {"Error": code, "message": advice}
        else:
            element |= more
        elements.append(element)
    return encode({"status": "accepted", **elements[0]} if request.single else elements)


def _warning(objects: Sequence[Any]) -> str:
    """Return a warning if a name may be meant for a time. Raises RequestRefused for a dry run.

    For a dry run a warning comes too late: the message would have gone out.
    """
    names = set[str]().union(*(each for each in objects if isinstance(each, dict)))
    strange = sorted(names.difference(_OF_REQUESTS, _STRINGS, _SMPP_FIELDS.strings, OPTIONS))
    if not strange:
        return ""
    refuse_dry_run(strange)
    found = ((name, meant(name, _TIMES)) for name in strange[:_COMPARED])
    more = f"Of {len(strange)} unknown fields only {_COMPARED} were compared with ours."
    return next(
        (f"There is no field {name}: {time} was meant?" for name, time in found if time),
        more if len(strange) > _COMPARED else "",
    )


def _object(body: str | bytes, content_type: str) -> dict[str, Any]:
    """Return a body's fields: of a form if its type says so, else of a JSON object.

    A body that begins with a brace is JSON in any case: curl calls everything that it posts a form.
    """
    is_form = content_type.partition(";")[0].strip().lower() == FORM
    if not is_form or body.lstrip()[:1] in ("{", b"{"):
        return object_of(body)
    check_length(body)
    return _form(body)


def _form(text: str | bytes) -> dict[str, Any]:
    """Return the fields of a form or query; of a repeated field the last counts."""
    try:
        sound = text.encode() if isinstance(text, str) else text
        pairs = parse_qsl(sound.decode(), errors="strict", max_num_fields=_FORM_FIELDS_LIMIT)
    except ValueError as error:
        rule = f"(a form in UTF-8 of at most {_FORM_FIELDS_LIMIT} fields)"
        raise RequestRefused(Code.INVALID_REQUEST, rule) from error
    form: dict[str, Any] = dict(pairs)
    if "to" in form:
        form["to"] = with_plus(form["to"])
    if "smstosend" in form:
        form["smstosend"] = json_of(form["smstosend"])
    return form
