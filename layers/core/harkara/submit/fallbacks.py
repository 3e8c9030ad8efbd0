"""Send the SMS of messages that RCS did not deliver.

A route may send messages by RCS first (`harkara.model.routing`). What an RCS carrier surely did not
take goes by SMS as the next submit attempt of its block (`by_sms`). Of a message
that it took, or may have taken, one of these comes first:

    a receipt: delivered, read       the message is final
    a receipt: failed, expired       the SMS (`harkara.receipts.final_states`)
    none in the route's time         the message is revoked here: if that worked, the SMS; if not,
                                     the SMS only where the route admits doubles

The attempt by SMS has a number that only this message has, so that its lease makes it go out once,
however often it is enqueued. Nothing else is recorded: after a death the revocation is repeated,
and gets the same answer.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harkara.base import retries
from harkara.base.errors import CarrierUnreachable, StoreUnavailable
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock, Deadline
from harkara.carriers.contract import (
    Connected,
    NotTaken,
    Outcome,
    Refused,
    Revocation,
    Submission,
)
from harkara.model.ledger import LedgerEntry, final_kind
from harkara.model.messages import MessageBatch
from harkara.model.routing import RcsFirst
from harkara.model.submit_tasks import SubmitTask, fallback_attempt, queue_of
from harkara.ports import MessageStore, TaskQueues
from harkara.state.rcs_months import RcsMonths
from harkara.submit.planner import RECORD_S, BlockPart, Plan


def claimed_by_rcs(part: BlockPart, plan: Plan) -> dict[str, Any]:
    """Return what a claim says of RCS.

    `rcs`: carrier, time to wait for a receipt, whether doubles are admitted, and indexes. `double`:
    the attempt may double the one by RCS.
    """
    ways: dict[RcsFirst, list[int]] = {}
    for index, rcs in plan.rcs.items():
        if rcs.carrier in plan.carriers:
            ways.setdefault(rcs, []).append(index)
    rows = [(rcs.carrier, rcs.wait_s, rcs.doubles, indexes) for rcs, indexes in ways.items()]
    return {**({"rcs": rows} if rows else {}), **({"double": True} if part.doubles else {})}


def revokes_of(
    part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry
) -> list[tuple[SubmitTask, int]]:
    """Return the tasks that revoke what RCS carriers may have by an outcome, and when (seconds)."""
    held = {index for index, _ in outcome.data["taken"]}.union(outcome.data["in_doubt"])
    return [
        (
            SubmitTask(
                part.batch.id,
                part.batch.account_id,
                part.block,
                part.attempt,
                tuple(left),
                handed_on=True,
                revoke_at=carrier,
                doubles=doubles,
            ),
            wait_s,
        )
        for carrier, wait_s, doubles, indexes in claim.data["rcs"]
        if (left := [index for index in indexes if index in held])
    ]


def enqueue_sms(
    queues: TaskQueues,
    batch: MessageBatch,
    indexes: Sequence[int],
    doubled: Container[int] = (),
    rounds: int = 0,
) -> None:
    """Enqueue the attempts by SMS of messages; `doubled` may have come by RCS.

    Raises StoreUnavailable.
    """
    bodies = [
        SubmitTask(
            batch.id,
            batch.account_id,
            index // batch.block_size,
            fallback_attempt(index % batch.block_size),
            (index,),
            handed_on=True,
            rounds=rounds,
            doubles=index in doubled,
        ).encode()
        for index in indexes
    ]
    if bodies and not all(queues.send(queue_of(batch.lane), bodies, batch.account_id)):
        raise StoreUnavailable("the submit queue did not take all messages")


def by_sms(outcomes: Mapping[int, Outcome]) -> dict[int, Outcome]:
    """Return an RCS carrier's outcomes: what it surely did not take may go by SMS at once."""
    return {
        index: NotTaken(code=each.code, carrier_code=each.carrier_code)
        if isinstance(each, Refused)
        else NotTaken()
        if isinstance(each, NotTaken)
        else each
        for index, each in outcomes.items()
    }


