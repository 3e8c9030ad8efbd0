"""Find the messages of receipts that name the carrier's own id instead of our reference.

A carrier that cannot echo a reference leaves a pointer for each message that it took: a mark under
a hash of the carrier's name and the id, whose owner is the mid. A receipt may come before it; it
then comes again a few times, until any `submit` that could still put its pointer is long over.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from harkara.deadline import Deadline
from harkara.marks import POINTER_KIND, Claimant, Mark, carrier_partition
from harkara.ports import MessageStore, TaskQueues
from harkara.services.deliver import DeliverService
from harkara.tasks import CarrierReceiptsTask, QueueName, Receipt

# When a receipt without a pointer looks again; after the last it is given up.
DELAYS_S = (5, 30, 120, 900)


def pointers(carrier: str, messages: Mapping[str, tuple[str, int]]) -> list[Mark]:
    """Return the pointers to messages, (mid, try) by the carrier's id in its normal form."""
    return [
        Mark(_partition(carrier, carrier_id), POINTER_KIND, mid, "", 0, {"try": attempt})
        for carrier_id, (mid, attempt) in messages.items()
    ]


async def deliver_named(
    service: DeliverService, task: CarrierReceiptsTask, claimant: Claimant, deadline: Deadline
) -> Counter[str]:
    """Deliver the receipts whose messages are known; have the others come again, or give them up.

    Returns and raises what `DeliverService.deliver` does.
    """
    found, counts = await asyncio.to_thread(_find, service.store, service.queues, task)
    return counts + await service.deliver(found, claimant, deadline, task.carrier)


def _find(
    store: MessageStore, queues: TaskQueues, task: CarrierReceiptsTask
) -> tuple[list[Receipt], Counter[str]]:
    keys = [(_partition(task.carrier, carrier_id), POINTER_KIND) for carrier_id, _ in task.receipts]
    distinct = list(dict.fromkeys(keys))
    marks = dict(zip(distinct, store.get_marks(distinct), strict=True))
    found, lost = [], []
    for key, (carrier_id, receipt) in zip(keys, task.receipts, strict=True):
        mark = marks[key]
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


def _partition(carrier: str, carrier_id: str) -> str:
    return carrier_partition(POINTER_KIND, carrier, carrier_id)
