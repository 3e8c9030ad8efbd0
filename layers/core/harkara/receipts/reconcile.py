"""Check a message batch until every message has a final state that was called back.

`submit` schedules a request's check before it does anything else; while there is more to wait for,
a check schedules the next. Batches of a single message get a quick check first, which reads only
final states and acks, of many batches at a time: nearly all of them are settled. A check only
decides and enqueues:

- A message whose last attempt the carrier took, or may have taken, ends unknown once the wait for
  its receipt is over.
- A message whose end was never reported, although its outcome records one or it was refused on
  acceptance, gets that end.
- A message that no carrier has ends expired, or cancelled, an hour after its validity: `submit`
  begins no attempt by then, so its queue message was lost, or comes too late. Until then it waits.
- A final state whose task left no ack although all retries are long over (its dead letter was lost)
  is recovered: a safety net, counted when it catches anything.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import split_mid
from harkara.base.retries import DUE_DELAY_S, SCHEDULE_LIMIT_S, limit_s
from harkara.base.time import Clock
from harkara.model.ledger import LedgerEntry, ack_kind, cancels_of, final_kind, index_of
from harkara.model.messages import MessageBatch, State
from harkara.model.tasks import CheckTask, QueueName, Receipt, RecoverTask, receipts_tasks
from harkara.ports import MessageStore, TaskQueues
from harkara.submit.follow_up import refusals_of, reports_of
from harkara.submit.outcomes import carriers_of
from harkara.submit.planner import BlockPart

# Time after the last retry, or after a message's validity: an hour for delayed queues.
_MARGIN_S = 3600
# After this many checks in a row the next goes through the Due table, even for a short wait.
_LOOKS = 2


class _SubmitAttempt(NamedTuple):
    """The last attempt of a message that a carrier has or may have, or that ended it."""

    attempt: int
    since_s: float
    carrier: str
    end: Receipt | None = None


@dataclass(frozen=True, slots=True)
class CheckService:
    """Checks message batches in the `dlr` function."""

    store: MessageStore
    queues: TaskQueues
    clock: Clock
    receipt_wait_s: int
    retry_delays_s: tuple[int, ...]

    async def check(self, task: CheckTask) -> Counter[str]:
        """Check a message batch; return the number of messages by result.

        Raises StoreUnavailable: the task comes back.
        """
        return await asyncio.to_thread(
            self._check_singles if task.singles_of else self._check, task
        )

    def _check_singles(self, task: CheckTask) -> Counter[str]:
        """Enqueue full checks of the batches that are not clearly final and called back.

        Ledger entries are never removed, so an entry that is not visible yet only causes more work.
        """
        batch_ids = [task.batch_id, *task.others]
        keys = [(batch_id, final_kind(0)) for batch_id in batch_ids]
        finals = [entry for entry in self.store.get_entries(keys, consistent=False) if entry]
        settled = {entry.partition for entry in finals if entry.data.get("untold")}
        task_ids = {
            entry.partition: entry.task_id for entry in finals if entry.partition not in settled
        }
        first_acks = [(task_id, ack_kind(0)) for task_id in dict.fromkeys(task_ids.values())]
        acks = self.store.get_entries(first_acks, consistent=False) if first_acks else []
        settled.update(batch_id for ack in acks if ack for batch_id in ack.data["members"])
        # A task may have called back in several groups.
        more = dict.fromkeys(task_id for each, task_id in task_ids.items() if each not in settled)
        for task_id in more:
            for ack in self.store.find_entries(task_id, "ack#"):
                settled.update(ack.data["members"])
        open_ids = [batch_id for batch_id in batch_ids if batch_id not in settled]
        self._send([CheckTask(batch_id).encode() for batch_id in open_ids], task.singles_of)
        return Counter(settled=len(batch_ids) - len(open_ids), unsettled=len(open_ids))

    def _check(self, task: CheckTask) -> Counter[str]:
        batch = self.store.get_batch(task.batch_id)
        group = batch.account_id if batch else ""
        self._send([CheckTask(batch_id).encode() for batch_id in task.others], group)
        if batch is None:  # its time to live is over, and nothing can be done
            return Counter(batch_missing=1)
        now_s = self.clock()
        finals = {index_of(entry.kind): entry for entry in self._entries(batch, "final#")}
        unsettled = set(range(len(batch.messages))) - finals.keys()
        attempts = {i: each for i, each in self._attempts(batch).items() if i in unsettled}
        refused = [each for each in refusals_of(batch) if split_mid(each.mid)[1] in unsettled]
        untried = unsettled - attempts.keys() - {split_mid(each.mid)[1] for each in refused}
        over_s = batch.expires_at_s + _MARGIN_S
        left = self._left(batch, untried) if untried and over_s <= now_s else []
        ends = self._ends(batch, attempts, now_s)
        if refused or left:
            ends.setdefault("", []).extend(refused + left)
        unacknowledged = self._unacknowledged(batch, finals)
        longest_s = max(map(limit_s, (self.retry_delays_s, [SCHEDULE_LIMIT_S])))
        horizon_s = now_s - (longest_s + _MARGIN_S)
        # `data["at"]` is the carrier's own time, and its receipt may come days later.
        # `expires_at_ms` is at most one invocation later than the entry was put.
        lost = [entry for entry in unacknowledged if entry.expires_at_ms / 1000 < horizon_s]

        bodies = [
            part.encode()
            for carrier, receipts in ends.items()
            for part in receipts_tasks(receipts, carrier)
        ]
        if lost:
            bodies.append(RecoverTask(batch.id, tuple(index_of(m.kind) for m in lost)).encode())
        self._send(bodies, batch.account_id)

        # Check again when the last submitted message is overdue, or the others' validity is over.
        young_s = max((each.since_s for each in attempts.values()), default=0.0)
        young_s += self.receipt_wait_s - now_s
        waits_s = [young_s] if young_s > 0 else []
        if untried and over_s > now_s:
            waits_s.append(over_s - now_s)
        if unsettled and not waits_s:
            waits_s.append(self.receipt_wait_s)
        if len(lost) < len(unacknowledged):
            waits_s.append(max(entry.expires_at_ms / 1000 for entry in unacknowledged) - horizon_s)
        if waits_s:
            self._check_again(batch, task.looks, min(waits_s))
        ended = Counter(receipt.state for receipts in ends.values() for receipt in receipts)
        unknown_count = ended.pop(State.UNKNOWN, 0)
        return Counter(
            unknown=unknown_count,
            ended=ended.total(),
            waiting=len(unsettled) - unknown_count - ended.total(),
            recovered=len(lost),
        )

    def _ends(
        self, batch: MessageBatch, attempts: Mapping[int, _SubmitAttempt], now_s: float
    ) -> dict[str, list[Receipt]]:
        """Return the ends of submitted messages by carrier: recorded, or without a receipt."""
        ends: dict[str, list[Receipt]] = {}
        for index, each in sorted(attempts.items()):
            end = each.end
            if end is None and each.since_s + self.receipt_wait_s <= now_s:
                mid = batch.mid(index)
                end = Receipt(mid, each.attempt, State.UNKNOWN, int(now_s), Code.NO_RECEIPT)
            if end:
                ends.setdefault(each.carrier, []).append(end)
        return ends

    def _check_again(self, batch: MessageBatch, looks: int, wait_s: float) -> None:
        # Callbacks that result from this go through this function in rounds of their own.
        wait_s = max(1.0 if looks < _LOOKS else DUE_DELAY_S, wait_s)
        looks = 0 if wait_s >= DUE_DELAY_S else looks + 1
        again = CheckTask(batch.id, looks=looks).encode()
        self.queues.schedule(QueueName.RECEIPT, again, wait_s, batch.account_id)

    def _send(self, bodies: Sequence[str], group: str) -> None:
        if bodies and not all(self.queues.send(QueueName.RECEIPT, bodies, group)):
            raise StoreUnavailable("the receipt queue did not take a task")

    def _attempts(self, batch: MessageBatch) -> dict[int, _SubmitAttempt]:
        """Return each message's last attempt that a carrier has or may have, or that ended it."""
        attempts: dict[int, _SubmitAttempt] = {}
        outcomes = {
            entry.kind.removeprefix("outcome"): entry for entry in self._entries(batch, "outcome#")
        }
        for claim in self._entries(batch, "claim#"):  # in the order of attempts
            attempt, block = map(int, claim.kind.split("#")[1:])
            carriers = claim.data["carriers"]
            at = {index: name for name, indexes in carriers.items() for index in indexes}
            ends: dict[int, Receipt] = {}
            if outcome := outcomes.get(claim.kind.removeprefix("claim")):
                not_taken = {index for index, _ in outcome.data["not_taken"]}
                part = BlockPart(batch, block, attempt, claim.data["indexes"])
                for receipts in reports_of(part, carriers_of(part, claim), outcome).values():
                    ends |= {split_mid(receipt.mid)[1]: receipt for receipt in receipts}
            else:  # its worker dispatched nothing else
                handed = {*at, *claim.data.get("repeats", ())}
                not_taken = set(claim.data["indexes"]) - handed
            for index in claim.data["indexes"]:
                before = attempts.pop(index, None)
                if index not in not_taken:
                    carrier = at.get(index, before.carrier if before else "")
                    since_s = claim.data["at"] / 1000
                    attempts[index] = _SubmitAttempt(attempt, since_s, carrier, ends.get(index))
        return attempts

    def _left(self, batch: MessageBatch, indexes: Iterable[int]) -> list[Receipt]:
        """Return the end of messages that no carrier has and that can no longer be submitted.

        They name attempt 0: no later attempt may supersede it, for none goes out.
        """
        at_s = int(self.clock())
        cancels = self.store.find_entries(cancels_of(batch.id), "cancel#")
        cancelled = {index_of(entry.kind) for entry in cancels}
        return [
            Receipt(batch.mid(index), 0, State.CANCELLED, at_s, Code.CANCELLED)
            if index in cancelled
            else Receipt(batch.mid(index), 0, State.EXPIRED, at_s, Code.EXPIRED)
            for index in sorted(indexes)
        ]

    def _unacknowledged(
        self, batch: MessageBatch, finals: dict[int, LedgerEntry]
    ) -> list[LedgerEntry]:
        """Return the final states that need a callback and have no ack."""
        recovered = {index_of(entry.kind) for entry in self._entries(batch, "recovered#")}
        required = [
            entry
            for index, entry in finals.items()
            if batch.messages[index].endpoint is not None and index not in recovered
        ]
        acknowledged = {
            index
            for task_id in dict.fromkeys(entry.task_id for entry in required)
            for ack in self.store.find_entries(task_id, "ack#")
            for index in ack.data["members"].get(batch.id, ())
        }
        return [entry for entry in required if index_of(entry.kind) not in acknowledged]

    def _entries(self, batch: MessageBatch, prefix: str) -> Sequence[LedgerEntry]:
        return self.store.find_entries(batch.id, prefix)
