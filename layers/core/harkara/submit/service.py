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
cancel which finds no claim is always read here (`harkara.manage.cancels`).
"""

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from harkara.base import retries
from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode, encode_body
from harkara.base.time import Clock, Deadline
from harkara.model.ledger import Lease
from harkara.model.messages import BLOCK_SIZE, MessageBatch, unpack
from harkara.model.routing import Rules
from harkara.model.submit_tasks import SubmitTask, decode_submit, queue_of
from harkara.model.tasks import CheckTask, QueueName
from harkara.ports import MessageStore, TaskQueues
from harkara.submit.follow_up import FollowUp
from harkara.submit.outcomes import BlockAttempts
from harkara.submit.planner import RECORD_S, SHORT_WAIT_S, WAITING, BlockPart, Plan, Planner


@dataclass(frozen=True, slots=True)
class Checks:
    """Schedules checks for the time when the wait for receipts is over."""

    queues: TaskQueues
    receipt_wait_s: int

    def set(self, task: SubmitTask) -> None:
        """Schedule the check of a request's batches. Raises StoreUnavailable."""
        others = tuple(part.batch_id for part in task.others)
        singles_of = task.account_id if task.single else ""
        self._schedule(CheckTask(task.batch_id, others, singles_of=singles_of), task.account_id)

    def set_together(self, bodies: Mapping[str, str]) -> Mapping[str, str]:
        """Schedule one check for all single messages of an account; return the bodies that say so.

        `bodies` is by queue message. If this fails for an account, each of its messages schedules
        its own check. Raises ValueError for a body that is not a submit task.
        """
        tasks = {name: decode_submit(body) for name, body in bodies.items()}
        of_accounts: dict[str, list[str]] = {}
        for name, task in tasks.items():
            if task.single and needs_check(task):
                of_accounts.setdefault(task.account_id, []).append(name)
        checked = {}
        for account_id, names in of_accounts.items():
            first, *others = dict.fromkeys(tasks[name].batch_id for name in names)
            with suppress(StoreUnavailable):
                self._schedule(CheckTask(first, tuple(others), singles_of=account_id), account_id)
                for name in names:
                    checked[name] = encode_body(**decode(bodies[name]), checked=True)
        return checked

    def _schedule(self, check: CheckTask, account_id: str) -> None:
        body = check.encode()
        self.queues.schedule(QueueName.RECEIPT, body, self.receipt_wait_s, account_id)


def needs_check(task: SubmitTask) -> bool:
    """Whether a task is a request's first, and its check is not known to be scheduled."""
    return task.attempt == 1 and not task.handed_on and not task.checked


@dataclass(frozen=True, slots=True)
class SubmitService:
    """Processes queue messages for the function `submit`. Keep one for the life of the process.

    `room` limits the messages that one process has claimed without recording their outcome, over
    all its queue messages: one block, so that its death leaves no more than that in doubt.
    """

    store: MessageStore
    queues: TaskQueues
    planner: Planner
    attempts: BlockAttempts
    follow_up: FollowUp
    clock: Clock
    receipt_wait_s: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BLOCK_SIZE))
    entrance: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        if task.revoke_at:
            return await self.follow_up.fallbacks.revoke(task, batch, deadline)
        if first and batch.refused():
            # A redelivery reports again; ledger entries make it count once.
            await self.follow_up.report_refused(batch)
        last = task.block + 1 if task.attempt > 1 else batch.block_count
        while task.block < last:
            indexes = task.indexes or tuple(batch.block(task.block))
            part, wait, recorded = _part(batch, task, indexes), None, None
            if part.indexes:
                async with self._room_for(len(part.indexes)):
                    plan, wait = await self.planner.look(part, rules, task, deadline)
                    if wait is None:
                        recorded = await self.attempts.make(part, plan, rules, lease, deadline)
                if recorded:
                    # A submitted block is progress, so the rounds are counted anew.
                    rounds = 0 if part.attempt == 1 else task.rounds
                    task = replace(task, rounds=rounds)
                    counts += await self.follow_up.finish(part, plan, recorded, lease, rounds)
                elif wait is None:
                    counts["claimed_by_another"] += len(part.indexes)
            if wait is None:
                task = replace(task, block=task.block + 1, reserved={}, waits=0)
                continue
            task = replace(task, reserved=wait.reserved)
            if wait.delay_s and self._may_sleep(wait.delay_s, plan, deadline):
                await self.sleep(wait.delay_s)
                continue
            waits = task.waits + 1 if wait.reason == WAITING else 0
            left_s = batch.expires_at_s - self.clock()
            rounds, delay_s = retries.next_round(task.rounds, wait.delay_s, left_s)
            rest = replace(
                task, handed_on=True, waits=waits, rounds=rounds, checked=False, packed=""
            )
            body = rest.encode(lease.task_id)
            queue, group = queue_of(batch.lane), batch.account_id
            await asyncio.to_thread(self.queues.schedule, queue, body, delay_s, group)
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
        rules = self.planner.store.rules(task.account_id)
        packed = task.packed and unpack(task.batch_id, b64decode(task.packed))
        return packed or self.store.get_batch(task.batch_id), rules

    def _may_sleep(self, delay_s: float, plan: Plan, deadline: Deadline) -> bool:
        return delay_s <= SHORT_WAIT_S and deadline.allows(delay_s + plan.timeout_s + RECORD_S)

    async def _is_check_set(self, task: SubmitTask) -> bool:
        """Schedule the check of a request; return whether that worked.

        A failure does not hold up the messages.
        """
        try:
            await asyncio.to_thread(self.checks.set, task)
        except StoreUnavailable:
            return False
        return True

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


def _part(batch: MessageBatch, task: SubmitTask, indexes: Sequence[int]) -> BlockPart:
    """Return the messages that a task submits next."""
    repeats = {repeat.index: repeat for repeat in task.repeats}
    rests, doubles = task.rests, task.doubles
    return BlockPart(batch, task.block, task.attempt, indexes, task.tried, repeats, rests, doubles)
