"""Harkara's own `POST /v1/messages`: many messages, or a single one in the object itself.

    {"messages": [{"to": "919876543210", "from": "ACMEBK", "text": "...", "client_ref": "...",
                   "template_id": "...", "variables": ["..."], "pe_id": "...",
                   "category": "otp", "send_at": "2026-01-31T18:30:00+05:30",
                   "validity_period_s": 3600, "callback_url": "https://...",
                   "campaign_id": "...", "shorten_urls": true, "rcs": {"text": "..."}}]}

    {"messages": [{"mid": "...", "client_ref": "...", "to": "...", "country": "IN",
                   "encoding": "GSM7", "segments": 1, "template_id": "...", "category": "otp",
                   "price": "0.25", "warning": null, "error": null}]}

A single message is answered by its element with a `status`, and that element once more in
`messages`. An unknown field is refused, with a hint at the probable one: a message whose send time
was ignored would go out at once. Null counts as absent; a whole number in place of a string is read
as its digits.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from harkara.accept.formats.options import (
    CAMPAIGN_RULE,
    DRY_RUN_RULE,
    VARIABLES_RULE,
    campaign_id,
    flag,
    meant,
    names_dry_run,
    sms_type,
    time_ms,
    validity_s,
    variables,
)
from harkara.accept.formats.record_parsing import Fields, OptionField, object_of, request_of
from harkara.accept.requests import (
    ANSWER_LIMIT_BYTES,
    SHOWN_LIMIT,
    SHOWN_REF_LIMIT,
    Record,
    RecordResult,
    SendRequest,
    answer_bytes,
)
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import Advice, Refusal, RequestRefused
from harkara.base.json import encode
from harkara.model.accounts import Account
from harkara.model.messages import Category
from harkara.model.rcs import RCS_RULE, Channel, read_rcs
from harkara.text.phone_numbers import normalise
from harkara.text.segments import Encoding, first_outside_gsm, measure

OPTIONS = {
    "category": OptionField(
        "category",
        sms_type,
        Code.INVALID_CATEGORY,
        f"one of {', '.join(Category)}",
    ),
    "campaign_id": OptionField("campaign_id", campaign_id, Code.INVALID_RECORD, CAMPAIGN_RULE),
    "send_at": OptionField(
        "send_at_ms", time_ms, Code.INVALID_SEND_TIME, "ISO 8601 with an offset or Z"
    ),
    "validity_period_s": OptionField(
        "validity_s", validity_s, Code.INVALID_VALIDITY, "whole seconds"
    ),
    "variables": OptionField("variables", variables, Code.INVALID_RECORD, VARIABLES_RULE),
    "shorten_urls": OptionField("shorten_urls", flag, Code.INVALID_RECORD, "true or false"),
    "rcs": OptionField("rcs", read_rcs, Code.INVALID_RECORD, RCS_RULE),
}
_STRINGS = ("to", "from", "text", "client_ref", "pe_id", "template_id", "callback_url")
_NAMES = (*_STRINGS, *OPTIONS)


def _unknown(name: str) -> str:
    """Return the error for an unknown field; its name is repeated only if near a known one."""
    if names_dry_run(name):
        return DRY_RUN_RULE
    if found := meant(name, (*_NAMES, "messages")):
        return f"(there is no field {name}: {found} was meant?)"
    return f"(an unknown field: there are {', '.join(_NAMES)})"


_FIELDS = Fields(_STRINGS, OPTIONS, unknown=_unknown)
_DRY_RUN_LIMIT = "(a dry run repeats the texts, here in more than 6 MB: try fewer at a time)"


class MessageError(TypedDict):
    """Why a message was refused, or failed."""

    code: Code
    message: Advice


Erased = Annotated[
    Literal[True], Field(description="Its number and text were erased at the person's request.")
]


class MessageFacts(TypedDict):
    """A message's fields, as far as they are known."""

    client_ref: str
    to: Annotated[str, Field(description="Digits with country code; of no number, as it was sent.")]
    country: Annotated[str | None, Field(description="ISO 3166 code.")]
    encoding: Encoding | None
    segments: Annotated[int | None, Field(ge=1, description="How many are billed.")]
    template_id: Annotated[str | None, Field(description="The DLT template, given or found.")]
    category: Category | None
    price: Annotated[
        str | None,
        Field(description="By the account's rate card, in its currency.", examples=["0.25"]),
    ]


class SentMessage(MessageFacts):
    """The result of one message of a request; `text` and `encoding_reason` are of a dry run."""

    mid: Annotated[
        str | None, Field(description="Our id of the message; null if refused, or in a dry run.")
    ]
    warning: Annotated[
        Code | None,
        Field(
            description="The DLT rule that the message breaks, if the account only warns; or why"
            " some operators may refuse it."
        ),
    ]
    error: MessageError | None
    rcs_price: NotRequired[
        Annotated[str, Field(description="What it costs if it is delivered by RCS.")]
    ]
    text: NotRequired[Annotated[str, Field(description="The text as it would go out.")]]
    encoding_reason: NotRequired[Annotated[str | None, Field(description="Why it takes UCS-2.")]]


