"""Submit a message batch block by block: claim, dispatch to the carriers, record the outcome.

Before anything else a request's first task schedules the check of all its batches, so that each
message ends even if no task lives to submit it (`harkara.receipts.reconcile`).

A claim without an outcome, found by a later delivery of its queue message, means that its worker
died in between: its messages are in doubt, counted, and not submitted again, unless their carrier
deduplicates and the account's routing allows it. Messages that no carrier took are tried again as a
new queue message, under a claim of its own.

Messages that may not go out yet (a send time ahead, promotional messages at night, a pause, a
carrier's rate), and those that no time is left for, are re-queued with the same task id. Otherwise
nobody would resume a block whose worker died. Cancels are read after the claim is put, so that a
cancel which finds no claim is always read here (`harkara.manage.messages`).
"""

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harkara.base import retries
from harkara.base.errors import LeaseHeld, StoreUnavailable
from harkara.base.ids import RandomFraction
from harkara.base.log_events import EventSink
from harkara.base.time import Clock, Deadline
from harkara.model.ledger import Lease, LedgerEntry, Relation, claim_kind, outcome_kind
from harkara.model.messages import BLOCK_SIZE, MessageBatch, unpack
from harkara.model.routing import Rules
from harkara.model.submit_tasks import SubmitTask, queue_of
from harkara.model.tasks import QueueName, Receipt, receipts_tasks
from harkara.ports import LastMessages, MessageStore, TaskQueues
from harkara.submit.attempts import ENDS
from harkara.submit.checks import Checks, needs_check
from harkara.submit.dispatch import Dispatch
from harkara.submit.outcomes import (
    Shared,
    Sharing,
    left_behind,
    log_events_of,
    outcome_of,
    refusals_of,
    reports_of,
    retry_of,
    submitted_in,
)
from harkara.submit.planner import SHORT_WAIT_S, WAITING, BlockPart, Plan, Planner
from harkara.submit.submitted import submitted_tasks


