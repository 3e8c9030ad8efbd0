"""Derive the outcome of a claimed block attempt and its follow-up, the same at every call."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.base.log_events import LogEvent
from harkara.base.retries import within_validity
from harkara.carriers.contract import InDoubt, NotTaken
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import MessageBatch, State
from harkara.model.submit_tasks import Repeat, Reserved, SubmitTask
from harkara.model.tasks import Receipt
from harkara.submit.attempts import outcome_data
from harkara.submit.dispatch import Handed
from harkara.submit.planner import BlockPart


class Retry(NamedTuple):
    """The task of the next attempt, and how long the first of its messages has to wait."""

    task: SubmitTask
    wait_s: float


def left_behind(part: BlockPart, claim: LedgerEntry) -> Handed:
    """Return the ends of a dead worker's attempt: messages that it may have sent are in doubt."""
    at = _carriers_of(part, claim)
    return Handed({index: InDoubt() if index in at else NotTaken() for index in part.indexes})


def outcome_of(
    part: BlockPart, claim: LedgerEntry, handed: Handed, repeatable: Collection[str]
) -> dict[str, Any]:
    """Return the data of the outcome entry.

    `again` lists the messages in doubt that go to their carrier again, if it is `repeatable`, and
    for how many seconds it wants to be left alone. A message that was in doubt before stays so
    until its carrier says that it has it, or never will.
    """
    at, ends, again = _carriers_of(part, claim), dict(handed.ends), []
    for index, end in handed.ends.items():
        if isinstance(end, NotTaken) and index in part.repeats:
            ends[index] = InDoubt()
        in_doubt = isinstance(ends[index], InDoubt) and index not in handed.kept
        if in_doubt and at[index] in repeatable:
            again.append((index, end.retry_after_s if isinstance(end, NotTaken) else 0))
    said = outcome_data(part.indexes, [ends[index] for index in part.indexes])
    return {**said, "again": again} if again else said


def reports_of(
    part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry
) -> dict[str, list[Receipt]]:
    """Return the final states that an outcome brings by itself, by carrier ("" for none)."""
    batch, attempt, data = part.batch, part.attempt, outcome.data
    at_s = data["at"] // 1000
    refused = [
        Receipt(
            batch.mid(index),
            attempt,
            State.EXPIRED if code == Code.EXPIRED else State.FAILED,
            at_s,
            code,
            carrier_code,
        )
        for index, code, carrier_code in data["refused"]
    ]
    cancelled = [
        Receipt(batch.mid(index), attempt, State.CANCELLED, at_s, Code.CANCELLED)
        for index in data["cancelled"]
    ]
    at, reports = _carriers_of(part, claim), dict[str, list[Receipt]]()
    for receipt in refused + cancelled:
        reports.setdefault(at.get(split_mid(receipt.mid)[1], ""), []).append(receipt)
    return reports


def refusals_of(batch: MessageBatch) -> list[Receipt]:
    """Return the final states of the records that were refused when their request was accepted."""
    at_s = batch.accepted_at_ms // 1000
    return [
        Receipt(batch.mid(index), 0, State.FAILED, at_s, code) for index, code in batch.refused()
    ]


def log_events_of(part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry) -> list[LogEvent]:
    """Return the log events of an outcome, one for each carrier that had messages."""
    data, batch = outcome.data, part.batch
    at = _carriers_of(part, claim)
    counts = {name: Counter[str]() for name in sorted(set(at.values()))}
    ends = {
        "submitted": [index for index, _ in data["taken"]],
        "refused_by_carrier": [index for index, *_ in data["refused"]],
        "not_taken": [index for index, _ in data["not_taken"]],
        "in_doubt": data["in_doubt"],
        "resubmitted": [index for index, _ in data.get("again", ())],
    }
    for end, indexes in ends.items():
        for index in indexes:
            if index in at:
                counts[at[index]][end] += 1
    latency_s = {"submit_latency": (data["at"] - batch.begins_ms) / 1000}
    about = {"batch": batch.id, "block": part.block, "attempt": part.attempt}
    return [
        LogEvent(
            "block submitted",
            about,
            each,
            latency_s if each["submitted"] else {},
            carrier,
            listed=("batch",) if each.keys() == {"submitted"} else (),
        )
        for carrier, each in counts.items()
    ]


def retry_of(
    part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry, reserved: Mapping[str, Reserved]
) -> Retry | None:
    """Return the next attempt, of messages not taken or in doubt that may go again; None if none.

    It keeps the reservations at carriers that this attempt did not reach. It is due as soon as one
    of its messages may go; a carrier that wants to be left alone for longer is left alone.
    """
    not_taken = dict(outcome.data["not_taken"])
    again = dict(outcome.data.get("again", ()))
    if not not_taken and not again:
        return None
    carriers, at = claim.data["carriers"], _carriers_of(part, claim)
    ended_ms = outcome.data["at"]
    left_s = part.batch.ends_s - ended_ms / 1000
    rests = {name: until_ms for name, until_ms in part.rests.items() if until_ms > ended_ms}
    waits_s = []
    for index, asked_s in {**not_taken, **again}.items():
        wait_s = within_validity(asked_s, left_s)
        waits_s.append(wait_s)
        if asked_s and index in at:
            until_ms = ended_ms + int(wait_s * 1000)
            rests[at[index]] = max(until_ms, rests.get(at[index], 0))
    tried = {
        name: sorted({*part.tried.get(name, ()), *carriers.get(name, ())} & not_taken.keys())
        for name in {**part.tried, **carriers}
    }
    task = SubmitTask(
        batch_id=part.batch.id,
        account_id=part.batch.account_id,
        block=part.block,
        attempt=part.attempt + 1,
        indexes=tuple(sorted([*not_taken, *again])),
        reserved={name: place for name, place in reserved.items() if name not in carriers},
        tried={name: indexes for name, indexes in tried.items() if indexes},
        repeats=tuple(
            part.repeats.get(index) or Repeat(index, at[index], part.attempt) for index in again
        ),
        rests=rests,
    )
    return Retry(task, min(waits_s))


def _carriers_of(part: BlockPart, claim: LedgerEntry) -> dict[int, str]:
    """Return the carrier that may have each message of a claimed block attempt."""
    at = {index: name for name, indexes in claim.data["carriers"].items() for index in indexes}
    return at | {index: repeat.carrier for index, repeat in part.repeats.items()}
