"""Find the messages of receipts that name the carrier's own id instead of our reference.

A carrier that cannot echo a reference leaves a pointer for each message that it took: a mark under
a hash of the carrier's name and the id, whose owner is the mid. A receipt may come before it; it
then comes again a few times, until any `submit` that could still put its pointer is long over.

Some carriers count their ids round: a receipt is of the last message of its id, whose pointer takes
the place of the one before. While that one stands, a receipt that comes before its own pointer
would find the wrong message, so at an old pointer it looks again as well.
"""

import asyncio
from collections import Counter
from dataclasses import replace

from harkara.base.deadline import Deadline
from harkara.base.retries import DUE_DELAY_S
from harkara.model.ledger import POINTER_KIND, Claimant, Mark
from harkara.model.tasks import CarrierReceiptsTask, QueueName, Receipt
from harkara.ports import MessageStore, TaskQueues
from harkara.receipts.final_states import DeliverService
from harkara.submit.carrier_ids import partition_of

# When a receipt without a pointer looks again; after the last it is given up.
DELAYS_S = (5, 30, 120, DUE_DELAY_S)
# No carrier calls two messages alike that it took within this time.
_REUSED_AFTER_MS = 3600 * 1000
# So often a receipt looks again at a pointer that is older.
_LOOKS_AT_OLD = 2


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
    partitions = [partition_of(task.carrier, carrier_id) for carrier_id, _ in task.receipts]
    keys = [(partition, POINTER_KIND) for partition in dict.fromkeys(partitions)]
    marks = {mark.partition: mark for mark in store.get_marks(keys) if mark}
    found, lost = [], []
    for partition, (carrier_id, receipt) in zip(partitions, task.receipts, strict=True):
        mark = marks.get(partition)
        if mark is None or _may_be_anothers(mark, task.waits, now_ms):
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


def _may_be_anothers(mark: Mark, waits: int, now_ms: int) -> bool:
    """Whether a receipt may be of a later message than its pointer, whose own is not yet put."""
    return waits < _LOOKS_AT_OLD and mark.data["at"] + _REUSED_AFTER_MS < now_ms
