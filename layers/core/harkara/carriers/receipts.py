"""Receipts and inbound messages, and how each entry of a carrier's request becomes one.

SMPP's states and error codes of messages, which carriers pass on in receipts
(docs/wire-formats.md).

A delivery receipt's text is `id:... sub:001 dlvrd:001 submit date:... done date:... stat:DELIVRD
err:000 text:...` (SMPP 3.4, appendix B); operators write it in upper, lower or mixed case.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import ForeignReference, RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.base.json import text_of
from harkara.carriers.times import time_of
from harkara.model.messages import State
from harkara.model.rcs import Channel
from harkara.model.tasks import Receipt

READ = "read"
StateWord = State | Literal["read"] | None
"""The meaning of a carrier's word: a final state, delivered and opened, or none that is final."""


class ReceiptRequest(NamedTuple):
    """A request to a carrier's receipt route; header names are in lower case.

    `query` has each name's values in order; `url` is the requested URL, exactly as it was sent.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    source_ip: str = ""
    url: str = ""

    @property
    def is_probe(self) -> bool:
        """Whether the request is empty: providers test a URL in this way before they use it."""
        return not self.query and not self.body.strip()


class ReceivedReceipts(NamedTuple):
    """The final states in a carrier's receipt request, and the counts of its other entries.

    Intermediate entries have a state known not to be final, unknown ones a state that is in no
    table, and foreign ones are not of a message of ours. `by_carrier_id` are receipts that contain
    the carrier's own id, here in its normal form, instead of our reference: they lack mid and
    attempt. `confirm_url` must be fetched before the answer, to make the carrier begin to send
    receipts; `echo` is answered for the same reason. `replaced_time_count` counts the times that
    were impossible or unreadable.
    """

    receipts: list[Receipt]
    intermediate_count: int = 0
    foreign_count: int = 0
    unknown_count: int = 0
    by_carrier_id: Sequence[tuple[str, Receipt]] = ()
    confirm_url: str = ""
    replaced_time_count: int = 0
    echo: str = ""


class InboundMessage(NamedTuple):
    """A message from a phone to a number of ours; both numbers as the carrier writes them.

    `at_s` is 0 if the carrier gives no time; `carrier_id` is the carrier's id of the message or "".
    """

    sender: str
    receiver: str
    text: str
    at_s: int = 0
    carrier_id: str = ""


class ReceivedMessages(NamedTuple):
    """The inbound messages in a carrier's request; `confirm_url` as in ReceivedReceipts."""

    messages: Sequence[InboundMessage]
    confirm_url: str = ""


CARRIER_CODE_LIMIT = 64
CARRIER_ID_LIMIT = 256
OPERATOR_LIMIT = 32
_CODES = {
    State.EXPIRED: Code.EXPIRED,
    State.CANCELLED: Code.CANCELLED,
    State.UNKNOWN: Code.NO_RECEIPT,
}


WORDS_LIMIT_BYTES = 120
"""The limit of a carrier's words about a message: with them a final state stays below 1 KB."""
# What carriers repeat in their words: numbers, references and ids, secrets.
_PRIVATE = re.compile(
    r"\+?[0-9](?:[ ().-]{0,2}[0-9]){8,}|[A-Za-z0-9]{20,}\S*"
    r"|\b(?:pass(?:word|wd)?|pwd|secret|token|(?:api[ _-]?)?key)[\"']?\s?[=:]\s?\S+",
    re.IGNORECASE,
)
_READ_LIMIT = 400


def words_of(text: str) -> str:
    """Return a carrier's words in one line, bounded, without what they repeat of a message."""
    start = text[:_READ_LIMIT]
    plain = "".join(each if each.isprintable() else " " * each.isspace() for each in start)
    addressed = ("..." if "@" in each or "://" in each else each for each in plain.split())
    line = _PRIVATE.sub("...", " ".join(addressed))
    return line.encode()[:WORDS_LIMIT_BYTES].decode(errors="ignore").rstrip()


class Report(NamedTuple):
    """A receipt entry in the carrier's terms; our reference or the carrier's id identify it.

    `at_s` is a result of `time_of`; `code` is the code of a failure that no table has. `segment`
    identifies the segment if the carrier reports each one, `operator` the phone's operator. `words`
    say what happened; the status does if they are empty.
    """

    reference: str
    status: str
    at_s: int = 0
    carrier_code: str = ""
    carrier_id: str = ""
    code: Code = Code.UNDELIVERED
    segment: str = ""
    operator: str = ""
    words: str = ""


