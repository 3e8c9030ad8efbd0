"""Look after a chunk until every message has its end and every end was called back.

`submit` sets a chunk's check once it has been through its blocks; while there is more to wait for,
a check sets the next. It decides and enqueues, nothing more:

- A message whose last try the carrier took, or may have taken, ends unknown once the wait for its
  receipt is over. One that waits for its turn or for its next try is left alone.
- A final whose owner left no ack although all retries are long over (its dead letter was lost) is
  recovered: a safety net, counted when it catches anything.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harkara.codes import Code
from harkara.errors import StoreUnavailable
from harkara.marks import Mark, index_of
from harkara.messages import Chunk, State
from harkara.ports import Clock, MessageStore, TaskQueues
from harkara.retries import limit_s
from harkara.tasks import CheckTask, QueueName, Receipt, RecoverTask, receipts_tasks

# Beyond the last retry: an hour for queues that were behind.
_MARGIN_S = 3600


@dataclass(frozen=True, slots=True)
class CheckService:
    """What `dlr` does with a check."""

    store: MessageStore
    queues: TaskQueues
    clock: Clock
    receipt_wait_s: int
    retry_delays_s: tuple[int, ...]

    async def check(self, task: CheckTask) -> Counter[str]:
        """Check a chunk; return what was found. Raises StoreUnavailable: the task comes back."""
        return await asyncio.to_thread(self._check, task)

    def _check(self, task: CheckTask) -> Counter[str]:
        chunk = self.store.get_chunk(task.chunk_id)
        if chunk is None:  # its time to live is over, and with it all that could be done
            return Counter(chunk_missing=1)
        now_s = self.clock()
        finals = {index_of(mark.kind): mark for mark in self._marks(chunk, "final#")}
        unsettled = set(range(len(chunk.messages))) - finals.keys()
        submitted = {i: since for i, since in self._submitted(chunk).items() if i in unsettled}
        overdue: dict[str, list[Receipt]] = {}
        for index, (attempt, since_s, carrier) in sorted(submitted.items()):
            if since_s + self.receipt_wait_s <= now_s:
                overdue.setdefault(carrier, []).append(
                    Receipt(chunk.mid(index), attempt, State.UNKNOWN, int(now_s), Code.NO_RECEIPT)
                )
        overdue_count = sum(map(len, overdue.values()))
        unacknowledged = self._unacknowledged(chunk, finals)
        horizon_s = now_s - (limit_s(self.retry_delays_s) + _MARGIN_S)
        # Their own time is when the carrier says that it was so: its receipt may come days later.
        # A holder's end is at most an invocation behind what it put.
        lost = [mark for mark in unacknowledged if mark.until_ms / 1000 < horizon_s]

        bodies = [
            part.encode()
            for carrier, receipts in overdue.items()
            for part in receipts_tasks(receipts, carrier)
        ]
        if lost:
            bodies.append(RecoverTask(chunk.id, tuple(index_of(m.kind) for m in lost)).encode())
        if not all(self.queues.send(QueueName.RECEIPT, bodies, chunk.account_id)):
            raise StoreUnavailable("the receipt queue did not take a task")

        # Again when the last of those that are submitted is overdue; of the others nobody knows.
        young = [
            since_s for _, since_s, _ in submitted.values() if since_s > now_s - self.receipt_wait_s
        ]
        waits_s = [max(young, default=now_s) + self.receipt_wait_s - now_s] if unsettled else []
        if len(lost) < len(unacknowledged):
            waits_s.append(max(mark.until_ms / 1000 for mark in unacknowledged) - horizon_s)
        if waits_s:
            self.queues.schedule(
                QueueName.RECEIPT, task.encode(), max(1.0, min(waits_s)), chunk.account_id
            )
        return Counter(
            unknown=overdue_count, waiting=len(unsettled) - overdue_count, recovered=len(lost)
        )

    def _submitted(self, chunk: Chunk) -> dict[int, tuple[int, float, str]]:
        """Return the last try of each message that a carrier has or may have, its time and it."""
        submitted: dict[int, tuple[int, float, str]] = {}
        outcomes = {
            mark.kind.removeprefix("outcome"): mark for mark in self._marks(chunk, "outcome#")
        }
        for claim in self._marks(chunk, "claim#"):  # in the order of tries
            outcome = outcomes.get(claim.kind.removeprefix("claim"))
            not_taken = {index for index, _ in outcome.data["not_taken"]} if outcome else set()
            attempt = int(claim.kind.split("#")[1])
            carriers = claim.data["carriers"]
            at = {index: name for name, indexes in carriers.items() for index in indexes}
            for index in claim.data["indexes"]:
                _, _, before = submitted.pop(index, (0, 0, ""))
                if index not in not_taken:
                    submitted[index] = (attempt, claim.data["at"] / 1000, at.get(index, before))
        return submitted

    def _unacknowledged(self, chunk: Chunk, finals: dict[int, Mark]) -> list[Mark]:
        """Return the finals that somebody wants to hear of and no ack speaks of."""
        recovered = {index_of(mark.kind) for mark in self._marks(chunk, "recovered#")}
        wanted = [
            mark
            for index, mark in finals.items()
            if chunk.messages[index].endpoint is not None and index not in recovered
        ]
        acknowledged = {
            index
            for owner in dict.fromkeys(mark.owner for mark in wanted)
            for ack in self.store.find_marks(owner, "ack#")
            for index in ack.data["members"].get(chunk.id, ())
        }
        return [mark for mark in wanted if index_of(mark.kind) not in acknowledged]

    def _marks(self, chunk: Chunk, prefix: str) -> Sequence[Mark]:
        return self.store.find_marks(chunk.id, prefix)
