"""Describe a message with a timeline of its events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypeAliasType

from harkara.accept.formats.native import Erased, MessageError, MessageFacts
from harkara.base.codes import MEANINGS, Code
from harkara.base.time import Clock, utc_text
from harkara.carriers.contract import InDoubt, NotTaken, Refused, Taken
from harkara.model import ledger
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.callbacks import PostResult
from harkara.model.events import EventKind, StepName, TimelineStep
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import MessageBatch, State
from harkara.model.rcs import Channel
from harkara.model.tasks import Attempt
from harkara.ports import MessageStore
from harkara.receipts.corrections import late_task_id
from harkara.submit.attempts import Cancelled, SubmitAttempt, attempts_of, find_message
from harkara.submit.follow_up import submitted_task_id
from harkara.text.segments import measure

LATE: Mapping[EventKind, StepName] = {EventKind.CORRECTED: "corrected", EventKind.READ: "read"}
Underway = TypeAliasType("Underway", Literal["accepted", "scheduled", "submitted"])


class MessageHistory(MessageFacts):
    """What became of a message, without its text."""

    mid: Annotated[str, Field(description="Our id of the message.", pattern="^[0-9A-Z]+$")]
    state: Underway | State
    error: MessageError | None
    erased: NotRequired[Erased]
    timeline: Annotated[list[TimelineStep], Field(min_length=1)]


EVENTS: Mapping[StepName, Callable[[str, int], tuple[str, str]]] = {
    "clicked": lambda batch_id, index: (batch_id, ledger.clicks_prefix(index)),
    "opened_by_machine": lambda batch_id, index: (batch_id, ledger.bots_prefix(index)),
    "replied": lambda batch_id, index: (ledger.replies_of(batch_id), ledger.replies_prefix(index)),
}
"""Partition and sort-key prefix of a message's events."""


@dataclass(frozen=True, slots=True)
class HistoryService:
    """Answers questions about a message, in the `manage` function."""

    store: MessageStore
    clock: Clock

    def message(self, account: Account, mid: str) -> MessageHistory:
        """Return an account's message as `GET /v1/messages/{mid}` answers it, without its text.

        `state` is accepted, scheduled, submitted or the final state; `timeline` has a step with a
        time for each event. Raises RequestRefused(NOT_FOUND) and StoreUnavailable.
        """
        batch, index = find_message(self.store, account.id, mid)
        attempts = attempts_of(self.store, batch, index)
        kinds = [ledger.final_kind(index), ledger.recovered_kind(index)]
        kinds += [ledger.later_kind(kind, index) for kind in LATE]
        cancel, feedback, final, recovered, *late = self.store.get_entries(
            [
                (ledger.cancels_of(batch.id), ledger.cancel_kind(index)),
                (batch.id, ledger.feedback_kind(index)),
                *((batch.id, kind) for kind in kinds),
            ]
        )
        task_ids = dict.fromkeys(entry.task_id for entry in (final, recovered) if entry)
        timeline: list[Any] = [
            *_accepted(batch),
            *_submitted(attempts, index),
            *self._called_back(submitted_task_id(batch, index), batch, index),
            *_ended(final),
            *(step for task_id in task_ids for step in self._called_back(task_id, batch, index)),
            *self._events(dict(zip(LATE, late, strict=True)), batch, index),
            *_told(feedback),
        ]
        history: MessageHistory = {
            **_facts(account, batch, index, final),
            "mid": batch.mid(index),
            "state": final.data["state"] if final else self._state(batch, attempts, cancel),
            "error": _error(final),
            "erased": True,
            "timeline": timeline,
        }
        if index not in batch.erased_facts():
            del history["erased"]
        return history

    def carriers(self, account: Account, mid: str) -> Mapping[int, str]:
        """Return the carrier of each submit attempt, by its number in the timeline (`try`).

        It is for operators, and raises as `message` does.
        """
        batch, index = find_message(self.store, account.id, mid)
        attempts = enumerate(attempts_of(self.store, batch, index), 1)
        return {
            number: carrier
            for number, attempt in attempts
            for carrier, indexes in attempt.claim.data["carriers"].items()
            if index in indexes
        }

    def _state(
        self, batch: MessageBatch, attempts: Sequence[SubmitAttempt], cancel: LedgerEntry | None
    ) -> Underway | State:
        """Return the state of a message that has no final state yet."""
        match attempts[-1].end if attempts else NotTaken():
            case Refused(code):
                return State.EXPIRED if code is Code.EXPIRED else State.FAILED
            case Cancelled():
                return State.CANCELLED
            case NotTaken():
                if cancel:
                    return State.CANCELLED
                now_s = self.clock()
                return "scheduled" if batch.ready_s(now_s) > now_s else "accepted"
            case _:
                return "submitted"

    def _events(
        self, late: Mapping[EventKind, LedgerEntry | None], batch: MessageBatch, index: int
    ) -> Iterator[TimelineStep]:
        """Yield what came after the final state, visits of links and replies, with callbacks."""
        for kind, late_entry in late.items():
            if late_entry:
                yield _step(LATE[kind], late_entry.data["at"] * 1000)
                yield from self._called_back(late_task_id(kind, batch.mid(index)), batch, index)
        for name, place in EVENTS.items():
            for entry in self.store.find_entries(*place(batch.id, index)):
                step = _step(name, entry.data["at"])
                if url := entry.data.get("url"):
                    step["url"] = url
                yield step
                if name != "opened_by_machine":  # of which no callback tells
                    yield from self._called_back(entry.task_id, batch, index)

    def _called_back(self, task_id: str, batch: MessageBatch, index: int) -> Iterator[TimelineStep]:
        """Yield the callback attempts of this task that spoke of the message; "": no task.

        An attempt's result is stored in the next attempt's lease, or in the callback's ack.
        """
        client_ref, number = batch.messages[index].client_ref, 0
        for entry in sorted(
            (
                entry
                for kind in (("post#", "ack#") if task_id else ())
                for entry in self.store.find_entries(task_id, kind)
                if ledger.speaks_of(entry, batch.id, index)
            ),
            key=_number,
        ):
            if entry.data.get("in_doubt") or "last" in entry.data:
                number += 1
                yield _attempt(entry, number, client_ref)


