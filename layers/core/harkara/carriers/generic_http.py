"""Kind `http`: any other provider, described by configuration alone (see `http_options`).

Submit: one message a request, its values filled into URL, query, headers, and a form, JSON or XML.
The answer is JSON, XML, a form, or text split into an array; the options name the id, the status
and the error in it. Receipts are JSON, XML, a form or a query, with one or more entries.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.base.json import decode, encode
from harkara.carriers.base import Request, RequestingCarrier, outcome_of_status, retry_after_s
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.documents import document_of, json_of, text_in, xml_of
from harkara.carriers.filling import (
    Values,
    as_text,
    fill,
    fill_fields,
    fill_json,
    fill_xml,
    misplaced,
    values_of,
)
from harkara.carriers.http_options import AnswerOptions, HttpOptions, ReceiptOptions, normal_id
from harkara.carriers.receipts import (
    CARRIER_CODE_LIMIT,
    ReceiptRequest,
    ReceivedMessages,
    ReceivedReceipts,
    Report,
    collect,
    inbound,
    text_of,
)
from harkara.carriers.settings import CarrierSettings
from harkara.carriers.times import time_of
from harkara.model.messages import State

# Added to the states of the options; the failures are in the options too. The leading blank keeps
# it apart from states in receipts, which are stripped.
_PART_DELIVERED = " a part of it was delivered"
STATES: Mapping[str, State | None] = {_PART_DELIVERED: None}


class ConfiguredCarrier(RequestingCarrier):
    """Submits to a provider as its options describe.

    A message is refused without a request if a value would change the structure of the URL's path,
    or if the provider takes only its own templates and the message matches none.
    """

    async def _exchanged(
        self, submissions: Sequence[Submission], timeout_s: float
    ) -> list[Outcome]:
        (submission,) = submissions
        try:
            values = self._values(submission)
        except RequestRefused as refused:
            return [Refused(refused.code, "")]
        if names := misplaced(self._settings.url, values):
            code = Code.INVALID_HEADER if "from" in names else Code.REFUSED_BY_CARRIER
            return [Refused(code, f"not for a URL: {', '.join(names)}"[:CARRIER_CODE_LIMIT])]
        return await super()._exchanged(submissions, timeout_s)

    def _values(self, submission: Submission) -> Values:
        options = _options(self._settings)
        return values_of(submission, self._settings.username, self._secrets, options)

    def _request(self, submissions: Sequence[Submission]) -> Request:
        (submission,) = submissions
        options, values = _options(self._settings), self._values(submission)
        quoted = {name: quote(as_text(value), safe="") for name, value in values.items()}
        url = fill(self._settings.url, quoted)
        query = urlencode(fill_fields(options.query, values))
        if query:
            url += ("&" if "?" in url else "?") + query
        headers = {
            name.lower(): value for name, value in fill_fields(options.headers, values).items()
        }
        body = b""
        if options.json_body is not None:
            body = encode(fill_json(options.json_body, values))
            headers = {"content-type": "application/json", **headers}
        elif options.xml_body:
            body = fill_xml(options.xml_body, values).encode()
            headers = {"content-type": "text/xml; charset=utf-8", **headers}
        elif options.form:
            body = urlencode(fill_fields(options.form, values)).encode()
            headers = {"content-type": "application/x-www-form-urlencoded", **headers}
        return Request(options.method, url, headers, body)

    def _outcomes(self, answer: HttpAnswer, submissions: Sequence[Submission]) -> list[Outcome]:
        options = _options(self._settings).answer
        document = _read_answer(answer.body, options)
        failures = {**options.failures, **self._settings.failures}
        return [_outcome(answer, document, options, failures)]


def parse_receipts(
    request: ReceiptRequest, settings: CarrierSettings, signer: ReferenceSigner
) -> ReceivedReceipts:
    """Return the receipts of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    options = _options(settings).receipts
    entries = _entries(request, options.entries, options.nested)
    reports = [_report(entry, options, settings) for entry in entries]
    failures = {**options.failures, **settings.failures}
    return collect(reports, {**options.states, **STATES}, failures, signer)


