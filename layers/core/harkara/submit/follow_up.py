"""Follow up the outcome of a block attempt: report ends, tell callbacks, try again what is left.

All of it is derived from the stored outcome, and so is the same after a redelivery.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harkara.base import retries
from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import RandomFraction, split_mid
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock
from harkara.model.events import EventTask, Submitted
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import Endpoint, MessageBatch, State
from harkara.model.submit_tasks import Repeat, Reserved, SubmitTask, queue_of
from harkara.model.tasks import QueueName, Receipt, receipts_tasks
from harkara.ports import LastMessages, TaskQueues
from harkara.submit.attempts import ENDS
from harkara.submit.fallbacks import Fallbacks, revokes_of
from harkara.submit.outcomes import Recorded
from harkara.submit.planner import BlockPart, Plan


class Retry(NamedTuple):
    """The task of the next attempt, and how long the first of its messages has to wait."""

    task: SubmitTask
    wait_s: float


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Follows up outcomes. Its methods raise StoreUnavailable; done twice, they count once."""

    queues: TaskQueues
    last: LastMessages
    clock: Clock
    random_fraction: RandomFraction
    emit: EventSink
    fallbacks: Fallbacks

    async def report_refused(self, batch: MessageBatch) -> None:
        """Report the records that were refused when their request was accepted."""
        await self._report(batch, refusals_of(batch))

    async def finish(
        self, part: BlockPart, plan: Plan, recorded: Recorded, lease: Lease, rounds: int
    ) -> Counter[str]:
        """Do all that follows from an outcome; return message counts by end.

        `rounds` are those of the task so far (`retries.next_round`).
        """
        batch, (claim, outcome, at) = part.batch, recorded
        if batch.two_way:
            # Messages in doubt may well have arrived.
            taken = [*(index for index, _ in outcome.data["taken"]), *outcome.data["in_doubt"]]
            mids = {batch.messages[index].to: batch.mid(index) for index in taken}
            await asyncio.to_thread(self.last.put, batch.account_id, mids)
        if any(each.submitted for each in batch.endpoints):
            await self._tell_submitted(batch, outcome)
        reports = reports_of(part, at, outcome)
        retry = retry_of(part, claim, at, outcome, plan.reserved)
        counts = Counter({end: len(outcome.data.get(end, ())) for end in ENDS})
        counts["resubmitted"] = len(outcome.data.get("again", ()))
        if outcome.worker_id == lease.worker_id:
            for event in log_events_of(part, at, outcome):
                self.emit(event)
        for carrier, receipts in reports.items():
            await self._report(batch, receipts, carrier)
        if "rcs" in claim.data:
            await self.fallbacks.schedule(batch, revokes_of(part, claim, outcome), rounds)
        if retry:
            await self._try_again(batch, retry, rounds)
        return counts

    async def _try_again(self, batch: MessageBatch, retry: Retry, rounds: int) -> None:
        left_s = batch.expires_at_s - self.clock()
        pause_s = retries.submit_delay(retry.task.attempt - 1, retry.wait_s, left_s)
        # Once expired, it waits no more.
        delay_s = min(retries.with_jitter(pause_s, self.random_fraction()), max(0.0, left_s) + 1)
        rounds, delay_s = retries.next_round(rounds, delay_s, left_s)
        body = replace(retry.task, rounds=rounds).encode()
        await self._schedule(batch, queue_of(batch.lane), body, delay_s)

    async def _tell_submitted(self, batch: MessageBatch, outcome: LedgerEntry) -> None:
        bodies, group = submitted_tasks(batch, outcome), batch.account_id
        sent = await asyncio.to_thread(self.queues.send, QueueName.CALLBACK, bodies, group)
        if not all(sent):
            raise StoreUnavailable("the callback queue did not take all events")

    async def _report(
        self, batch: MessageBatch, receipts: Sequence[Receipt], carrier: str = ""
    ) -> None:
        for task in receipts_tasks(receipts, carrier):
            await self._schedule(batch, QueueName.RECEIPT, task.encode(), 0)

    async def _schedule(
        self, batch: MessageBatch, queue: QueueName, body: str, delay_s: float
    ) -> None:
        await asyncio.to_thread(self.queues.schedule, queue, body, delay_s, batch.account_id)