def beyond_month(
    months: RcsMonths, part: BlockPart, plan: Plan, indexes: Sequence[int]
) -> dict[int, Outcome]:
    """Count promotional RCS messages; return those that go by SMS, for the limit of the month."""
    limited = {
        index: (part.batch.messages[index].to, plan.rcs[index].monthly)
        for index in indexes
        if plan.rcs[index].monthly
    }
    try:
        beyond = months.take(part.batch.account_id, limited)
    except StoreUnavailable:
        beyond = set(limited)
    return dict.fromkeys(beyond, NotTaken())


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Ends RCS attempts, in the function `submit`. `carrier` raises CarrierUnreachable."""

    store: MessageStore
    queues: TaskQueues
    carrier: Callable[[str], Awaitable[Connected]]
    signer: ReferenceSigner
    clock: Clock
    emit: EventSink

    async def schedule(
        self, batch: MessageBatch, tasks: Iterable[tuple[SubmitTask, float]], rounds: int
    ) -> None:
        """Schedule revocations after these seconds, early enough for an SMS while it is valid.

        Raises StoreUnavailable.
        """
        for task, wait_s in tasks:
            left_s = batch.expires_at_s - self.clock()
            wait_s = retries.within_validity(wait_s, left_s)
            next_rounds, delay_s = retries.next_round(rounds, wait_s, left_s)
            body = replace(task, rounds=next_rounds).encode()
            queue, group = queue_of(batch.lane), batch.account_id
            await asyncio.to_thread(self.queues.schedule, queue, body, delay_s, group)

    async def revoke(
        self, task: SubmitTask, batch: MessageBatch, deadline: Deadline
    ) -> Counter[str]:
        """Revoke a task's messages that are not final; enqueue the SMS of those that may have it.

        The carrier is asked again about those of which it says nothing, while they are valid.
        Returns counts of messages. Raises StoreUnavailable.
        """
        if self.clock() >= batch.expires_at_s:
            return Counter(expired=len(task.indexes))
        keys = [(batch.id, final_kind(index)) for index in task.indexes]
        finals = await asyncio.to_thread(self.store.get_entries, keys)
        indexes = [index for index, final in zip(task.indexes, finals, strict=True) if not final]
        if (said := await self._revoked(task, batch, indexes, deadline)) is None:
            await self.schedule(batch, [(task, 0)], task.rounds)
            return Counter(handed_on=len(indexes))
        revoked = [index for index in indexes if said[index] is Revocation.REVOKED]
        others = [index for index in indexes if said[index] is not Revocation.REVOKED]
        doubled = others if task.doubles else []
        again = [index for index in others if said[index] is Revocation.UNKNOWN and not doubled]
        await asyncio.to_thread(
            enqueue_sms, self.queues, batch, revoked + doubled, doubled, task.rounds + 1
        )
        if again:
            later = replace(task, indexes=tuple(again), waits=task.waits + 1)
            pause_s = retries.pause_delay(task.waits)
            await self.schedule(batch, [(later, pause_s)], task.rounds)
        counts = {
            "rcs_revoked": len(revoked),
            "rcs_doubles": len(doubled),
            "rcs_kept": len(others) - len(doubled) - len(again),
        }
        about = {"batch": batch.id, "block": task.block, "attempt": task.attempt}
        self.emit(LogEvent("rcs revoked", about, counts, carrier=task.revoke_at))
        return Counter(counts)

    async def _revoked(
        self, task: SubmitTask, batch: MessageBatch, indexes: Sequence[int], deadline: Deadline
    ) -> dict[int, Revocation] | None:
        """Return what the carrier says of each message; None if there is no time to ask."""
        try:
            carrier = (await self.carrier(task.revoke_at)).carrier
        except CarrierUnreachable:
            return dict.fromkeys(indexes, Revocation.UNKNOWN)
        if not deadline.allows(carrier.timeout_s + RECORD_S):
            return None
        said = await asyncio.gather(
            *(
                carrier.revoke(
                    Submission(
                        self.signer.sign(batch.mid(index), task.attempt), batch.messages[index]
                    ),
                    deadline.remaining_s() - RECORD_S,
                )
                for index in indexes
            )
        )
        return dict(zip(indexes, said, strict=True))
