"""Record attempts to post a callback, and then end it, schedule its next attempt or park it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harkara.base.errors import LeaseHeld
from harkara.base.ids import RandomFraction
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.retries import (
    REFUSAL_LIMIT,
    delay_after,
    is_refusal,
    limit_s,
    next_round,
    with_jitter,
)
from harkara.base.time import Clock
from harkara.callbacks.dead_letters import dead_letter_entry
from harkara.model import ledger
from harkara.model.callbacks import PostResult
from harkara.model.ledger import Lease, LedgerEntry, Relation
from harkara.model.tasks import Attempt, CallbackTask, QueueName
from harkara.ports import MessageStore, TaskQueues

# Percentages of the schedule's time at which a log event says how late a callback is.
ALERTS_PERCENT = (50, 70, 90)
# A wait is cut short for that event only if the event is at least this far away.
_ALERT_FROM_S = 900


_Members = dict[str, list[int]]
"""The messages of a callback: their indexes by batch."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Takes leases on attempts, and records their results. Its methods raise StoreUnavailable."""

    store: MessageStore
    queues: TaskQueues
    clock: Clock
    random_fraction: RandomFraction
    retry_delays_s: tuple[int, ...]
    emit: EventSink

    async def claim(self, task: CallbackTask, lease: Lease) -> CallbackTask | None:
        """Take a lease on an attempt; return the task to go on with, None if another worker has it.

        If an earlier delivery held it, that attempt may have been made: the next attempt is then
        claimed, in doubt. Raises LeaseHeld.
        """
        while True:
            claim = lease.entry(
                task.group_task_id,
                ledger.post_kind(task.group, task.attempt),
                at=self._now_ms(),
                in_doubt=task.in_doubt,
                members=_members(task),
                **({"last": task.last} if task.last else {}),
            )
            (existing,) = await asyncio.to_thread(
                self.store.put_if_absent, [claim], due_at_ms=task.due_at_ms
            )
            if lease.relation(existing, self._now_ms()) is Relation.OURS:
                if task.in_doubt:
                    about = {"webhook_id": task.webhook_id}
                    self.emit(LogEvent("callback in doubt", about, {"callbacks_in_doubt": 1}))
                return task
            following = await self._after(task, existing, lease)
            if following is None:
                return None
            task = following

    async def _claim_of(self, task: CallbackTask) -> LedgerEntry | None:
        key = (task.group_task_id, ledger.post_kind(task.group, task.attempt))
        (existing,) = await asyncio.to_thread(self.store.get_entries, [key])
        return existing

    async def _after(
        self, task: CallbackTask, existing: LedgerEntry, lease: Lease
    ) -> CallbackTask | None:
        """Return the attempt after a claimed one, None if it is over or another worker has it."""
        match lease.relation(existing, self._now_ms()):
            case Relation.FOREIGN:
                return None
            case Relation.BUSY:
                raise LeaseHeld("an earlier delivery may still be posting this")
            case _:
                if await self.is_over(task):
                    return None
                return replace(task, attempt=task.attempt + 1, in_doubt=True, last=None)

    async def is_over(self, task: CallbackTask) -> bool:
        """Whether a callback was acknowledged, or reached its end since it was last replayed."""
        kind = ledger.ack_kind(task.group)
        acks = await asyncio.to_thread(self.store.find_entries, task.group_task_id, kind)
        own = ledger.ack_kind(task.group, task.replay)
        return any(
            ack.kind == own or PostResult(ack.data["status"], "").acknowledged for ack in acks
        )

    async def record(self, task: CallbackTask, lease: Lease, result: PostResult) -> Counter[str]:
        """Record the result of an attempt: end the callback, schedule the next one, or park it."""
        if result.acknowledged:
            unprocessed = {"unprocessed": result.unprocessed} if result.unprocessed else {}
            ack = _ack(task, lease, self._attempt(result), **unprocessed)
            self._log(task, ack.data["members"], "callbacks", result, acknowledged=True)
            await asyncio.to_thread(self.store.put_if_absent, [ack], due_at_ms=task.due_at_ms)
            return Counter(callbacks=1)
        now_ms = self._now_ms()
        failed = replace(
            task,
            attempt=task.attempt + 1,
            failures=task.failures + 1,
            refusals=task.refusals + is_refusal(result.status),
            waits=0,
            turn_ms=0,
            in_doubt=result.in_doubt,
            began_ms=task.began_ms or now_ms,
            last=self._attempt(result),
        )
        pause_s = delay_after(task.failures, self._delays_s(task))
        if pause_s is None or result.status == 410 or failed.refusals >= REFUSAL_LIMIT:
            return await self.dead_letter(task, lease, result)
        delay_s = max(with_jitter(pause_s, self.random_fraction()), result.retry_after_s)
        if self._is_too_late(failed, delay_s):
            return await self.dead_letter(task, lease, result)
        await self.schedule(failed, delay_s)
        self._log(task, _members(task), "callbacks_to_retry", result)
        return Counter(callbacks_to_retry=1)

    def broken(self, task: CallbackTask, error: Exception) -> PostResult:
        """Log an unforeseen error; return it as the result of an attempt.

        Only its class is named, as its text may quote anything.
        """
        name = type(error).__name__
        about = {**_about(task, _members(task)), "account_id": task.account_id, "error": name}
        self.emit(LogEvent("callback broken", about, {"callbacks_broken": 1}))
        return PostResult(0, f"an error of ours: {name}")

    async def wait(self, task: CallbackTask, lease: Lease, wait_s: float) -> Counter[str]:
        """Let an attempt wait for its turn, as long as a schedule lasts. Raises LeaseHeld.

        An earlier delivery may have made it before it died: then the next attempt waits, in doubt.
        The queued message has another task id, and would take the old lease for another task's.
        """
        while existing := await self._claim_of(task):
            following = await self._after(task, existing, lease)
            if following is None:
                return Counter(posted_by_another=1)
            task = following
        waiting = replace(task, waits=task.waits + 1, began_ms=task.began_ms or self._now_ms())
        if self._is_too_late(waiting, wait_s):
            claimed = await self.claim(task, lease)
            if claimed is None:
                return Counter(posted_by_another=1)
            return await self.dead_letter(claimed, lease, PostResult(0, "its turn never came"))
        await self.schedule(waiting, wait_s)
        return Counter(callbacks_waiting=1)

    async def schedule(self, task: CallbackTask, delay_s: float) -> None:
        """Schedule an attempt after a delay. Its task may come sooner, to log how late it is."""
        now_ms = self._now_ms()
        rounds, delay_s = next_round(task.rounds, delay_s)
        due = replace(task, rounds=rounds)
        if delay_s:
            due = replace(due, due_ms=now_ms + int(delay_s * 1000))
        alerts_s = [
            (at_ms - now_ms) / 1000
            for percent, at_ms in self._alerts_ms(task)
            if percent > task.alerted_percent
        ]
        soon_s = min((each for each in alerts_s if each > _ALERT_FROM_S), default=delay_s)
        await asyncio.to_thread(
            self.queues.schedule,
            QueueName.CALLBACK,
            due.encode(),
            min(delay_s, soon_s),
            task.account_id,
        )

    def alerted(self, task: CallbackTask) -> CallbackTask:
        """Log once how much of a callback's schedule is over; return the task that records it."""
        now_ms = self._now_ms()
        for percent, at_ms in self._alerts_ms(task):
            if task.alerted_percent < percent and at_ms <= now_ms:
                about = {"webhook_id": task.webhook_id, "account_id": task.account_id}
                counts = {f"callbacks_at_{percent}_percent": 1}
                self.emit(LogEvent("callback is late", about, counts))
                task = replace(task, alerted_percent=percent)
        return task

    async def dead_letter(
        self, task: CallbackTask, lease: Lease, result: PostResult
    ) -> Counter[str]:
        """Store a callback as a dead letter, for a person to find and replay."""
        last, members = self._attempt(result), _members(task)
        bare = replace(task, last=None, turn_ms=0, rounds=0)
        campaigns = await asyncio.to_thread(self._campaigns, members)
        entry = dead_letter_entry(lease, bare, last, campaigns)
        await asyncio.to_thread(self.store.put_if_absent, [entry], due_at_ms=task.due_at_ms)
        self._log(task, members, "callbacks_parked", result)
        ack = _ack(task, lease, last, parked=True)
        await asyncio.to_thread(self.store.put_if_absent, [ack], due_at_ms=task.due_at_ms)
        return Counter(callbacks_parked=1)

    def _campaigns(self, members: _Members) -> list[str]:
        """Return the campaigns of a callback's messages, of those that are still kept."""
        found = set[str]()
        for batch_id, indexes in members.items():
            if batch := self.store.get_batch(batch_id):
                found.update(batch.messages[index].campaign_id for index in indexes)
        return sorted(found - {""})

    async def end_unwanted(self, task: CallbackTask, lease: Lease) -> Counter[str]:
        """End a callback that its destination does not want, so that no check takes it for lost."""
        members = _members(task)
        self.emit(LogEvent("callback unwanted", _about(task, members), {"callbacks_unwanted": 1}))
        ack = _ack(task, lease, Attempt(self._now_ms(), 0, ""), unwanted=True)
        await asyncio.to_thread(self.store.put_if_absent, [ack], due_at_ms=task.due_at_ms)
        return Counter(callbacks_unwanted=1)

    def _attempt(self, result: PostResult) -> Attempt:
        return Attempt(
            self._now_ms(), result.status, result.reason, result.answer, result.duration_ms
        )

    def _alerts_ms(self, task: CallbackTask) -> list[tuple[int, int]]:
        """Return (percent, Unix ms) of each such event; none before the first failure or wait."""
        if not task.began_ms:
            return []
        total_s = sum(self._delays_s(task))
        return [(percent, task.began_ms + total_s * percent * 10) for percent in ALERTS_PERCENT]

    def _delays_s(self, task: CallbackTask) -> Sequence[int]:
        return task.retry_delays_s or self.retry_delays_s

    def _is_too_late(self, task: CallbackTask, delay_s: float) -> bool:
        end_s = task.began_ms / 1000 + limit_s(self._delays_s(task))
        return self.clock() + delay_s > end_s

    def _log(
        self,
        task: CallbackTask,
        members: _Members,
        end: str,
        result: PostResult,
        *,
        acknowledged: bool = False,
    ) -> None:
        at_s = max(member.at_s for member in task.members)
        delays_s = {"callback_delay": self.clock() - at_s} if acknowledged else {}
        about = {**_about(task, members), "status": result.status}
        listed = ("batches", "webhook_id") if acknowledged else ()
        self.emit(LogEvent("callback posted", about, {end: 1}, delays_s, listed=listed))

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def _ack(task: CallbackTask, lease: Lease, last: Attempt, **more: Any) -> LedgerEntry:
    """Return the entry that ends a callback."""
    return lease.entry(
        task.group_task_id,
        members=_members(task),
        kind=ledger.ack_kind(task.group, task.replay),
        attempt=task.attempt,
        status=last.status,
        last=tuple(last),
        **more,
    )


def _members(task: CallbackTask) -> _Members:
    return ledger.members_of([member.mid for member in task.members])


def _about(task: CallbackTask, members: _Members) -> dict[str, Any]:
    return {"batches": sorted(members), "webhook_id": task.webhook_id}
