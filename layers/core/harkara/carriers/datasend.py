"""Another provider that speaks ICS's `datasend`: so Harkara can stand in front of ICS itself.

Submit: POST {"user", "pass", "smstosend": [{"to", "from", "smstext", "smsgid", "peid"?,
"templateid"?, and the chain hash under the name that the carrier gives it}]}, `smsgid` being our
reference; the answer is an array in the same order, with `mid` or `Error` each (wire-formats
section 1).

Receipts (no public document says; the names are those of the request and of SMPP 3.4): an object
or an array of {"mid", "smsgid", "status", "code", "ts"}, `status` in SMPP's words.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from harkara.carrier_settings import CarrierSecrets, CarrierSettings
from harkara.codes import Code
from harkara.errors import (
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    ForeignReference,
    RequestRefused,
)
from harkara.ids import ReferenceSigner
from harkara.jsons import decode, encode
from harkara.messages import State
from harkara.ports import (
    HttpAnswer,
    InDoubt,
    NotTaken,
    Outcome,
    Outside,
    ReceiptRequest,
    ReceivedReceipts,
    Refused,
    Submission,
    Taken,
)
from harkara.tasks import Receipt

# States: SMPP 3.4 section 5.2.28. None: not final.
STATES: Mapping[str, State | None] = {
    "ENROUTE": None,
    "ACCEPTD": None,
    "DELIVRD": State.DELIVERED,
    "EXPIRED": State.EXPIRED,
    "DELETED": State.CANCELLED,
    "UNDELIV": State.FAILED,
    "REJECTD": State.FAILED,
    "UNKNOWN": State.UNKNOWN,
}

# Codes of a failure: GSM MAP errors, and the 600 series of DLT scrubbing (wire-formats section 5).
FAILURES: Mapping[str, Code] = {
    "1": Code.UNKNOWN_SUBSCRIBER,
    "27": Code.ABSENT_SUBSCRIBER,
    **dict.fromkeys(("642", "700", "701"), Code.URL_NOT_ALLOWED),
    **dict.fromkeys(("650", "652"), Code.DND),
    "651": Code.PROMOTIONAL_HOURS,
    "660": Code.DLT_CONSENT,
    **dict.fromkeys(map(str, range(600, 606)), Code.DLT_ENTITY),
    **dict.fromkeys(map(str, (*range(610, 619), 670, 811, 812, 813)), Code.DLT_PLATFORM),
    **dict.fromkeys(map(str, range(620, 626)), Code.DLT_HEADER),
    **dict.fromkeys(map(str, range(630, 638)), Code.DLT_TEMPLATE),
}
_STATE_CODES = {
    State.EXPIRED: Code.EXPIRED,
    State.CANCELLED: Code.CANCELLED,
    State.UNKNOWN: Code.NO_RECEIPT,
}

# Errors in an answer that say "later", not "never".
THROTTLES = frozenset({"THROTTLED", "TRY_AGAIN"})
_CARRIER_CODE_LIMIT = 64
_RETRY_AFTER_LIMIT_S = 3600
_TIME_DIGITS = 13


class DatasendCarrier:
    """Submits to a `datasend` provider, `connections` requests at a time."""

    def __init__(
        self, settings: CarrierSettings, secrets: CarrierSecrets, outside: Outside
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._exchange = outside.exchange
        self._turns = asyncio.Semaphore(settings.connections)

    @property
    def timeout_s(self) -> float:
        """How long `submit` takes at the most: a wait for its turn, and the request."""
        return 2 * self._settings.timeout_s

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        """Hand the messages over, `records_per_request` at once; an outcome for each, in order."""
        size = self._settings.records_per_request
        parts = [submissions[at : at + size] for at in range(0, len(submissions), size)]
        timeout_s = min(self._settings.timeout_s, within_s / 2)
        outcomes = await asyncio.gather(*(self._request(part, timeout_s) for part in parts))
        return [outcome for part in outcomes for outcome in part]

    async def _request(self, submissions: Sequence[Submission], timeout_s: float) -> list[Outcome]:
        body = encode(
            {
                "user": self._settings.username,
                "pass": self._secrets.password,
                "smstosend": [self._record(submission) for submission in submissions],
            }
        )
        headers = {"content-type": "application/json"}
        try:
            async with asyncio.timeout(timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            return [NotTaken()] * len(submissions)
        try:
            answer = await self._exchange("POST", self._settings.url, headers, body, timeout_s)
            return _outcomes(answer, len(submissions))
        except ExchangeUnreachable:
            return [NotTaken(failed=True)] * len(submissions)
        except ExchangeOutcomeUnknown:
            return [InDoubt()] * len(submissions)
        finally:
            self._turns.release()

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
    try:
        entries = decode(request.body)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_RECEIPT) from error
    if not isinstance(entries, list | dict):
        raise RequestRefused(Code.INVALID_RECEIPT)
    entries = entries if isinstance(entries, list) else [entries]
    receipts, intermediate_count, foreign_count, unknown_count = [], 0, 0, 0
    for entry in entries:
        if not isinstance(entry, dict):
            foreign_count += 1
            continue
        status = str(entry.get("status", "")).upper()
        try:
            mid, attempt = signer.verify(str(entry.get("smsgid", "")))
        except ForeignReference:
            foreign_count += 1
            continue
        if status not in STATES:
            unknown_count += 1
            continue
        state = STATES[status]
        if state is None:
            intermediate_count += 1
            continue
        receipts.append(_receipt(mid, attempt, state, entry))
    return ReceivedReceipts(receipts, intermediate_count, foreign_count, unknown_count)


def answer(received: ReceivedReceipts, settings: CarrierSettings) -> HttpAnswer:
    """Return what was in it, in counts."""
    counts = {
        "receipts": len(received.receipts),
        "intermediate": received.intermediate_count,
        "foreign": received.foreign_count,
        "unknown": received.unknown_count,
    }
    body = encode({"status": True, **counts})
    return HttpAnswer(200, {"content-type": "application/json"}, body)


def _outcomes(answer: HttpAnswer, count: int) -> list[Outcome]:
    """Read an answer. What is not clearly a refusal may have been taken."""
    wait = answer.headers.get("retry-after", "")
    # A 503 of a gateway may come after the message was taken; one that names a time does not.
    if answer.status == 429 or (answer.status == 503 and wait):
        wait_s = int(wait[:9]) if wait.isdecimal() else 0
        return [NotTaken(min(wait_s, _RETRY_AFTER_LIMIT_S), answer.status == 503)] * count
    if answer.status in (401, 403, 404):  # our settings are wrong: an operator mends them
        return [NotTaken(failed=True)] * count
    if 400 <= answer.status < 500:
        return [Refused(Code.REFUSED_BY_CARRIER, str(answer.status))] * count
    try:
        entries = decode(answer.body)
    except ValueError:
        entries = None
    if answer.status != 200 or not isinstance(entries, list) or len(entries) != count:
        return [InDoubt()] * count
    return [_outcome(entry) for entry in entries]


def _outcome(entry: Any) -> Outcome:
    if not isinstance(entry, dict):
        return InDoubt()
    error = entry.get("Error")
    if error:
        carrier_code = str(error)[:_CARRIER_CODE_LIMIT]
        if carrier_code in THROTTLES:
            return NotTaken()
        return Refused(FAILURES.get(carrier_code, Code.REFUSED_BY_CARRIER), carrier_code)
    mid = entry.get("mid")
    return Taken(str(mid)) if mid else InDoubt()


def _receipt(mid: str, attempt: int, state: State, entry: dict[str, Any]) -> Receipt:
    carrier_code = str(entry.get("code") or "")[:_CARRIER_CODE_LIMIT]
    code: str = ""
    if state is State.FAILED:
        code = FAILURES.get(carrier_code.lstrip("0"), Code.UNDELIVERED)
    elif state is not State.DELIVERED:
        code = _STATE_CODES[state]
    return Receipt(mid, attempt, state, _seconds(entry.get("ts")), code, carrier_code)


def _seconds(value: Any) -> int:
    """Return a time in Unix seconds, 0 where there is none; milliseconds show by their size."""
    text = str(value)
    number = int(text) if text.isdecimal() and len(text) <= _TIME_DIGITS else 0
    return number // 1000 if number >= 10**11 else number
