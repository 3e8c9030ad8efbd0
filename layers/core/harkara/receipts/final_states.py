"""Write final states: the first one stands, and the task that put it calls back.

The final states that one delivery of a queue message put are the members of its callbacks. They are
fixed once all are put, and only then posted (`harkara.callbacks.service`), in groups by endpoint.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from harkara.base.codes import Code
from harkara.base.errors import LeaseHeld
from harkara.base.ids import mid_of
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock, Deadline
from harkara.callbacks.formats import group_limit
from harkara.callbacks.service import CallbackService
from harkara.model import ledger
from harkara.model.activity import facts_of
from harkara.model.events import Dlr
from harkara.model.ledger import Lease, LedgerEntry, Relation
from harkara.model.messages import Endpoint, MessageBatch, State
from harkara.model.tasks import CallbackTask, QueueName, Receipt, RecoverTask, receipts_tasks
from harkara.ports import MessageStore, SuppressionList, TaskQueues
from harkara.receipts.corrections import keep_opt_outs, late_in, tell_late
from harkara.receipts.verdicts import Reported, Verdicts, fallen_back, find, judge, whole

_CHANNEL, _READ = attrgetter("receipt.channel"), attrgetter("receipt.read")
_SEGMENT = attrgetter("receipt.segment")
_Stored = tuple[LedgerEntry, Relation]  # an entry as stored, and this worker's relation to it


@dataclass(frozen=True, slots=True)
class DeliverService:
    """Turns receipts into final states and posts them, in the `dlr` function."""

    store: MessageStore
    queues: TaskQueues
    callbacks: CallbackService
    clock: Clock
    emit: EventSink
    lists: SuppressionList

    async def deliver(
        self,
        receipts: Sequence[Receipt],
        lease: Lease,
        deadline: Deadline,
        carrier: str = "",
        rounds: int = 1,
    ) -> Counter[str]:
        """Write and post final states that are missing; return the number of messages by result.

        `carrier` is the carrier of the messages, empty for none. `rounds` is how often the receipts
        went through their queue.

        Raises LeaseHeld, OutOfTime and StoreUnavailable: the queue message is delivered again.
        """
        deadline.require(self.callbacks.post_s)
        reported, batches, due_at_ms = await asyncio.to_thread(find, self.store, receipts)
        verdicts, now_ms = Verdicts(reported), int(self.clock() * 1000)
        if any(each.receipt.state is not State.DELIVERED for each in reported):
            verdicts = await asyncio.to_thread(judge, self.store, reported, now_ms)
        if verdicts.early:
            for task in receipts_tasks(verdicts.early, carrier):
                await asyncio.to_thread(
                    self.queues.schedule, QueueName.RECEIPT, task.encode(), verdicts.delay_s
                )
        if any(map(_CHANNEL, verdicts.counting)):
            verdicts = await asyncio.to_thread(fallen_back, self.queues, verdicts, rounds)
        counting = verdicts.counting
        if any(map(_SEGMENT, counting)):
            counting = await asyncio.to_thread(whole, self.store, counting, lease)
        # The first counting receipt of each message.
        current = {each.receipt.mid: each for each in reversed(counting)}
        finals = [_final(lease, each, carrier) for each in reversed(current.values())]
        existing = await asyncio.to_thread(self.store.put_if_absent, finals, due_at_ms=due_at_ms)
        undelivered = any(entry.data["state"] != State.DELIVERED for entry in existing)
        if undelivered or any(map(_READ, counting)):
            late = late_in(counting, existing)
            await asyncio.to_thread(
                tell_late, self.store, self.queues, self.emit, batches, late, lease, carrier
            )
            await asyncio.to_thread(keep_opt_outs, self.lists, batches, existing)
        existing += await self._left_out(
            [each for each in reported if each.receipt.mid not in current], lease
        )
        counts = Counter(
            repeated=len(counting) - len(current),
            parts=len(verdicts.counting) - len(counting),
            foreign=len(receipts) - len(reported),
            superseded=verdicts.superseded_count,
            early=len(verdicts.early),
        )
        now_ms = int(self.clock() * 1000)
        stored, groups = _grouped(batches, existing, lease, now_ms, due_at_ms, rounds)
        events = self._events_of(batches, stored, lease, carrier)
        return counts + await self._post_own(groups, stored, lease, deadline, events)

    async def recover(self, task: RecoverTask, lease: Lease, deadline: Deadline) -> Counter[str]:
        """Post final states without an ack, marked as possible repeats. Raises as `deliver` does.

        The task that left no ack may have posted all the same.
        """
        deadline.require(self.callbacks.post_s)
        batch = await asyncio.to_thread(self.store.get_batch, task.batch_id)
        if batch is None:
            return Counter(batch_missing=1)
        keys = [(batch.id, ledger.final_kind(index)) for index in task.indexes]
        finals = await asyncio.to_thread(self.store.get_entries, keys)
        takeovers = [
            lease.entry(batch.id, ledger.recovered_kind(index), **final.data)
            for index, final in zip(task.indexes, finals, strict=True)
            if final
        ]
        existing = await asyncio.to_thread(
            self.store.put_if_absent, takeovers, due_at_ms=batch.due_at_ms
        )
        event = LogEvent("callbacks recovered", {"batch": batch.id}, {"recovered": len(existing)})
        now_ms, due_at_ms = int(self.clock() * 1000), batch.due_at_ms
        stored, groups = _grouped({batch.id: batch}, existing, lease, now_ms, due_at_ms)
        return await self._post_own(groups, stored, lease, deadline, [event], in_doubt=True)

    def _events_of(
        self,
        batches: dict[str, MessageBatch],
        stored: Sequence[_Stored],
        lease: Lease,
        carrier: str,
    ) -> list[LogEvent]:
        """Return the log events of the messages that this delivery made final, one per batch."""
        events = []
        own = [entry for entry, relation in stored if relation is Relation.OURS]
        for batch_id in dict.fromkeys(entry.partition for entry in own):
            counts = Counter(
                metric_of(entry.data["state"], entry.data["code"])
                for entry in own
                if entry.partition == batch_id
            )
            delay_s = self.clock() - batches[batch_id].due_at_ms / 1000
            delays_s = {"receipt_delay": delay_s} if counts[State.DELIVERED] else {}
            about = {"batch": batch_id, "task": lease.task_id}
            events.append(
                LogEvent("messages final", about, counts, delays_s, carrier, listed=("batch",))
            )
        return events

    async def _left_out(self, rest: Sequence[Reported], lease: Lease) -> list[LedgerEntry]:
        """Return the final states of this queue message whose receipts do not count any more.

        An earlier delivery put them when they did count, and perhaps called them back.
        """
        if not rest:
            return []
        keys = {(each.batch.id, ledger.final_kind(each.message_index)): None for each in rest}
        found = await asyncio.to_thread(self.store.get_entries, [*keys])
        return [entry for entry in found if entry and entry.task_id == lease.task_id]

    async def _post_own(
        self,
        groups: Sequence[CallbackTask],
        stored: Sequence[_Stored],
        lease: Lease,
        deadline: Deadline,
        events: Sequence[LogEvent],
        *,
        in_doubt: bool = False,
    ) -> Counter[str]:
        """Log events; post the callbacks of entries (`final#`, `recovered#`) of this task."""
        relations = {relation for _, relation in stored}
        own = [entry for entry, relation in stored if relation is not Relation.FOREIGN]
        counts = Counter(str(entry.data["state"]) for entry in own)
        counts["repeated"] = len(stored) - len(own)
        for event in events:
            self.emit(event)
        if Relation.BUSY in relations:
            raise LeaseHeld("an earlier delivery may still be posting these")
        in_doubt = in_doubt or Relation.EXPIRED in relations
        return counts + await self.callbacks.post_all(groups, lease, deadline, in_doubt=in_doubt)


def _final(lease: Lease, reported: Reported, carrier: str) -> LedgerEntry:
    receipt, batch, index = reported
    message = batch.messages[index]
    # A refused record was counted with its batch.
    facts = None if message.refusal else facts_of(batch, index, carrier, receipt.channel)
    of = {"of": tuple(facts)} if facts else {}
    # No callback is wanted; a check reads this here instead of reading the message batch.
    untold = message.endpoint is None
    return lease.entry(
        batch.id,
        ledger.final_kind(index),
        state=receipt.state,
        at=receipt.at_s,
        code=receipt.code,
        carrier_code=receipt.carrier_code,
        attempt=receipt.attempt,
        **({"untold": True} if untold else {}),
        **({"operator": receipt.operator} if receipt.operator else {}),
        **({"channel": receipt.channel} if receipt.channel else {}),
        **({"words": receipt.words} if receipt.words else {}),
        **of,
    )


def _delivery(entry: LedgerEntry) -> tuple[int, str, str, str]:
    return entry.expires_at_ms, entry.worker_id, entry.partition, entry.kind


def _grouped(
    batches: dict[str, MessageBatch],
    existing: Sequence[LedgerEntry],
    lease: Lease,
    now_ms: int,
    due_at_ms: int,
    rounds: int = 1,
) -> tuple[list[_Stored], list[CallbackTask]]:
    """Return this worker's relation to entries, and the callbacks of those of its queue message.

    Each group holds final states that one delivery put; groups are in the order of deliveries. A
    redelivery must get the same ones.
    """
    stored = list[_Stored]()
    by_endpoint: dict[tuple[str, str, Endpoint], list[Dlr]] = {}
    for entry in sorted(existing, key=_delivery):
        relation = lease.relation(entry, now_ms)
        stored.append((entry, relation))
        if relation is Relation.FOREIGN:
            continue
        batch = batches[entry.partition]
        index = ledger.index_of(entry.kind)
        message = batch.messages[index]
        if message.endpoint is not None:
            address = (entry.worker_id, batch.account_id, batch.endpoints[message.endpoint])
            data = entry.data
            by_endpoint.setdefault(address, []).append(
                Dlr(
                    mid_of(batch.id, index),
                    message.client_ref,
                    State(data["state"]),
                    data["at"],
                    data["code"],
                    message.to,
                    message.segment_count,
                    data["carrier_code"],
                    data.get("words", ""),
                    data.get("channel", ""),
                )
            )
    groups = list[CallbackTask]()
    for (_, account_id, endpoint), members in by_endpoint.items():
        limit = group_limit(endpoint)
        for at in range(0, len(members), limit):
            groups.append(
                CallbackTask(
                    group_task_id=lease.task_id,
                    group=len(groups),
                    attempt=0,
                    account_id=account_id,
                    endpoint=endpoint,
                    members=tuple(members[at : at + limit]),
                    due_at_ms=due_at_ms,
                    rounds=rounds,
                )
            )
    return stored, groups


_CLASSES = {
    "failed_dlt": (
        Code.DLT_ENTITY,
        Code.DLT_HEADER,
        Code.DLT_TEMPLATE,
        Code.DLT_CONSENT,
        Code.DLT_PLATFORM,
        Code.URL_NOT_ALLOWED,
        Code.PROMOTIONAL_HOURS,
    ),
    "failed_subscriber": (Code.ABSENT_SUBSCRIBER, Code.UNKNOWN_SUBSCRIBER, Code.DND),
    "failed_carrier": (Code.REFUSED_BY_CARRIER, Code.UNDELIVERED),
}
_CLASS_OF: dict[str, str] = {code: name for name, codes in _CLASSES.items() for code in codes}


def metric_of(state: str, code: str) -> str:
    """Return the metric that counts a final state; that of a failure depends on its code.

    `failed_record` counts messages that never reached a carrier: refused records and duplicates.
    """
    return _CLASS_OF.get(code, "failed_record") if state == State.FAILED else state
