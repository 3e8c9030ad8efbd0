"""Submit a chunk: claim a block, hand it to the carrier, put down the outcome; the next block.

A claim without an outcome, found by a later delivery of its queue message, means that the holder
died in between: its messages are in doubt, counted, and not submitted again. What the carrier did
not take is tried again as a new queue message, under a claim of its own.

What may not go out yet (a send time ahead, promotional messages at night), and what no time is
left for, goes on as another queue message in the same owner's name: a block that an earlier
delivery claimed stays that owner's to see to. Cancels are read after the claim is put: a cancel
that finds no claim is one that this read finds (`harkara.services.cancel`).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harkara import retries
from harkara.codes import Code
from harkara.deadline import Deadline
from harkara.dlt.chain import chain_hash
from harkara.errors import NotOurTurn, StoreUnavailable
from harkara.hours import ready_s
from harkara.ids import ReferenceSigner
from harkara.marks import Claimant, Relation, claim_kind, index_of, outcome_kind
from harkara.messages import Chunk, State
from harkara.ports import (
    Carrier,
    Clock,
    InDoubt,
    Luck,
    MessageStore,
    NotTaken,
    Refused,
    Submission,
    TaskQueues,
)
from harkara.services.accept import BLOCK_SIZE
from harkara.services.duplicates import find_duplicates
from harkara.services.tries import ENDS, Cancelled, End, outcome_data
from harkara.tasks import CheckTask, QueueName, Receipt, SubmitTask, queue_of, receipts_tasks

# What recording an outcome and following it up may take after the carrier's time-out.
_RECORD_S = 3.0


@dataclass(frozen=True, slots=True)
class SubmitService:
    """What `submit` does with a queue message. Keep it as long as the process: it holds the room.

    `room` bounds what one process has claimed and not put down, over all its queue messages: one
    block, so that its death leaves no more than that in doubt.
    """

    store: MessageStore
    queues: TaskQueues
    carrier: Callable[[str], Awaitable[Carrier]]
    signer: ReferenceSigner
    clock: Clock
    luck: Luck
    receipt_wait_s: int
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BLOCK_SIZE))
    entrance: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def submit(
        self, task: SubmitTask, claimant: Claimant, deadline: Deadline
    ) -> Counter[str]:
        """Do a task, or hand its rest on when time runs out; count how many messages met which end.

        Raises NotOurTurn and StoreUnavailable: the queue message comes back, and nothing of it is
        done twice.
        """
        counts: Counter[str] = Counter()
        chunk = await asyncio.to_thread(self.store.get_chunk, task.chunk_id)
        if chunk is None:
            return Counter(chunk_missing=1)
        carrier = await self.carrier(chunk.carrier)
        first = task.attempt == 1 and not task.handed_on
        if first:
            await self._report_refused(chunk)
        last = task.block + 1 if task.attempt > 1 else chunk.block_count
        for block in range(task.block, last):
            indexes = task.indexes or tuple(chunk.block(block))
            if not indexes:
                continue
            async with self._room_for(len(indexes)):
                wait_s = self._wait_s(chunk)
                if wait_s > 0 or not deadline.allows(carrier.timeout_s + _RECORD_S):
                    rest = replace(task, block=block, handed_on=True).encode(claimant.owner)
                    await self._schedule(chunk, queue_of(chunk.lane), rest, wait_s)
                    counts["deferred" if wait_s > 0 else "handed_on"] += 1
                    break
                part = _Part(chunk, block, task.attempt, indexes)
                counts += await self._submit_part(part, carrier, claimant, deadline)
        if first:
            await self._set_check(chunk)
        return counts

    async def _set_check(self, chunk: Chunk) -> None:
        """Have the chunk looked after. Until then its queue message stays, and comes back."""
        wait_s = self.receipt_wait_s + self._wait_s(chunk)
        await self._schedule(chunk, QueueName.RECEIPT, CheckTask(chunk.id).encode(), wait_s)

    async def _report_refused(self, chunk: Chunk) -> None:
        """Have the refused records called back. A redelivery does it again: marks make it once."""
        at_s = chunk.accepted_at_ms // 1000
        refused = [
            Receipt(chunk.mid(index), 0, State.FAILED, at_s, code)
            for index, code in chunk.refused()
        ]
        await self._report(chunk, refused)

    async def _submit_part(
        self, part: "_Part", carrier: Carrier, claimant: Claimant, deadline: Deadline
    ) -> Counter[str]:
        now_ms = self._now_ms()
        claim = claimant.mark(
            part.chunk.id, claim_kind(part.attempt, part.block), at=now_ms, indexes=part.indexes
        )
        (standing,) = await asyncio.to_thread(self.store.put_once, [claim])
        relation = claimant.relation(standing, self._now_ms())
        if relation is Relation.THEIRS:
            return Counter(claimed_by_another=len(part.indexes))
        if relation is Relation.STILL_HELD:
            raise NotOurTurn("an earlier delivery may still be submitting this block")
        ends: list[End] = (
            await self._hand_over(part, carrier, deadline)
            if relation is Relation.MINE
            else [InDoubt()] * len(part.indexes)
        )
        mark = claimant.mark(
            part.chunk.id,
            outcome_kind(part.attempt, part.block),
            at=self._now_ms(),
            **outcome_data(part.indexes, ends),
        )
        # The earlier holder's outcome stands, if it lived to put one down.
        (outcome,) = await asyncio.to_thread(self.store.put_once, [mark])
        await self._follow_up(part, outcome.data)
        return Counter({end: len(outcome.data[end]) for end in ENDS})

    async def _hand_over(self, part: "_Part", carrier: Carrier, deadline: Deadline) -> list[End]:
        try:
            ends = await asyncio.to_thread(self._kept_back, part)
        except StoreUnavailable:  # nothing has left: without this it would all be in doubt
            return [NotTaken()] * len(part.indexes)
        live = [index for index in part.indexes if index not in ends]
        if live:
            submissions = [self._submission(part, index) for index in live]
            outcomes = await carrier.submit(submissions, deadline.remaining_s() - _RECORD_S)
            ends.update(zip(live, outcomes, strict=True))
        return [ends[index] for index in part.indexes]

    def _kept_back(self, part: "_Part") -> dict[int, End]:
        """Return the messages of a part that do not go out, and why."""
        chunk = part.chunk
        cancels = self.store.find_marks(chunk.id, "cancel#")
        cancelled = {index_of(mark.kind) for mark in cancels}.intersection(part.indexes)
        ends: dict[int, End] = dict.fromkeys(cancelled, Cancelled())
        live = [index for index in part.indexes if index not in ends]
        if ready_s(chunk, self.clock()) > _ends_s(chunk):
            return ends | dict.fromkeys(live, Refused(Code.EXPIRED, ""))
        duplicates = find_duplicates(self.store, chunk, live)
        return ends | dict.fromkeys(duplicates, Refused(Code.DUPLICATE, ""))

    def _submission(self, part: "_Part", index: int) -> Submission:
        chunk, message = part.chunk, part.chunk.messages[index]
        chain = chunk.telemarketer_ids
        return Submission(
            self.signer.sign(chunk.mid(index), part.attempt),
            message,
            chain_hash(message.pe_id, chain) if message.pe_id and chain else "",
            chunk.category,
            chunk.account_id,
            max(1, int(_ends_s(chunk) - self.clock())),
        )

    def _wait_s(self, chunk: Chunk) -> float:
        """Return how long the chunk must wait; what would wait beyond its end need not."""
        now_s = self.clock()
        may_s = ready_s(chunk, now_s)
        return may_s - now_s if may_s <= _ends_s(chunk) else 0.0

    async def _follow_up(self, part: "_Part", data: Any) -> None:
        """See to what an outcome calls for: report the failures, retry what was not taken."""
        chunk, attempt = part.chunk, part.attempt
        failures = [
            Receipt(
                chunk.mid(index),
                attempt,
                State.EXPIRED if code == Code.EXPIRED else State.FAILED,
                data["at"] // 1000,
                code,
                carrier_code,
            )
            for index, code, carrier_code in data["refused"]
        ]
        cancels = [
            Receipt(chunk.mid(index), attempt, State.CANCELLED, data["at"] // 1000, Code.CANCELLED)
            for index in data["cancelled"]
        ]
        await self._report(chunk, failures + cancels)
        if not data["not_taken"]:
            return
        retry = SubmitTask(
            chunk_id=chunk.id,
            account_id=chunk.account_id,
            block=part.block,
            attempt=attempt + 1,
            indexes=tuple(index for index, _ in data["not_taken"]),
        )
        pause_s = retries.submit_delay(attempt, max(wait for _, wait in data["not_taken"]))
        delay_s = retries.with_jitter(pause_s, self.luck())
        await self._schedule(chunk, queue_of(chunk.lane), retry.encode(), delay_s)

    async def _report(self, chunk: Chunk, receipts: Sequence[Receipt]) -> None:
        for task in receipts_tasks(receipts):
            await self._schedule(chunk, QueueName.RECEIPT, task.encode(), 0)

    async def _schedule(self, chunk: Chunk, queue: QueueName, body: str, delay_s: float) -> None:
        await asyncio.to_thread(self.queues.schedule, queue, body, delay_s, chunk.account_id)

    @asynccontextmanager
    async def _room_for(self, count: int) -> AsyncIterator[None]:
        count = min(count, BLOCK_SIZE)
        async with self.entrance:  # one at a time: two that have half the room each would block
            for _ in range(count):
                await self.room.acquire()
        try:
            yield
        finally:
            for _ in range(count):
                self.room.release()

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one claim covers: messages of a block at one try."""

    chunk: Chunk
    block: int
    attempt: int
    indexes: Sequence[int]


def _ends_s(chunk: Chunk) -> float:
    """Return until when the chunk may be submitted."""
    return chunk.begins_ms / 1000 + chunk.validity_s
