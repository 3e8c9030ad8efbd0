"""Convert the entries of carriers' requests into receipts and inbound messages, for all kinds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import ForeignReference, RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.carriers.received import InboundMessage, ReceivedMessages, ReceivedReceipts
from harkara.carriers.times import time_of
from harkara.model.messages import State
from harkara.model.tasks import Receipt

CARRIER_CODE_LIMIT = 64
CARRIER_ID_LIMIT = 256
_CODES = {
    State.EXPIRED: Code.EXPIRED,
    State.CANCELLED: Code.CANCELLED,
    State.UNKNOWN: Code.NO_RECEIPT,
}


class Report(NamedTuple):
    """A receipt entry in the carrier's terms; our reference or the carrier's id identify it.

    `at_s` is a result of `time_of`; `code` is the code of a failure that no table has. `segment`
    identifies the segment if the carrier reports each one.
    """

    reference: str
    status: str
    at_s: int = 0
    carrier_code: str = ""
    carrier_id: str = ""
    code: Code = Code.UNDELIVERED
    segment: str = ""


def collect(
    reports: Iterable[Report | None],
    states: Mapping[str, State | None],
    failures: Mapping[str, Code],
    signer: ReferenceSigner,
) -> ReceivedReceipts:
    """Return the reports as receipts by these tables; None counts as a foreign entry."""
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
            receipt = Receipt(*whose, state, report.at_s, code, carrier_code, report.segment)
            if receipt.mid:
                receipts.append(receipt)
            else:
                by_carrier_id.append((report.carrier_id, receipt))
    return ReceivedReceipts(
        receipts, intermediate_count, foreign_count, unknown_count, tuple(by_carrier_id)
    )


def inbound(
    entries: Iterable[Any],
    read: Callable[[Any, str], Any],
    names: Sequence[str],
    time: Callable[[str], int] = time_of,
) -> ReceivedMessages:
    """Return the inbound messages of entries.

    `read` returns an entry's field by name; `names` are those of sender, receiver, text, time and
    the provider's id of the message. Raises RequestRefused(INVALID_RECEIPT) if an entry lacks
    sender or receiver.
    """
    messages = []
    for entry in entries:
        sender, receiver, text, at, carrier_id = (text_of(read(entry, each)) for each in names)
        if not sender or not receiver:
            raise RequestRefused(Code.INVALID_RECEIPT, "It names no sender, or no receiver.")
        messages.append(InboundMessage(sender, receiver, text, max(0, time(at)), carrier_id))
    return ReceivedMessages(messages)


def member(entry: Any, name: str) -> Any:
    """Return a member of a JSON object; None if it is absent or the value is not an object."""
    return entry.get(name) if isinstance(entry, dict) else None


def text_of(value: Any) -> str:
    """Return a JSON value as text; "" for null, an array or an object."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


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
