"""Keep what final states bring besides: deliveries after another one, and carriers' opt-outs.

The first final state stands, in the history and for platforms that count. A correction is an entry
of its own (`corrected#`), of which the timeline and a metric always tell.
"""

from collections.abc import Mapping, Sequence

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of, split_mid
from harkara.base.log_events import EventSink, LogEvent
from harkara.callbacks.formats import FORMATS
from harkara.model.activity import facts_of
from harkara.model.events import Corrected, EventKind, EventTask
from harkara.model.ledger import Lease, LedgerEntry, corrected_kind, index_of
from harkara.model.messages import MessageBatch, State
from harkara.model.suppressions import Source, opt_out
from harkara.model.tasks import QueueName, Receipt
from harkara.ports import MessageStore, SuppressionList, TaskQueues
from harkara.receipts.verdicts import Reported


def correction_task_id(mid: str) -> str:
    """Return the id of the task that posts a message's correction."""
    return f"corrected-{mid}"


def late_deliveries(
    counting: Sequence[Reported], finals: Sequence[LedgerEntry]
) -> list[tuple[Receipt, State]]:
    """Return the deliveries of messages that another final state stands for, with that state."""
    other = {
        mid_of(entry.partition, index_of(entry.kind)): State(entry.data["state"])
        for entry in finals
        if entry.data["state"] != State.DELIVERED
    }
    receipts = [each.receipt for each in reversed(counting)]
    delivered = {each.mid: each for each in receipts if each.state is State.DELIVERED}
    return [(each, other[mid]) for mid, each in delivered.items() if mid in other]


def correct(
    store: MessageStore,
    queues: TaskQueues,
    emit: EventSink,
    batches: Mapping[str, MessageBatch],
    late: Sequence[tuple[Receipt, State]],
    lease: Lease,
    carrier: str,
) -> None:
    """Record late deliveries, and enqueue their events. Raises StoreUnavailable.

    A redelivery enqueues again, under the same task id: the event is posted once.
    """
    if not late:
        return
    entries = []
    for receipt, was in late:
        batch_id, index = split_mid(receipt.mid)
        entry = lease.entry(
            batch_id,
            corrected_kind(index),
            at=receipt.at_s,
            was=was,
            of=facts_of(batches[batch_id], index, carrier),
            **({"operator": receipt.operator} if receipt.operator else {}),
        )
        entries.append(entry)
    due_at_ms = max(batches[entry.partition].due_at_ms for entry in entries)
    existing = store.put_if_absent(entries, due_at_ms=due_at_ms)
    own = [entry for entry in existing if entry.task_id == lease.task_id]
    count = sum(entry.worker_id == lease.worker_id for entry in own)
    if count:
        about = {"task": lease.task_id}
        emit(LogEvent("messages delivered after all", about, {"corrected": count}, carrier=carrier))
    for entry in own:
        task = _task_of(batches[entry.partition], entry)
        if task and not all(queues.send(QueueName.CALLBACK, *task)):
            raise StoreUnavailable("the callback queue did not take a correction")


def keep_opt_outs(
    lists: SuppressionList, batches: Mapping[str, MessageBatch], finals: Sequence[LedgerEntry]
) -> None:
    """Put the numbers of messages that a carrier refused for an opt-out onto accounts' lists.

    An end without a carrier's code is ours: the number is on the list already. The time is that of
    the end, so that a repeat undoes no later START. An erased number is known no more. Raises
    StoreUnavailable.
    """
    for final in finals:
        if final.data["code"] == Code.OPTED_OUT and final.data["carrier_code"]:
            batch = batches[final.partition]
            number = batch.messages[index_of(final.kind)].to
            if number:
                lists.put(batch.account_id, opt_out(number, final.data["at"], Source.CARRIER))


def _task_of(batch: MessageBatch, entry: LedgerEntry) -> tuple[list[str], str] | None:
    """Return the task of an event in its queue message, with its group; None if none is wanted."""
    index = index_of(entry.kind)
    message = batch.messages[index]
    if message.endpoint is None:
        return None
    endpoint = batch.endpoints[message.endpoint]
    if EventKind.CORRECTED not in FORMATS[endpoint.format].kinds:
        return None
    mid, data = batch.mid(index), entry.data
    facts = (data["at"], message.to, message.segment_count, data["was"])
    event = Corrected(mid, message.client_ref, *facts)
    task = EventTask(batch.account_id, endpoint, event, batch.due_at_ms)
    return [task.encode(correction_task_id(mid))], batch.account_id