def reports_of(
    part: BlockPart, at: Mapping[int, str], outcome: LedgerEntry
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
            words="".join(words),
        )
        for index, code, carrier_code, *words in data["refused"]
    ]
    cancelled = [
        Receipt(batch.mid(index), attempt, State.CANCELLED, at_s, Code.CANCELLED)
        for index in data["cancelled"]
    ]
    reports = dict[str, list[Receipt]]()
    for receipt in refused + cancelled:
        reports.setdefault(at.get(split_mid(receipt.mid)[1], ""), []).append(receipt)
    return reports


def refusals_of(batch: MessageBatch) -> list[Receipt]:
    """Return the final states of the records that were refused when their request was accepted."""
    at_s = batch.accepted_at_ms // 1000
    return [
        Receipt(batch.mid(index), 0, State.FAILED, at_s, code) for index, code in batch.refused()
    ]


def log_events_of(part: BlockPart, at: Mapping[int, str], outcome: LedgerEntry) -> list[LogEvent]:
    """Return the log events of an outcome, one for each carrier that had messages."""
    data, batch = outcome.data, part.batch
    latency_s = {"submit_latency": (data["at"] - batch.due_at_ms) / 1000}
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
    part: BlockPart,
    claim: LedgerEntry,
    at: Mapping[int, str],
    outcome: LedgerEntry,
    reserved: Mapping[str, Reserved],
) -> Retry | None:
    """Return the next attempt, of messages not taken or in doubt that may go again; None if none.

    It keeps the reservations at carriers that this attempt did not reach. It is due as soon as one
    of its messages may go; a carrier that wants to be left alone for longer is left alone.
    """
    not_taken = dict(outcome.data["not_taken"])
    again = dict(outcome.data.get("again", ()))
    if not not_taken and not again:
        return None
    carriers, ended_ms = claim.data["carriers"], outcome.data["at"]
    left_s = part.batch.expires_at_s - ended_ms / 1000
    rests = {name: until_ms for name, until_ms in part.rests.items() if until_ms > ended_ms}
    waits_s = []
    for index, requested_s in {**not_taken, **again}.items():
        wait_s = retries.within_validity(requested_s, left_s)
        waits_s.append(wait_s)
        if requested_s and index in at:
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
        reserved={
            name: reservation for name, reservation in reserved.items() if name not in carriers
        },
        tried={name: indexes for name, indexes in tried.items() if indexes},
        repeats=tuple(
            part.repeats.get(index) or Repeat(index, at[index], part.attempt) for index in again
        ),
        rests=rests,
    )
    return Retry(task, min(waits_s))


def submitted_task_id(batch: MessageBatch, index: int) -> str:
    """Return the id of the task that tells of a message, "" if its callback asks for none.

    The id is made of the mid, so that the message is told of once.
    """
    if not any(each.submitted for each in batch.endpoints):
        return ""
    endpoint = _endpoint(batch, index)
    return f"submitted-{batch.mid(index)}" if endpoint and endpoint.submitted else ""


def submitted_tasks(batch: MessageBatch, outcome: LedgerEntry) -> list[str]:
    """Return the queue messages for the messages that an outcome says were taken."""
    bodies = []
    for index, _ in outcome.data["taken"]:
        task_id, endpoint = submitted_task_id(batch, index), _endpoint(batch, index)
        if not task_id or endpoint is None:
            continue
        message, at_s = batch.messages[index], outcome.data["at"] // 1000
        facts = (message.client_ref, at_s, message.to, message.segment_count)
        event = Submitted(batch.mid(index), *facts)
        task = EventTask(batch.account_id, endpoint, event, batch.due_at_ms)
        bodies.append(task.encode(task_id))
    return bodies


def _endpoint(batch: MessageBatch, index: int) -> Endpoint | None:
    number = batch.messages[index].endpoint
    return None if number is None else batch.endpoints[number]
