"""Find the messages of receipts that name the carrier's own id instead of our reference.

If a carrier cannot echo a reference, `submit` stores an index entry for each message that the
carrier took: a ledger entry under the carrier's name and a hash of its id, whose task id field
holds the mid. A receipt may arrive before its index entry; it is then retried a few times, until no
`submit` that could still store the entry is running.

Some carriers reuse their ids after a while: a receipt belongs to the latest message of its id,
whose index entry replaces the previous one. Until then a receipt would find the previous message,
so a receipt that finds an old index entry is retried as well.
"""

import asyncio
from collections import Counter
from dataclasses import replace

from harkara.base.retries import DUE_DELAY_S
from harkara.base.time import Deadline
from harkara.model.ledger import CARRIER_ID_KIND, Lease, LedgerEntry, carrier_partition
from harkara.model.tasks import CarrierReceiptsTask, QueueName, Receipt
from harkara.ports import MessageStore, TaskQueues
from harkara.receipts.final_states import DeliverService

# Delays before a receipt without an index entry is retried; after the last it is given up.
DELAYS_S = (5, 30, 120, DUE_DELAY_S)
# No carrier reuses an id within this time.
_REUSED_AFTER_MS = 3600 * 1000
# Number of retries of a receipt whose index entry is older than that.
_LOOKS_AT_OLD = 2


async def deliver_named(
    service: DeliverService, task: CarrierReceiptsTask, lease: Lease, deadline: Deadline
) -> Counter[str]:
    """Deliver receipts whose messages are found; reschedule the others, or give them up.

    Returns and raises the same as `DeliverService.deliver`.
    """
    now_ms = int(service.clock() * 1000)
    found, counts = await asyncio.to_thread(_find, service.store, service.queues, task, now_ms)
    # Each retry was a round through the queue, and so was the coalescing after it.
    rounds = 1 + 2 * task.waits
    return counts + await service.deliver(found, lease, deadline, task.carrier, rounds)


def _find(
    store: MessageStore, queues: TaskQueues, task: CarrierReceiptsTask, now_ms: int
) -> tuple[list[Receipt], Counter[str]]:
    partitions = [
        carrier_partition(CARRIER_ID_KIND, task.carrier, carrier_id)
        for carrier_id, _ in task.receipts
    ]
    keys = [(partition, CARRIER_ID_KIND) for partition in dict.fromkeys(partitions)]
    entries = {entry.partition: entry for entry in store.get_entries(keys) if entry}
    found, lost = [], []
    for partition, (carrier_id, receipt) in zip(partitions, task.receipts, strict=True):
        entry = entries.get(partition)
        if entry is None or _may_be_anothers(entry, task.waits, now_ms):
            lost.append((carrier_id, receipt))
        else:
            found.append(receipt._replace(mid=entry.task_id, attempt=entry.data["try"]))
    counts: Counter[str] = Counter()
    if lost and task.waits < len(DELAYS_S):
        later = replace(task, receipts=tuple(lost), waits=task.waits + 1)
        queues.schedule(QueueName.RECEIPT, later.encode(), DELAYS_S[task.waits])
        counts["early"] = len(lost)
    elif lost:
        counts["of_no_message"] = len(lost)
    return found, counts


def _may_be_anothers(entry: LedgerEntry, waits: int, now_ms: int) -> bool:
    """Whether a receipt may be of a later message whose index entry is not yet stored."""
    return waits < _LOOKS_AT_OLD and entry.data["at"] + _REUSED_AFTER_MS < now_ms