@dataclass(frozen=True, slots=True)
class SubmitService:
    """Processes queue messages for the function `submit`. Keep one for the life of the process.

    `room` limits the messages that one process has claimed without recording their outcome, over
    all its queue messages: one block, so that its death leaves no more than that in doubt.
    """

    store: MessageStore
    queues: TaskQueues
    router: Planner
    hand: Dispatch
    clock: Clock
    random_fraction: RandomFraction
    receipt_wait_s: int
    emit: EventSink
    last: LastMessages
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BLOCK_SIZE))
    entrance: asyncio.Lock = field(default_factory=asyncio.Lock)
    sharing: Sharing = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sharing", Sharing(self.store, self.clock))

    @property
    def checks(self) -> Checks:
        """Schedules the checks of submitted messages."""
        return Checks(self.queues, self.receipt_wait_s)

    async def submit(self, task: SubmitTask, lease: Lease, deadline: Deadline) -> Counter[str]:
        """Process a task, or re-queue its rest when time runs out; return message counts by end.

        Raises LeaseHeld and StoreUnavailable; the queue message then comes back, and nothing is
        done twice.
        """
        counts: Counter[str] = Counter()
        first = task.attempt == 1 and not task.handed_on
        checked = not needs_check(task) or await self._is_check_set(task)
        task = replace(task, checked=checked)
        await self._enqueue_others(task)
        task = replace(task, others=())
        batch, rules = await asyncio.to_thread(self._read, task)
        if batch is None:
            return Counter(batch_missing=1)
        if first:
            # A redelivery reports again; ledger entries make it count once.
            await self._report(batch, refusals_of(batch))
        last = task.block + 1 if task.attempt > 1 else batch.block_count
        while task.block < last:
            part, wait, submitted = BlockPart.of(batch, task), None, None
            if part.indexes:
                async with self._room_for(len(part.indexes)):
                    plan, wait = await self.router.look(part, rules, task, deadline)
                    if wait is None:
                        submitted = await self._try(part, plan, rules, lease, deadline)
                if wait is None:
                    # A submitted block is progress, so the rounds are counted anew.
                    rounds = 0 if submitted and part.attempt == 1 else task.rounds
                    task = replace(task, rounds=rounds)
                    counts += await self._follow_up(part, plan, submitted, lease, rounds)
            if wait is None:
                task = replace(task, block=task.block + 1, reserved={}, waits=0)
                continue
            task = replace(task, reserved=wait.reserved)
            if wait.delay_s and self._may_sleep(wait.delay_s, plan, deadline):
                await self.sleep(wait.delay_s)
                continue
            waits = task.waits + 1 if wait.reason == WAITING else 0
            rounds, delay_s = retries.next_round(task.rounds, wait.delay_s, self._left_s(batch))
            rest = replace(
                task, handed_on=True, waits=waits, rounds=rounds, checked=False, packed=""
            )
            body = rest.encode(lease.task_id)
            await self._schedule(batch, queue_of(batch.lane), body, delay_s)
            counts[wait.reason] = 1
            break
        if not task.checked:  # on failure the queue message comes back
            await asyncio.to_thread(self.checks.set, task)
        return counts

    async def _enqueue_others(self, task: SubmitTask) -> None:
        """Enqueue a request's further batches. After a redelivery, claims make it count once."""
        for part in task.others:
            body = SubmitTask(part.batch_id, task.account_id, checked=task.checked).encode()
            wait_s = max(0.0, part.at_ms / 1000 - self.clock())
            await asyncio.to_thread(self.queues.schedule, part.queue, body, wait_s, task.account_id)

    def _read(self, task: SubmitTask) -> tuple[MessageBatch | None, Rules]:
        packed = task.packed and unpack(task.batch_id, b64decode(task.packed))
        batch = packed or self.store.get_batch(task.batch_id)
        return batch, self.router.store.rules(task.account_id)

    def _may_sleep(self, delay_s: float, plan: Plan, deadline: Deadline) -> bool:
        return delay_s <= SHORT_WAIT_S and deadline.allows(delay_s + plan.needs_s)

    async def _try(
        self, part: BlockPart, plan: Plan, rules: Rules, lease: Lease, deadline: Deadline
    ) -> tuple[LedgerEntry, LedgerEntry] | None:
        """Claim a block attempt, dispatch it, record the outcome; return both entries as stored.

        None: another task has claimed it.
        """
        if part.attempt > 1 or len(part.batch.messages) > 1:
            return await self._tried(part, plan, rules, lease, deadline)
        with self.sharing.shared(lease) as shared:
            return await self._tried(part, plan, rules, lease, deadline, shared)

    async def _tried(
        self,
        part: BlockPart,
        plan: Plan,
        rules: Rules,
        lease: Lease,
        deadline: Deadline,
        shared: Shared | None = None,
    ) -> tuple[LedgerEntry, LedgerEntry] | None:
        batch = part.batch
        data: dict[str, Any] = {"indexes": part.indexes, "carriers": plan.carriers}
        if shared:
            data["shared"] = shared.partition
        if part.repeats:
            data["repeats"] = list(part.repeats)
        kind = claim_kind(part.attempt, part.block)
        entry = lease.entry(batch.id, kind, at=self._now_ms(), **data)
        with deadline.keeping(plan.needs_s):
            (claim,) = await asyncio.to_thread(self.store.put_if_absent, [entry])
        relation = lease.relation(claim, self._now_ms())
        if relation is Relation.FOREIGN:
            return None
        if relation is Relation.BUSY:
            raise LeaseHeld("an earlier delivery may still be submitting this block")
        if relation is Relation.EXPIRED and (outcome := await self.sharing.settled(claim, lease)):
            return claim, outcome
        handed = (
            await self.hand.hand_over(part, plan, rules, deadline)
            if relation is Relation.OURS
            else left_behind(part, claim)
        )
        data = outcome_of(part, claim, handed, await self._repeatable(part, claim, rules))
        data["submitted"] = submitted_in(part, claim, data)
        if shared and relation is Relation.OURS and data["taken"]:
            ((_, carrier_id),), (submitted,) = data["taken"], data["submitted"]
            outcome = await shared.put(claim, carrier_id, submitted)
            if outcome:
                return claim, outcome
        kind = outcome_kind(part.attempt, part.block)
        entry = lease.entry(batch.id, kind, at=self._now_ms(), **data)
        # If the earlier worker lived to record an outcome, that one stands.
        (own,) = await asyncio.to_thread(self.store.put_if_absent, [entry])
        return claim, own

    async def _follow_up(
        self,
        part: BlockPart,
        plan: Plan,
        submitted: tuple[LedgerEntry, LedgerEntry] | None,
        lease: Lease,
        rounds: int,
    ) -> Counter[str]:
        """Do the follow-up of an outcome. After a redelivery, ledger entries make it count once."""
        if submitted is None:
            return Counter(claimed_by_another=len(part.indexes))
        batch, (claim, outcome) = part.batch, submitted
        if batch.two_way:
            # Messages in doubt may well have arrived.
            taken = [*(index for index, _ in outcome.data["taken"]), *outcome.data["in_doubt"]]
            mids = {batch.messages[index].to: batch.mid(index) for index in taken}
            await asyncio.to_thread(self.last.put, batch.account_id, mids)
        if any(each.submitted for each in batch.endpoints):
            await self._tell_submitted(part, outcome)
        if lease.relation(outcome, self._now_ms()) is Relation.OURS:
            for event in log_events_of(part, claim, outcome):
                self.emit(event)
        for carrier, reports in reports_of(part, claim, outcome).items():
            await self._report(batch, reports, carrier)
        if retry := retry_of(part, claim, outcome, plan.reserved):
            left_s = self._left_s(batch)
            pause_s = retries.submit_delay(part.attempt, retry.wait_s, left_s)
            # Once expired, it waits no more.
            delay_s = min(
                retries.with_jitter(pause_s, self.random_fraction()), max(0.0, left_s) + 1
            )
            rounds, delay_s = retries.next_round(rounds, delay_s, left_s)
            body = replace(retry.task, rounds=rounds).encode()
            await self._schedule(batch, queue_of(batch.lane), body, delay_s)
        counts = Counter({end: len(outcome.data.get(end, ())) for end in ENDS})
        counts["resubmitted"] = len(outcome.data.get("again", ()))
        return counts

    def _left_s(self, batch: MessageBatch) -> float:
        return batch.expires_at_s - self.clock()

    async def _repeatable(self, part: BlockPart, claim: LedgerEntry, rules: Rules) -> set[str]:
        """Return the carriers to which messages in doubt may be submitted again."""
        if not rules.resubmits(part.batch.category):
            return set()
        names = {*claim.data["carriers"], *(repeat.carrier for repeat in part.repeats.values())}
        return {name for name in names if await self.router.deduplicates(name)}

    async def _is_check_set(self, task: SubmitTask) -> bool:
        """Schedule the check of a request; return whether that worked.

        A failure does not hold up the messages.
        """
        try:
            await asyncio.to_thread(self.checks.set, task)
        except StoreUnavailable:
            return False
        return True

    async def _tell_submitted(self, part: BlockPart, outcome: LedgerEntry) -> None:
        bodies, group = submitted_tasks(part, outcome), part.batch.account_id
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

    @asynccontextmanager
    async def _room_for(self, count: int) -> AsyncIterator[None]:
        count = min(count, BLOCK_SIZE)
        async with self.entrance:  # one at a time: two with half of the room each would block
            for _ in range(count):
                await self.room.acquire()
        try:
            yield
        finally:
            for _ in range(count):
                self.room.release()

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)