Results = Annotated[
    list[SentMessage], Field(description="The result of each message, in the request's order.")
]


class SentSingle(SentMessage):
    """The result of a request with one message that stood in no list."""

    status: Literal["accepted", "refused"]
    messages: Results


class SentMessages(TypedDict):
    """The results of a request, or of a dry run."""

    messages: Results


class Error(Refusal):
    """A refused request."""

    messages: NotRequired[
        Annotated[
            list[SentMessage],
            Field(description="Of `POST /v1/messages`, if no message was accepted: why, of each."),
        ]
    ]


def parse(body: str | bytes) -> SendRequest:
    """Parse the request in a body. Raises RequestRefused for an error of the whole request."""
    request = object_of(body)
    rows = request.get("messages")
    names = {name for name, value in request.items() if value is not None}
    if strange := sorted(names.difference(_NAMES, ["messages"])):
        raise RequestRefused(Code.INVALID_REQUEST, _unknown(strange[0]))
    if rows is not None and (beside := sorted(names.intersection(_NAMES))):
        raise RequestRefused(Code.INVALID_REQUEST, f"({beside[0]}: in each of the messages)")
    if rows is None and any(request.get(name) is not None for name in _STRINGS):
        return request_of([request], _FIELDS)._replace(single=True)
    return request_of(rows, _FIELDS, "messages")


def answer(
    account: Account,
    request: SendRequest,
    results: Sequence[RecordResult],
    *,
    dry_run: bool = False,
) -> bytes:
    """Return the answer to an accepted request or a dry run: an element per record, in order.

    Raises RequestRefused if a dry run's texts are too long for an answer.
    """
    elements = _elements(account, request, results, dry_run=dry_run)
    answered: dict[str, Any] = {"messages": elements}
    if request.single:
        status = "refused" if results[0].code else "accepted"
        answered = {"status": status, **elements[0], **answered}
    body = encode(answered)
    if dry_run and answer_bytes(body) > ANSWER_LIMIT_BYTES:
        raise RequestRefused(Code.BODY_TOO_LARGE, _DRY_RUN_LIMIT)
    return body


def refusal(
    account: Account,
    request: SendRequest,
    results: Sequence[RecordResult],
    refused: RequestRefused,
) -> tuple[int, bytes]:
    """Return status and body if nothing was accepted: the common error form, and `messages`."""
    elements = _elements(account, request, results, dry_run=False)
    status = MEANINGS[refused.code].http_status
    return status, encode({**refused.body(), "messages": elements})


def _elements(
    account: Account, request: SendRequest, results: Sequence[RecordResult], *, dry_run: bool
) -> list[SentMessage]:
    return [
        _element(account, record, result, dry_run=dry_run)
        for record, result in zip(request.records, results, strict=True)
    ]


def _element(
    account: Account, record: Record, result: RecordResult, *, dry_run: bool
) -> SentMessage:
    """Return the element of a record; if refused, with the known facts of its number and text."""
    message, code = result.message, result.code
    to, country = _number(record.to)
    text = message.text if message else record.text
    measured = measure(text) if text else None
    template_id = message.dlt_template_id if message else record.dlt_template_id[:SHOWN_LIMIT]
    price = by_rcs = None
    if message and result.category:
        measures = message.to, result.category, message.segment_count
        price = account.price(*measures)
        by_rcs = account.price(*measures, Channel.RCS) if message.rcs else None
    element: SentMessage = {
        "mid": result.mid or None,
        "client_ref": record.client_ref[:SHOWN_REF_LIMIT],
        "to": to if country else record.to[:SHOWN_LIMIT],
        "country": country,
        "encoding": measured.encoding if measured else None,
        "segments": measured.segment_count if measured else None,
        "template_id": template_id or None,
        "category": result.category,
        "price": None if price is None else f"{price:f}",
        "warning": result.warning,
        "error": None,
    }
    if by_rcs is not None:
        element["rcs_price"] = f"{by_rcs:f}"
    if code:
        element["error"] = {
            "code": code,
            "message": f"{MEANINGS[code].advice} {result.detail}".strip(),
        }
    if dry_run:
        element["text"], element["encoding_reason"] = text, _encoding_reason(text)
    return element


def _number(to: str) -> tuple[str, str | None]:
    try:
        return normalise(to)
    except RequestRefused:
        return to, None


def _encoding_reason(text: str) -> str | None:
    """Return the first character that requires UCS-2; None if there is none."""
    position = first_outside_gsm(text)
    if position is None:
        return None
    return f"character {position + 1} (U+{ord(text[position]):04X}) is not in the GSM alphabet"
