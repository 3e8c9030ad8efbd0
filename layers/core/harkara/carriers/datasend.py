"""Kind `datasend`: another provider with ICS's `datasend` API, or ICS itself.

Submit: POST {"user", "pass", "smstosend": [{"to", "from", "smstext", "smsgid", "peid"?,
"templateid"?, and the chain hash under the carrier's name for it}]}, `smsgid` being our reference;
the answer is an array in the same order, each entry with `mid` or `Error` (ICS Mobile's
API, as CleverTap's page "ICS Mobile" has it; docs/carriers.md has an example).

Receipts (not publicly documented; the names are those of the request and of SMPP 3.4): an object or
an array of {"mid", "smsgid", "status", "code", "ts"} in JSON, or the same names in a form or a
query, repeated for several receipts. `status` is one of SMPP's words.

Inbound messages, in the same three forms: {"from": the phone, "to": our number, "text", "ts",
"mid": the provider's id of the message}.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer
from harkara.base.ids import ReferenceSigner
from harkara.base.json import decode, encode, text_of
from harkara.carriers import receipts
from harkara.carriers.base import Request, RequestingCarrier
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.documents import document_of, text_in
from harkara.carriers.receipts import (
    CARRIER_CODE_LIMIT,
    ReceiptRequest,
    ReceivedMessages,
    ReceivedReceipts,
    Report,
    collect,
    inbound,
    member,
)
from harkara.carriers.settings import CarrierSettings
from harkara.carriers.times import time_of

STATES = receipts.STATES

FAILURES = receipts.FAILURES

# Errors in an answer that are temporary.
THROTTLES = frozenset({"THROTTLED", "TRY_AGAIN"})


class DatasendCarrier(RequestingCarrier):
    """Submits to a `datasend` provider."""

    def _request(self, submissions: Sequence[Submission]) -> Request:
        body = encode(
            {
                "user": self._settings.username,
                "pass": self._secrets.password,
                "smstosend": [self._record(submission) for submission in submissions],
            }
        )
        return Request("POST", self._settings.url, {"content-type": "application/json"}, body)

    def _outcomes(
        self, answer: HttpAnswer, by_status: Outcome | None, submissions: Sequence[Submission]
    ) -> list[Outcome]:
        count, entries = len(submissions), _json_in(answer.body)
        if isinstance(by_status, Refused):  # one error for all records, or one each
            each = entries if isinstance(entries, list) else [entries] * count
            each = each if len(each) == count else [None] * count
            return [
                _refused(entry, self._settings, str(answer.status)) or by_status for entry in each
            ]
        if by_status is not None:
            return [by_status] * count
        if not isinstance(entries, list) or len(entries) != count:
            return [InDoubt()] * count
        return [_outcome(entry, self._settings) for entry in entries]

    def _record(self, submission: Submission) -> dict[str, str]:
        message = submission.message
        record = {
            "to": message.to,
            "from": message.sender_id,
            "smstext": message.text,
            "smsgid": submission.reference,
        }
        if message.pe_id:
            record["peid"] = message.pe_id
        if message.dlt_template_id:
            record["templateid"] = message.dlt_template_id
        if self._settings.chain_hash_field and submission.chain_hash:
            record[self._settings.chain_hash_field] = submission.chain_hash
        return record


def parse_receipts(
    request: ReceiptRequest, settings: CarrierSettings, signer: ReferenceSigner
) -> ReceivedReceipts:
    """Return the receipts of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    document = document_of(request)
    entries = document if isinstance(document, list) else [document]
    states = {**STATES, **settings.states}
    reports = [_report(entry) for entry in entries]
    return collect(reports, states, {**FAILURES, **settings.failures}, signer)


def parse_inbound(request: ReceiptRequest, settings: CarrierSettings) -> ReceivedMessages:
    """Return the inbound messages of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    document = document_of(request)
    entries = document if isinstance(document, list) else [document]
    return inbound(entries, member, ("from", "to", "text", "ts", "mid"))


class ReceiptsTaken(TypedDict):
    """The receipts are queued: how many, by kind."""

    status: Literal[True]
    receipts: Annotated[int, Field(ge=0, description="Final states.")]
    intermediate: Annotated[int, Field(ge=0, description="States that are not final.")]
    foreign: Annotated[int, Field(ge=0, description="Receipts without our reference.")]
    unknown: Annotated[int, Field(ge=0, description="States that are in no table.")]


def answer(received: ReceivedReceipts, settings: CarrierSettings) -> HttpAnswer:
    """Return an answer with the counts of the request's entries."""
    taken: ReceiptsTaken = {
        "status": True,
        "receipts": len(received.receipts),
        "intermediate": received.intermediate_count,
        "foreign": received.foreign_count,
        "unknown": received.unknown_count,
    }
    return HttpAnswer(200, {"content-type": "application/json"}, encode(taken))


def _json_in(body: bytes) -> Any:
    """Return the JSON value of an answer, None if it is none."""
    with suppress(ValueError):
        return decode(body)
    with suppress(ValueError):  # it has a mark, or is not in UTF-8
        return decode(text_in(body).strip())
    return None


def _outcome(entry: Any, settings: CarrierSettings) -> Outcome:
    refused = _refused(entry, settings)
    mid = text_of(entry.get("mid")) if isinstance(entry, dict) else ""
    return refused or (Taken(mid) if mid else InDoubt())


def _refused(entry: Any, settings: CarrierSettings, code: str = "") -> Outcome | None:
    """Return the outcome by an entry's error, None if it has none.

    `code` is the carrier's code if the error is not text.
    """
    error = entry.get("Error") if isinstance(entry, dict) else None
    if not error:
        return None
    carrier_code = text_of(error)[:CARRIER_CODE_LIMIT] or code
    if carrier_code in THROTTLES:
        return NotTaken()
    failures = {**FAILURES, **settings.failures}
    return Refused(failures.get(carrier_code, Code.REFUSED_BY_CARRIER), carrier_code)


def _report(entry: Any) -> Report | None:
    if not isinstance(entry, dict):
        return None
    return Report(
        reference=text_of(entry.get("smsgid")),
        status=text_of(entry.get("status")).strip().upper(),
        carrier_code=text_of(entry.get("code")),
        at_s=time_of(text_of(entry.get("ts"))),
    )
