"""Kind `kannel`: Kannel's `sendsms`, for operators that are reached by SMPP.

Submit: POST to sendsms, the text as the body in UTF-8, all else in X-Kannel-* headers (user guide,
"Using the HTTP interface to send SMS messages"); a GET would leave password, number and text in the
logs of proxies. Kannel encodes the text, splits it into segments and adds their headers: its
sendsms-user needs `concatenation = true` and `max-messages` of at least the option of that name,
since it drops segments beyond that. DLT ids go into `meta-data`, as TLVs of SMPP.

The answer is plain text: 202 and `0: Accepted for delivery`, `3: Queued for later delivery`, or
`Sent.` if smsbox does not wait for bearerbox; 403 `Not routable.` and `Authorization failed`;
503 `Temporal failure`; 400 with the error. It contains no id.

Receipts: a GET of the dlr-url that we gave, with its escapes filled in: our reference, %d (the
event), %F (the SMSC's id), %A (the SMSC's answer: a receipt's text in SMPP's words, or
NACK/0x.../reason), %T (Unix time) and, where one of its TLVs is the operator, %D (meta-data). They
come in any order, and only for the first segment of a long message, except that a refusal (16) of
any segment is reported. smsbox repeats the GET of a failed receipt only if `http-request-retry` is
set.

Inbound messages: configure an sms-service with the get-url
https://.../inbound/<carrier>/<token>?from=%p&to=%P&text=%b&charset=%C&t=%T&id=%I and
`max-messages = 0`.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlencode

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer
from harkara.base.ids import ReferenceSigner
from harkara.carriers import receipts
from harkara.carriers.base import Request, RequestingCarrier
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.receipts import (
    ReceiptRequest,
    ReceivedMessages,
    ReceivedReceipts,
    Report,
    collect,
    inbound,
    member,
)
from harkara.carriers.settings import CarrierSettings, KannelOptions
from harkara.carriers.times import time_of
from harkara.model.messages import Lane, State, lane_of
from harkara.text.segments import Encoding, measure

# Events of dlr-mask. 34 and 66 (2 with a cause) come from Kannel's later releases.
STATES: Mapping[str, State | None] = {
    "1": State.DELIVERED,
    "2": State.FAILED,
    "4": None,
    "8": None,
    "16": State.FAILED,
    "34": State.EXPIRED,
    "66": State.UNKNOWN,
    # Event 2 with a more exact state in the SMSC's text.
    "2 EXPIRED": State.EXPIRED,
    "2 DELETED": State.CANCELLED,
    "2 UNKNOWN": State.UNKNOWN,
}

# The code of a refusal (event 16) is SMPP's command status (3.4 section 5.1.3).
FAILURES: Mapping[str, Code] = {**receipts.FAILURES, "0x0000000b": Code.UNKNOWN_SUBSCRIBER}

_TAKEN = (b"0: Accepted for delivery", b"3: Queued for later delivery", b"Sent.")
_NOT_ROUTABLE = b"Not routable"
_FULL = b"Temporal failure"
_REFUSED_EVENT = "16"
_NACK = re.compile(r"NACK/(0x[0-9A-Fa-f]{8})/")
_CODINGS = {Encoding.GSM7: "0", Encoding.UCS2: "2"}
_ESCAPES = "d=%d&id=%F&a=%A&t=%T"
# Groups of meta-data: `?orig_msg?dlr_mask=19&?smpp?operator=AIRTEL&dlr_err=%03%00%00&`.
_GROUP = re.compile(r"\?(\w+)\?([^?]*)")


class KannelCarrier(RequestingCarrier):
    """Submits to Kannel's smsbox, one message a request."""

    async def _submit(self, submissions: Sequence[Submission], timeout_s: float) -> list[Outcome]:
        (submission,) = submissions
        if submission.message.segment_count > self._options.max_messages:  # Kannel would truncate
            return [Refused(Code.TEXT_TOO_LONG, "")]
        return await super()._submit(submissions, timeout_s)

    def _request(self, submissions: Sequence[Submission]) -> Request:
        (submission,) = submissions
        message, options = submission.message, self._options
        urgent = lane_of(submission.category) is Lane.PRIORITY
        escapes = f"{_ESCAPES}&m=%D" if options.operator_tlv else _ESCAPES
        values = {
            "username": self._settings.username,
            "password": self._secrets.password,
            "from": message.sender_id,
            "to": message.to,
            "coding": _CODINGS[measure(message.text).encoding],
            "dlr-mask": str(options.dlr_mask),
            "dlr-url": f"{self._secrets.receipt_url}?ref={submission.reference}&{escapes}",
            "account": submission.account_id,
            "priority": str(options.urgent_priority if urgent else options.priority),
            "validity": str(-(-submission.validity_s // 60) or ""),
            "meta-data": _meta_data(submission, options),
            **options.parameters,
        }
        headers = {f"x-kannel-{name}": value for name, value in values.items() if value}
        headers["content-type"] = "text/plain; charset=UTF-8"
        return Request("POST", self._settings.url, headers, message.text.encode())

    def _outcomes(
        self, answer: HttpAnswer, by_status: Outcome | None, submissions: Sequence[Submission]
    ) -> list[Outcome]:
        body = answer.body.lstrip()
        if answer.status == 202 and body.startswith(_TAKEN):
            return [Taken("")]
        if answer.status == 403 and body.startswith(_NOT_ROUTABLE):
            return [Refused(Code.REFUSED_BY_CARRIER, "403")]
        if answer.status == 503 and body.startswith(_FULL):  # bearerbox did not store it
            return [NotTaken()]
        return [by_status or InDoubt()]

    @property
    def _options(self) -> KannelOptions:
        return self._settings.kannel or KannelOptions()


def parse_receipts(
    request: ReceiptRequest, settings: CarrierSettings, signer: ReferenceSigner
) -> ReceivedReceipts:
    """Return the receipt of a request. Raises nothing: an unreadable one counts as foreign."""
    failures = {**FAILURES, **settings.failures}
    report = _report(request.query, settings.states)
    if settings.kannel and settings.kannel.operator_tlv:
        report = report._replace(operator=_operator(request.query, settings.kannel.operator_tlv))
    return collect([report], {**STATES, **settings.states}, failures, signer)


def parse_inbound(request: ReceiptRequest, settings: CarrierSettings) -> ReceivedMessages:
    """Return the inbound message of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    entry = {name: values[0] for name, values in request.query.items()}
    # Kannel escapes the raw bytes of a UCS-2 text: bytes that are not UTF-8 arrive as surrogates.
    raw = entry.get("text", "").encode("utf-8", "surrogateescape")
    charset = "utf-16-be" if entry.get("charset", "").upper() == "UTF-16BE" else "utf-8"
    entry["text"] = raw.decode(charset, "replace")
    return inbound([entry], member, ("from", "to", "text", "t", "id"))


def answer(received: ReceivedReceipts, settings: CarrierSettings) -> HttpAnswer:
    """Return 200 with an empty body: smsbox may send a text in the answer to the phone."""
    return HttpAnswer(200, {"content-type": "text/plain"}, b"")


def _meta_data(submission: Submission, options: KannelOptions) -> str:
    message = submission.message
    tlvs = {
        options.pe_id_tlv: message.pe_id,
        options.template_id_tlv: message.dlt_template_id,
        options.chain_hash_tlv: submission.chain_hash,
    }
    present = {name: value for name, value in tlvs.items() if name and value}
    return f"?smpp?{urlencode(present)}" if present else ""


def _report(query: Mapping[str, Sequence[str]], states: Mapping[str, State | None]) -> Report:
    reference, event, text, at = (query.get(name, ("",))[0] for name in ("ref", "d", "a", "t"))
    at_s = time_of(at)
    if event == _REFUSED_EVENT:
        status = _NACK.match(text)
        carrier_code, code = status[1].lower() if status else "", Code.REFUSED_BY_CARRIER
        return Report(reference, event, at_s, carrier_code, code=code, words=text)
    stat, error = receipts.status_and_error(text)
    if stat in states:  # the settings override our reading of the SMSC's words
        return Report(reference, stat, at_s, error)
    detailed = f"{event} {stat}"
    state = detailed if detailed in STATES else event
    return Report(reference, state, at_s, error, words=stat)


def _operator(query: Mapping[str, Sequence[str]], name: str) -> str:
    """Return the value of a TLV in a receipt's meta-data, "" if it has none, or no plain text."""
    groups = dict(_GROUP.findall(query.get("m", ("",))[0]))
    operator = parse_qs(groups.get("smpp", "")).get(name, [""])[0].strip()
    return operator if operator.isprintable() else ""