def collect(
    reports: Iterable[Report | None],
    states: Mapping[str, StateWord],
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
            final = State.DELIVERED if state == READ else State(state)
            code = words = ""
            if final is not State.DELIVERED:
                code = _code(final, carrier_code, failures, report.code)
                carrier_code = words_of(carrier_code)
                words = words_of(report.words or report.status)
            more = report.segment, report.operator[:OPERATOR_LIMIT]
            receipt = Receipt(*whose, final, report.at_s, code, carrier_code, *more, words=words)
            receipt = receipt._replace(read=True) if state == READ else receipt
            if receipt.mid:
                receipts.append(receipt)
            else:
                by_carrier_id.append((report.carrier_id, receipt))
    return ReceivedReceipts(
        receipts, intermediate_count, foreign_count, unknown_count, tuple(by_carrier_id)
    )


def by_rcs(received: ReceivedReceipts) -> ReceivedReceipts:
    """Return the receipts as those of an RCS carrier."""
    return received._replace(
        receipts=[each._replace(channel=Channel.RCS) for each in received.receipts],
        by_carrier_id=[
            (name, each._replace(channel=Channel.RCS)) for name, each in received.by_carrier_id
        ],
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


def _whose(report: Report, signer: ReferenceSigner) -> tuple[str, int] | None:
    if report.carrier_id:
        return ("", 0) if len(report.carrier_id) <= CARRIER_ID_LIMIT else None
    try:
        return signer.verify(report.reference)
    except ForeignReference:
        return None


def _code(state: State, carrier_code: str, failures: Mapping[str, Code], otherwise: Code) -> str:
    if state is not State.FAILED:
        return _CODES[state]
    return failures.get(carrier_code, failures.get(carrier_code.lstrip("0"), otherwise))


# SMPP 3.4 section 5.2.28 and appendix B, and the same states in full as in SMPP 5.0 section 4.7.15.
# None: not final.
STATES: Mapping[str, State | None] = {
    "SCHEDULED": None,
    "ENROUTE": None,
    "ACCEPTD": None,
    "DELIVRD": State.DELIVERED,
    "EXPIRED": State.EXPIRED,
    "DELETED": State.CANCELLED,
    "UNDELIV": State.FAILED,
    "REJECTD": State.FAILED,
    "UNKNOWN": State.UNKNOWN,
    "ACCEPTED": None,
    "DELIVERED": State.DELIVERED,
    "UNDELIVERED": State.FAILED,
    "UNDELIVERABLE": State.FAILED,
    "REJECTED": State.FAILED,
    "FAILED": State.FAILED,
    "SKIPPED": State.FAILED,
}

# GSM MAP errors, and the codes of operators' DLT scrubbing, without leading zeros. Codes from 666
# on, except 670 and 811 to 813, and code 195 are only in one vendor's list. A carrier's settings
# (`failures`) extend and override this table.
FAILURES: Mapping[str, Code] = {
    "1": Code.UNKNOWN_SUBSCRIBER,
    "27": Code.ABSENT_SUBSCRIBER,
    **dict.fromkeys(("642", "700", "701"), Code.URL_NOT_ALLOWED),
    **dict.fromkeys(("650", "652"), Code.DND),
    "651": Code.PROMOTIONAL_HOURS,
    "660": Code.DLT_CONSENT,
    **dict.fromkeys(map(str, range(600, 606)), Code.DLT_ENTITY),
    **dict.fromkeys(map(str, (195, *range(610, 619), 670, 677, 678, 680)), Code.DLT_PLATFORM),
    **dict.fromkeys(("811", "812", "813", "5601"), Code.DLT_PLATFORM),
    **dict.fromkeys(map(str, range(620, 626)), Code.DLT_HEADER),
    **dict.fromkeys(map(str, range(630, 638)), Code.DLT_TEMPLATE),
    **dict.fromkeys(("666", "687"), Code.DLT_TEMPLATE),
    "683": Code.DLT_HEADER,
    **dict.fromkeys(("801", "802"), Code.DLT_ENTITY),
    **dict.fromkeys(("803", "804"), Code.DLT_HEADER),
}

_FIELD = re.compile(r"\b(stat|err):([0-9A-Za-z]+)", re.IGNORECASE)


def status_and_error(text: str) -> tuple[str, str]:
    """Return `stat`, in upper case, and `err` of a receipt's text; "" for an absent field."""
    fields: dict[str, str] = {}
    # The first occurrence counts: the message's text comes last, and may look like a field.
    for name, value in _FIELD.findall(text):
        fields.setdefault(name.lower(), value)
    return fields.get("stat", "").upper(), fields.get("err", "")