def _facts(
    account: Account, batch: MessageBatch, index: int, final: LedgerEntry | None
) -> MessageFacts:
    message = batch.messages[index]
    channel = Channel.RCS if final and final.data.get("channel") else Channel.SMS
    price = account.price(message.to, batch.category, message.segment_count, channel)
    return {
        "client_ref": message.client_ref,
        "to": message.to,
        "country": facts_of(batch, index).country or None,
        "encoding": measure(message.text).encoding if message.text else None,
        "segments": message.segment_count,
        "template_id": message.dlt_template_id or None,
        "category": batch.category,
        "price": None if price is None else f"{price:f}",
    }


def _error(final: LedgerEntry | None) -> MessageError | None:
    code = final.data["code"] if final else ""
    return {"code": Code(code), "message": MEANINGS[Code(code)].advice} if code else None


def _accepted(batch: MessageBatch) -> Iterator[TimelineStep]:
    yield _step("accepted", batch.accepted_at_ms)
    send_at_ms = int(batch.ready_s(batch.accepted_at_ms / 1000) * 1000)
    if send_at_ms > batch.accepted_at_ms:
        yield {**_step("scheduled", batch.accepted_at_ms), "send_at": utc_text(send_at_ms)}


def _submitted(attempts: Sequence[SubmitAttempt], index: int) -> Iterator[TimelineStep]:
    """Yield the steps of a message's submit attempts, numbered from 1."""
    for number, attempt in enumerate(attempts, 1):
        if step := _step_of(attempt):
            step["try"] = number
            if any(index in each for *_, each in attempt.claim.data.get("rcs", ())):
                step["channel"] = "rcs"
            yield step


def _step_of(submitted: SubmitAttempt) -> TimelineStep | None:
    """Return a submit attempt's step; None if its outcome is open, or is the final state."""
    match submitted.end:
        case Taken(carrier_message_id):
            step = _step("submitted", submitted.ended_at_ms)
            step["carrier_message_id"] = carrier_message_id
        case Refused(code, carrier_code, words):
            step = _step("refused", submitted.ended_at_ms)
            step["code"], step["carrier_code"] = code, carrier_code
            if words:
                step["carrier_words"] = words
        case NotTaken(_, _, code, carrier_code):
            step = _step("not_taken", submitted.ended_at_ms)
            if code:
                step["code"], step["carrier_code"] = Code(code), carrier_code
        case InDoubt():
            step = _step("in_doubt", submitted.ended_at_ms)
        case _:
            return None
    return step


def _ended(final: LedgerEntry | None) -> Iterator[TimelineStep]:
    if final:
        data = final.data
        step = _step(data["state"], data["at"] * 1000)
        for name in ("code", "carrier_code", "operator", "channel"):
            if data.get(name):
                step[name] = data[name]
        if "words" in data:
            step["carrier_words"] = data["words"]
        yield step


def _told(feedback: LedgerEntry | None) -> Iterator[TimelineStep]:
    if feedback:
        name: StepName = "verified" if feedback.data["verified"] else "unverified"
        yield _step(name, feedback.data["at"])


def _number(entry: LedgerEntry) -> tuple[int, bool]:
    """Return the position of a callback's ledger entry among its attempts."""
    if entry.kind.startswith("ack#"):
        return entry.data["attempt"], True
    return int(entry.kind.split("#")[2]), False


def _attempt(entry: LedgerEntry, number: int, client_ref: str) -> TimelineStep:
    """Return the step of the attempt whose result an entry holds; `number` counts from 1."""
    data = entry.data
    if "last" not in data:  # its worker died, and it is unknown whether the callback was posted
        return {**_step("callback_attempt", data["at"]), "try": number, "in_doubt": True}
    last = Attempt(*data["last"])
    if data.get("unwanted"):
        return {**_step("callback", last.at_ms), "unwanted": True}
    ends = entry.kind.startswith("ack#")
    unprocessed = dict(data.get("unprocessed", ()))
    step: TimelineStep = {
        **_step("callback" if ends else "callback_attempt", last.at_ms),
        "try": number,
        "status": last.status,
        "reason": last.reason,
        "duration_ms": last.duration_ms,
        "answer": last.answer,
        "acknowledged": PostResult(last.status, "").acknowledged,
    }
    for name in ("in_doubt", "parked"):
        if data.get(name):
            step[name] = True
    if client_ref in unprocessed:
        step["unprocessed"] = unprocessed[client_ref]
    return step


def _step(name: StepName, at_ms: int) -> TimelineStep:
    return {"step": name, "at": utc_text(at_ms)}
