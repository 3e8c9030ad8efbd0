"""Supabase's "Send SMS Hook", `POST /hooks/supabase` (docs/integrations/supabase.md): one OTP.

{"user": {"id": "...", "phone": "919876543210"}, "sms": {"otp": "561166", "phone": "..."}}

{}
{"error": {"http_code": 400, "message": "...", "code": "INVALID_NUMBER"}}

The header and the text stand in the hook's URL, because the hook sends neither. Supabase shows the
message of an error to its own client only in an answer of 200; after 503 it calls again.
"""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from harkara.accept.formats.options import refuse_dry_run
from harkara.accept.formats.record_parsing import object_of, top_level
from harkara.accept.formats.shapes import ClientRef, From, Text, example
from harkara.accept.requests import Options, Record, SendRequest
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import Advice, RequestRefused
from harkara.base.json import encode
from harkara.model.messages import Category

OTP_MARK = "{otp}"
ACCEPTED = encode({})
_TEXT_RULE = f"(text: the message, with {OTP_MARK} in place of the code; or a template_id)"
# Supabase gives the statuses of these a meaning of their own, or never causes them.
_WITH_OWN_STATUS = (
    Code.UNAUTHORIZED,
    Code.METHOD_NOT_ALLOWED,
    Code.TRY_AGAIN,
    Code.INTERNAL_ERROR,
)


_SUPABASE = {
    "user": {"id": "6481a5c1-3d37-4a56-9f6a-bee08c554965", "phone": "919876543210"},
    "sms": {"otp": "561166"},
}


class SupabaseUser(TypedDict, total=False):
    """The user who signs in; other fields are ignored."""

    id: ClientRef
    phone: Annotated[Text, Field(description="The number, with its country code.")]


class SupabaseSms(TypedDict):
    """What to send."""

    otp: Annotated[str | int, Field(description="The code.")]
    phone: NotRequired[
        Annotated[Text, Field(description="The number, if it is not the user's present one.")]
    ]


@with_config(example(_SUPABASE))
class SupabaseHook(TypedDict):
    """A call of Supabase's "Send SMS Hook"."""

    user: SupabaseUser
    sms: SupabaseSms


_From = TypedDict("_From", {"from": From}, total=False)


class SupabaseQuery(_From, total=False):
    """The settings in the hook's URL."""

    text: Annotated[
        str,
        Field(
            description="The text, with `{otp}` in place of the code; if absent, that of the"
            " template.",
            examples=["{otp} is your code for Acme."],
        ),
    ]
    template_id: Annotated[
        str, Field(description="The DLT template's id; if absent, it is found for the text.")
    ]


class SupabaseAccepted(TypedDict):
    """The OTP was accepted."""


class SupabaseError(TypedDict):
    """Why the OTP was refused, and the status that Supabase gives its own client."""

    http_code: int
    message: Advice
    code: Code


class SupabaseRefused(TypedDict):
    """The OTP was refused."""

    error: SupabaseError


def parse(body: str | bytes, query: Mapping[str, str]) -> SendRequest:
    """Parse the hook's body, with the settings in its URL's query. Raises RequestRefused."""
    hook = object_of(body)
    refuse_dry_run(query)
    user, sms = _part(hook, "user"), _part(hook, "sms")
    otp = top_level(sms, "otp")
    if not otp:
        raise RequestRefused(Code.INVALID_REQUEST, "(sms.otp: the code)")
    text, template_id = query.get("text", ""), query.get("template_id", "")
    if (text and OTP_MARK not in text) or not (text or template_id):
        raise RequestRefused(Code.INVALID_REQUEST, _TEXT_RULE)
    # A change of number names the new one here, and in `user` still the old one.
    phone = top_level(sms, "phone") or top_level(user, "phone")
    record = Record(
        # Supabase stores numbers without "+", but with their country code.
        to=f"+{phone.lstrip('+')}",
        sender_id=query.get("from", "").strip(),
        text=text.replace(OTP_MARK, otp),
        client_ref=top_level(user, "id"),
        dlt_template_id=template_id,
        options=Options(category=Category.OTP, variables=() if text else (("1", otp),)),
    )
    return SendRequest([record], single=True)


def key_of(query: str, body: bytes) -> str:
    """Return the key of a call: one that got no answer is repeated with another webhook-id."""
    return f"supabase {hashlib.sha256(query.encode() + body).hexdigest()}"


def refusal(refused: RequestRefused) -> tuple[int, bytes]:
    """Return the HTTP status and the answer to a refused OTP or request."""
    http_code = MEANINGS[refused.code].http_status
    body: SupabaseRefused = {
        "error": {"http_code": http_code, "message": refused.message, "code": refused.code}
    }
    status = http_code if refused.code in _WITH_OWN_STATUS else HTTPStatus.OK
    return status, encode(body)


def _part(hook: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = hook.get(name)
    if not isinstance(part, dict):
        raise RequestRefused(Code.INVALID_REQUEST, f"({name}: an object)")
    return part