def parse_inbound(request: ReceiptRequest, settings: CarrierSettings) -> ReceivedMessages:
    """Return the inbound messages of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    options = _options(settings).inbound
    if options is None:
        raise RequestRefused(Code.INVALID_RECEIPT, "This carrier brings no inbound messages.")
    pointers = (options.sender, options.receiver, options.text, options.time, options.id)
    return inbound(
        _entries(request, options.entries),
        lambda entry, pointer: _at(entry, pointer) if pointer else None,
        pointers,
        lambda text: time_of(text, options.utc_offset_minutes, options.time_format),
    )


def answer(received: ReceivedReceipts, settings: CarrierSettings) -> HttpAnswer:
    """Return the answer that the provider expects, by the options."""
    options = _options(settings).receipts
    return HttpAnswer(
        options.answer_status, {"content-type": options.answer_type}, options.answer.encode()
    )


def _options(settings: CarrierSettings) -> HttpOptions:
    if settings.http is None:
        raise TypeError("settings of another kind")
    return settings.http


def _read_answer(body: bytes, options: AnswerOptions) -> Any:
    """Return an answer as a JSON value; None if it does not have the configured format."""
    try:
        if options.format == "json":
            return decode(text_in(body).strip())
        if options.format == "xml":
            return xml_of(body.strip())
        text = text_in(body).strip()
        if options.format == "text":
            return [part.strip() for part in text.split(options.separator)]
        return {name: values[0] for name, values in parse_qs(text, strict_parsing=True).items()}
    except ValueError:
        return None


def _outcome(
    answer: HttpAnswer,
    document: Any,
    options: AnswerOptions,
    failures: Mapping[str, Code],
) -> Outcome:
    error = text_of(_at(document, options.error)) if options.error else ""
    if options.status:
        status = text_of(_at(document, options.status))
        taken, failed = status in options.taken, bool(status) and status not in options.taken
    else:
        failed = bool(error) and error not in options.no_errors
        taken = not failed
    by_status = outcome_of_status(answer)
    if failed and error in options.throttles:
        return NotTaken(retry_after_s(answer))
    if failed and error in options.doubts and by_status is None:
        return InDoubt()
    if failed and (error in failures or by_status is None):
        code = failures.get(error, Code.REFUSED_BY_CARRIER)
        return Refused(code, error[:CARRIER_CODE_LIMIT])
    if isinstance(by_status, Refused) and error:
        return by_status._replace(carrier_code=error[:CARRIER_CODE_LIMIT])
    if by_status is not None:
        return by_status
    carrier_id = _cut(text_of(_at(document, options.id)), options) if options.id else ""
    if not taken or (options.id and not carrier_id):
        return InDoubt()
    return Taken(carrier_id)


def _report(entry: Any, options: ReceiptOptions, settings: CarrierSettings) -> Report | None:
    def read(pointer: str) -> str:
        return text_of(_at(entry, pointer)) if pointer else ""

    carrier_id = segment = ""
    if options.counts_segments or not settings.echoes_reference:
        carrier_id = normal_id(_cut(read(options.id), options), options.id_base or settings.id_base)
        if not carrier_id:
            return None
    if options.counts_segments:
        segment = blake2b(carrier_id.encode(errors="surrogatepass"), digest_size=8).hexdigest()
        carrier_id = ""
    status = read(options.state).strip().lower()
    unfinished = read(options.part) not in ("", read(options.parts))
    if unfinished and options.states.get(status) is State.DELIVERED:
        status = _PART_DELIVERED
    at_s = time_of(read(options.time), options.utc_offset_minutes, options.time_format)
    report = Report(read(options.reference), status, at_s, read(options.code), carrier_id)
    return report._replace(segment=segment)


def _cut(carrier_id: str, options: AnswerOptions | ReceiptOptions) -> str:
    """Return the carrier's id, cut out of a longer text by the options."""
    if options.id_after and options.id_after in carrier_id:
        carrier_id = carrier_id.partition(options.id_after)[2]
    return carrier_id.partition(options.id_before)[0] if options.id_before else carrier_id


def _entries(request: ReceiptRequest, pointer: str, nested: str = "") -> list[Any]:
    """Return the entries of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    entries = _array(_at(document_of(request), pointer))
    if not nested:
        return entries
    return [
        {**entry, **each} if isinstance(each, dict) else each
        for entry in entries
        if isinstance(entry, dict)
        for each in _array(_at(entry, nested))
    ]


def _array(value: Any) -> list[Any]:
    """Return a value as an array: a single object, or JSON or XML in a text, is converted."""
    try:
        if isinstance(value, str):
            value = xml_of(value.encode()) if value.lstrip()[:1] == "<" else json_of(value)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_RECEIPT) from error
    if not isinstance(value, list | dict):
        raise RequestRefused(Code.INVALID_RECEIPT)
    return value if isinstance(value, list) else [value]


def _at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901); None if there is none."""
    for name in pointer.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and len(name) < 6:
            document = document[int(name)] if int(name) < len(document) else None
        else:
            return None
    return document
