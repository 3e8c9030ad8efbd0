"""Find the messages of receipts that name the carrier's own id instead of our reference.

A carrier that cannot echo a reference leaves a pointer for each message that it took: a mark under
a hash of the carrier's name and the id, whose owner is the mid. A receipt may come before it; it
then comes again a few times, until any `submit` that could still put its pointer is long over.

Some carriers count their ids round. Where a pointer stands for an earlier message, a further one is
put beside it, and a receipt is of the last; it is looked for where the one before has its age.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harkara.deadline import Deadline
from harkara.ids import accepted_at_ms
from harkara.marks import POINTER_KIND, Claimant, Mark, carrier_partition
from harkara.ports import MessageStore, TaskQueues
from harkara.retries import DUE_DELAY_S
from harkara.services.deliver import DeliverService
from harkara.tasks import CarrierReceiptsTask, QueueName, Receipt

# When a receipt without a pointer looks again; after the last it is given up.
DELAYS_S = (5, 30, 120, DUE_DELAY_S)
# So many messages of one id there may be while they are kept. What comes beyond has no pointer.
_PLACES = 4
# No carrier calls two messages alike that were accepted within this time.
_REUSED_AFTER_MS = 3600 * 1000


def pointers(carrier: str, messages: Mapping[str, tuple[str, int]]) -> list[Mark]:
    """Return the pointers to messages, (mid, try) by the carrier's id in its normal form."""
    return [
        Mark(_partition(carrier, carrier_id), POINTER_KIND, mid, "", 0, {"try": attempt})
        for carrier_id, (mid, attempt) in messages.items()
    ]


def leave(store: MessageStore, marks: Sequence[Mark], begins_ms: int) -> None:
    """Put pointers, each in the first place that no other message has. Raises StoreUnavailable."""
    for place in range(_PLACES):
        there = [replace(mark, kind=_kind(place)) for mark in marks]
        standing = store.put_once(there, begins_ms=begins_ms)
        marks = [
            mark for mark, stands in zip(marks, standing, strict=True) if stands.owner != mark.owner
        ]
        if not marks:
            return


async def deliver_named(
    service: DeliverService, task: CarrierReceiptsTask, claimant: Claimant, deadline: Deadline
) -> Counter[str]:
    """Deliver the receipts whose messages are known; have the others come again, or give them up.

    Returns and raises what `DeliverService.deliver` does.
    """
    now_ms = int(service.clock() * 1000)
    found, counts = await asyncio.to_thread(_find, service.store, service.queues, task, now_ms)
    # Each look, and what joined its task with others, was a round.
    rounds = 1 + 2 * task.waits
    return counts + await service.deliver(found, claimant, deadline, task.carrier, rounds)


def _find(
    store: MessageStore, queues: TaskQueues, task: CarrierReceiptsTask, now_ms: int
) -> tuple[list[Receipt], Counter[str]]:
    partitions = [_partition(task.carrier, carrier_id) for carrier_id, _ in task.receipts]
    marks = _last(store, dict.fromkeys(partitions), now_ms)
    found, lost = [], []
    for partition, (carrier_id, receipt) in zip(partitions, task.receipts, strict=True):
        mark = marks.get(partition)
        if mark is None:
            lost.append((carrier_id, receipt))
        else:
            found.append(receipt._replace(mid=mark.owner, attempt=mark.data["try"]))
    counts: Counter[str] = Counter()
    if lost and task.waits < len(DELAYS_S):
        later = replace(task, receipts=tuple(lost), waits=task.waits + 1)
        queues.schedule(QueueName.RECEIPT, later.encode(), DELAYS_S[task.waits])
        counts["early"] = len(lost)
    elif lost:
        counts["of_no_message"] = len(lost)
    return found, counts


def _last(store: MessageStore, partitions: Iterable[str], now_ms: int) -> dict[str, Mark]:
    """Return the last pointer of each that has one."""
    last: dict[str, Mark] = {}
    left = list(partitions)
    for place in range(_PLACES):
        found = store.get_marks([(partition, _kind(place)) for partition in left])
        marks = [mark for mark in found if mark]
        last |= {mark.partition: mark for mark in marks}
        left = [
            mark.partition
            for mark in marks
            if accepted_at_ms(mark.owner) + _REUSED_AFTER_MS < now_ms
        ]
        if not left:
            break
    return last


def _kind(place: int) -> str:
    return f"{POINTER_KIND}#{place}" if place else POINTER_KIND


def _partition(carrier: str, carrier_id: str) -> str:
    return carrier_partition(POINTER_KIND, carrier, carrier_id)
