"""WebEngage's private SSP, `POST /webengage` (docs/integrations/webengage.md): one message a call.

{"version": "2.0",
 "smsData": {"toNumber": "919876543210", "fromNumber": "ACMEBK", "body": "..."},
 "metadata": {"campaignType": "PROMOTIONAL", "messageId": "...",
              "indiaDLT": {"contentTemplateId": "...", "principalEntityId": "..."}}}

{"status": "sms_accepted"}
{"status": "sms_rejected", "statusCode": 2003, "message": "..."}
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from harkara.accept.formats.options import refuse_dry_run
from harkara.accept.formats.record_parsing import Fields, OptionField, object_of, request_of
from harkara.accept.formats.shapes import (
    SAMPLE_TEMPLATE_ID,
    SAMPLE_TEXT,
    Body,
    ClientRef,
    From,
    PeId,
    TemplateId,
    Text,
    To,
    example,
)
from harkara.accept.requests import SendRequest
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import Advice, RequestRefused
from harkara.base.json import encode
from harkara.model.messages import Category

OTHER = 9988
VERSIONS = ("1.0", "2.0")
# No id in the answer: WebEngage uses its own.
ACCEPTED = encode({"status": "sms_accepted"})

# WebEngage's own status for each of its codes; it retries after 429 or 5xx.
HTTP_STATUSES = {
    2000: 200,
    2001: 401,
    2002: 400,
    2003: 400,
    2004: 400,
    2005: 403,
    2006: 403,
    2007: 413,
    2008: 200,
    2009: 200,
    2010: 400,
    2011: 401,
    2015: 429,
    2022: 403,
    2024: 403,
    2025: 403,
    2026: 403,
    2027: 400,
    3000: 403,
    OTHER: 200,
}
# A transactional campaign holds service messages too: the header or template decides.
_CAMPAIGN_TYPES = {"TRANSACTIONAL": None, "PROMOTIONAL": Category.PROMOTIONAL}


_WEBENGAGE = {
    "version": "2.0",
    "smsData": {"toNumber": "919876543210", "fromNumber": "ACMEBK", "body": SAMPLE_TEXT},
    "metadata": {
        "campaignType": "TRANSACTIONAL",
        "timestamp": "2026-01-25T10:24:16+0000",
        "messageId": "order-4711",
        "indiaDLT": {"contentTemplateId": SAMPLE_TEMPLATE_ID},
    },
}


class WebEngageDlt(TypedDict, total=False):
    """The DLT fields of WebEngage's metadata."""

    contentTemplateId: TemplateId
    principalEntityId: PeId
    telemarketerId: Annotated[Text, Field(description="Ignored: the account has its own.")]


class WebEngageMetadata(TypedDict, total=False):
    """WebEngage's metadata of a message."""

    campaignType: Annotated[
        Literal["TRANSACTIONAL", "PROMOTIONAL"] | None,
        Field(description="`TRANSACTIONAL` leaves the category to the header or template."),
    ]
    timestamp: Annotated[Text, Field(description="Ignored.")]
    messageId: ClientRef
    custom: Annotated[dict[str, Any] | None, Field(description="Ignored.")]
    indiaDLT: WebEngageDlt | None


class WebEngageSms(TypedDict):
    """A message in WebEngage's format."""

    toNumber: To
    fromNumber: From
    body: Body


@with_config(example(_WEBENGAGE))
class WebEngageMessage(TypedDict):
    """A request of WebEngage's private SSP."""

    version: Literal["1.0", "2.0"]
    smsData: WebEngageSms
    metadata: NotRequired[WebEngageMetadata | None]


class WebEngageAccepted(TypedDict):
    """The message was accepted."""

    status: Literal["sms_accepted"]


class WebEngageRejected(TypedDict):
    """The message was refused, with WebEngage's code for the reason."""

    status: Literal["sms_rejected"]
    statusCode: int
    message: Advice


def _campaign_type(value: Any) -> Category | None:
    word = value.strip().upper() if isinstance(value, str) else ""
    if word not in _CAMPAIGN_TYPES:
        raise ValueError
    return _CAMPAIGN_TYPES[word]


_FIELDS = Fields(
    (
        "toNumber",
        "fromNumber",
        "body",
        "messageId",
        "principalEntityId",
        "contentTemplateId",
        "",  # no callback URL: the credential's, the header's or the account's applies
    ),
    {
        "campaignType": OptionField(
            "category", _campaign_type, Code.INVALID_CATEGORY, "TRANSACTIONAL or PROMOTIONAL"
        )
    },
)


def parse(body: str | bytes) -> SendRequest:
    """Parse the request in a body. Raises RequestRefused for an unknown version or shape."""
    request = object_of(body)
    if request.get("version") not in VERSIONS:
        raise RequestRefused(Code.UNSUPPORTED_VERSION)
    metadata = _part(request, "metadata")
    refuse_dry_run(request)
    dlt = _part(metadata, "indiaDLT")
    row = {
        **_named(dlt, "principalEntityId", "contentTemplateId"),
        **_named(metadata, "messageId", "campaignType"),
        **_named(_part(request, "smsData"), "toNumber", "fromNumber", "body"),
    }
    return request_of([row], _FIELDS)._replace(single=True)


def refusal(refused: RequestRefused) -> tuple[int, bytes]:
    """Return the HTTP status and the answer to a refused message or request."""
    meaning = MEANINGS[refused.code]
    status = HTTP_STATUSES[meaning.webengage]
    # 9988 is any other reason, and final: where our own status is more specific than 400, use that.
    if meaning.webengage == OTHER and meaning.http_status != HTTPStatus.BAD_REQUEST:
        status = meaning.http_status
    body: WebEngageRejected = {
        "status": "sms_rejected",
        "statusCode": meaning.webengage,
        "message": refused.message,
    }
    return status, encode(body)


def _part(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = request.get(name)
    if part is not None and not isinstance(part, dict):
        raise RequestRefused(Code.INVALID_REQUEST, f"({name}: an object)")
    return part or {}


def _named(part: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: part.get(name) for name in names}
