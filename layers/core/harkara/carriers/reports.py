"""What all carriers' receipts have in common: requests into entries, entries into receipts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from harkara.codes import Code
from harkara.errors import ForeignReference, RequestRefused
from harkara.ids import ReferenceSigner
from harkara.jsons import decode
from harkara.messages import State
from harkara.received import InboundMessage, ReceiptRequest, ReceivedMessages, ReceivedReceipts
from harkara.tasks import Receipt

CARRIER_CODE_LIMIT = 64
CARRIER_ID_LIMIT = 256
_FIELDS_LIMIT = 20_000
_TIME_DIGITS = 13
_CODES = {
    State.EXPIRED: Code.EXPIRED,
    State.CANCELLED: Code.CANCELLED,
    State.UNKNOWN: Code.NO_RECEIPT,
}


class Report(NamedTuple):
    """An entry in the carrier's words: whose it is, by our reference or its id, and what it says.

    `code` is what a failure means where no table of codes says it.
    """

    reference: str
    status: str
    at_s: int = 0
    carrier_code: str = ""
    carrier_id: str = ""
    code: Code = Code.UNDELIVERED


def document_of(request: ReceiptRequest) -> Any:
    """Return what a request holds: the JSON of its body, or the rows of a form or of its query.

    A name that a form repeats makes rows; one that it does not repeat is in each of them. What
    the query holds beside a body is in each entry that is an object. Raises
    RequestRefused(INVALID_RECEIPT).
    """
    body = request.body.strip()
    try:
        if not body:
            return _rows(request.query)
        if body[:1] not in (b"{", b"["):
            form = parse_qs(body.decode(), True, strict_parsing=True, max_num_fields=_FIELDS_LIMIT)
            return _rows({**request.query, **form})
        shared = {name: values[0] for name, values in request.query.items()}
        document = decode(body)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_RECEIPT) from error
    if isinstance(document, dict):
        return {**shared, **document}
    return [{**shared, **entry} if isinstance(entry, dict) else entry for entry in document]


def collect(
    reports: Iterable[Report | None],
    states: Mapping[str, State | None],
    failures: Mapping[str, Code],
    signer: ReferenceSigner,
) -> ReceivedReceipts:
    """Return what reports are by these tables; None is an entry of no message of ours."""
    receipts: list[Receipt] = []
    by_carrier_id: list[tuple[str, Receipt]] = []
    intermediate_count = foreign_count = unknown_count = 0
    for report in reports:
        whose = _whose(report, signer) if report else None
        if report is None or whose is None:
            foreign_count += 1
        elif report.status not in states:
            unknown_count += 1
        elif (state := states[report.status]) is None:
            intermediate_count += 1
        else:
            carrier_code = report.carrier_code[:CARRIER_CODE_LIMIT]
            code = _code(state, carrier_code, failures, report.code)
            receipt = Receipt(*whose, state, report.at_s, code, carrier_code)
            if receipt.mid:
                receipts.append(receipt)
            else:
                by_carrier_id.append((report.carrier_id, receipt))
    return ReceivedReceipts(
        receipts, intermediate_count, foreign_count, unknown_count, tuple(by_carrier_id)
    )


def inbound(
    entries: Iterable[Any], read: Callable[[Any, str], Any], names: Sequence[str]
) -> ReceivedMessages:
    """Return the inbound messages of entries; `names` are of sender, receiver, text and time.

    Raises RequestRefused(INVALID_RECEIPT) where one lacks sender or receiver.
    """
    messages = []
    for entry in entries:
        sender, receiver, text, at = (text_of(read(entry, name)) for name in names)
        if not sender or not receiver:
            raise RequestRefused(Code.INVALID_RECEIPT, "It names no sender, or no receiver.")
        messages.append(InboundMessage(sender, receiver, text, seconds(at)))
    return ReceivedMessages(messages)


def member(entry: Any, name: str) -> Any:
    """Return an object's member, None where there is none."""
    return entry.get(name) if isinstance(entry, dict) else None


def text_of(value: Any) -> str:
    """Return a JSON value as text; "" for null, an array or an object."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def seconds(value: Any) -> int:
    """Return a time in Unix seconds, 0 where there is none; milliseconds show by their size."""
    text = text_of(value)
    number = int(text) if text.isdecimal() and len(text) <= _TIME_DIGITS else 0
    return number // 1000 if number >= 10**11 else number


def _whose(report: Report, signer: ReferenceSigner) -> tuple[str, int] | None:
    if report.carrier_id:
        return ("", 0) if len(report.carrier_id) <= CARRIER_ID_LIMIT else None
    try:
        return signer.verify(report.reference)
    except ForeignReference:
        return None


def _code(state: State, carrier_code: str, failures: Mapping[str, Code], otherwise: Code) -> str:
    if state is State.DELIVERED:
        return ""
    if state is not State.FAILED:
        return _CODES[state]
    return failures.get(carrier_code, failures.get(carrier_code.lstrip("0"), otherwise))


def _rows(columns: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    if not columns:
        raise ValueError("nothing was sent")
    count = max(map(len, columns.values()))
    if any(len(values) not in (1, count) for values in columns.values()):
        raise ValueError("names are repeated unequally often")
    return [
        {name: values[row if len(values) > 1 else 0] for name, values in columns.items()}
        for row in range(count)
    ]
