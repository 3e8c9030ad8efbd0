"""Keep what comes with final states and after: late deliveries, openings, carriers' opt-outs.

The first final state stands, in the history and for platforms that count. A delivery after another
one, and the opening of a message, are entries of their own (`corrected#`, `read#`), of which the
timeline and a metric always tell; callbacks hear of them that ask for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of, split_mid
from harkara.base.log_events import EventSink, LogEvent
from harkara.callbacks.formats import FORMATS
from harkara.model.activity import facts_of
from harkara.model.events import Corrected, Event, EventKind, EventTask, Read
from harkara.model.ledger import Lease, LedgerEntry, index_of, later_kind
from harkara.model.messages import MessageBatch, State
from harkara.model.suppressions import Source, opt_out
from harkara.model.tasks import QueueName, Receipt
from harkara.ports import MessageStore, SuppressionList, TaskQueues
from harkara.receipts.verdicts import Reported


def late_task_id(kind: EventKind, mid: str) -> str:
    """Return the id of the task that posts a message's late event."""
    return f"{kind}-{mid}"


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


class Late(NamedTuple):
    """Receipts after final states: deliveries, with the state that stands, and openings."""

    corrected: Sequence[tuple[Receipt, State]]
    read: Sequence[Receipt]


def late_in(counting: Sequence[Reported], finals: Sequence[LedgerEntry]) -> Late:
    """Return what comes after the final states of receipts that count."""
    receipts = [each.receipt for each in reversed(counting)]
    read = {each.mid: each for each in receipts if each.read}
    return Late(late_deliveries(counting, finals), list(read.values()))


def tell_late(
    store: MessageStore,
    queues: TaskQueues,
    emit: EventSink,
    batches: Mapping[str, MessageBatch],
    late: Late,
    lease: Lease,
    carrier: str,
) -> None:
    """Record what came late, and enqueue its events. Raises StoreUnavailable.

    A redelivery enqueues again, under the same task ids: each event is posted once.
    """
    entries = [_corrected(lease, batches, carrier, *each) for each in late.corrected]
    for receipt in late.read:
        batch_id, index = split_mid(receipt.mid)
        kind, facts = later_kind(EventKind.READ, index), facts_of(batches[batch_id], index, carrier)
        about = {"at": receipt.at_s, "of": facts, "channel": receipt.channel}
        entries.append(lease.entry(batch_id, kind, **about))
    if not entries:
        return
    due_at_ms = max(batches[entry.partition].due_at_ms for entry in entries)
    existing = store.put_if_absent(entries, due_at_ms=due_at_ms)
    own = [entry for entry in existing if entry.task_id == lease.task_id]
    new = Counter[str](_kind_of(each) for each in own if each.worker_id == lease.worker_id)
    if new:
        about = {"task": lease.task_id}
        emit(LogEvent("late receipts", about, new, carrier=carrier))
    for entry in own:
        task = _task_of(batches[entry.partition], entry)
        if task and not all(queues.send(QueueName.CALLBACK, *task)):
            raise StoreUnavailable("the callback queue did not take a late event")


def _corrected(
    lease: Lease,
    batches: Mapping[str, MessageBatch],
    carrier: str,
    receipt: Receipt,
    was: State,
) -> LedgerEntry:
    batch_id, index = split_mid(receipt.mid)
    return lease.entry(
        batch_id,
        later_kind(EventKind.CORRECTED, index),
        at=receipt.at_s,
        was=was,
        of=facts_of(batches[batch_id], index, carrier),
        **({"operator": receipt.operator} if receipt.operator else {}),
    )


def _kind_of(entry: LedgerEntry) -> EventKind:
    return EventKind(entry.kind.partition("#")[0])


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
    index, kind = index_of(entry.kind), _kind_of(entry)
    message = batch.messages[index]
    if message.endpoint is None:
        return None
    endpoint = batch.endpoints[message.endpoint]
    if kind not in FORMATS[endpoint.format].kinds:
        return None
    mid, data = batch.mid(index), entry.data
    facts = mid, message.client_ref, data["at"], message.to
    event: Event = Read(*facts)
    if kind is EventKind.CORRECTED:
        event = Corrected(*facts, message.segment_count, data["was"])
    task = EventTask(batch.account_id, endpoint, event, batch.due_at_ms)
    return [task.encode(late_task_id(kind, mid))], batch.account_id
