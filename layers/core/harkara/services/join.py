"""Receipts that came one by one and wait together go on as one task, to be called back together.

A group of callbacks lies within one queue message (`harkara.services.deliver`): it is what freezes
the group. Joining costs that message, and saves a post and an ack for each but one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harkara.errors import StoreUnavailable
from harkara.ports import TaskQueues
from harkara.tasks import CarrierReceiptsTask, QueueName, ReceiptsTask, decode_dlr

# A task of one receipt has a shorter body: a longer one need not be decoded to know.
_SINGLE_LIMIT = 500

_Receipts = ReceiptsTask | CarrierReceiptsTask


@dataclass(frozen=True, slots=True)
class JoinService:
    """What `dlr` does with a batch before it does its tasks."""

    queues: TaskQueues

    def join(self, bodies: Mapping[str, str]) -> set[str]:
        """Send single receipts of a carrier on as one task; return whose bodies are done with that.

        `bodies`, by queue message, are delivered for the first time. An earlier delivery may have
        put a final, and only a redelivery of its own message would call that back.

        Raises nothing. What was perhaps sent on is done by itself as well: the first final stands.
        """
        alike: dict[tuple[type[_Receipts], str, int], dict[str, _Receipts]] = {}
        for message_id, body in bodies.items():
            task = decode_dlr(body) if len(body) <= _SINGLE_LIMIT else None
            if isinstance(task, _Receipts) and len(task.receipts) == 1:
                # Those that name the carrier's ids come again where nothing is known of them yet.
                waits = task.waits if isinstance(task, CarrierReceiptsTask) else 0
                alike.setdefault((type(task), task.carrier, waits), {})[message_id] = task
        return {
            message_id
            for tasks in alike.values()
            if len(tasks) > 1 and self._send(list(tasks.values()))
            for message_id in tasks
        }

    def _send(self, tasks: list[_Receipts]) -> bool:
        # All of one kind.
        receipts: Any = tuple(receipt for task in tasks for receipt in task.receipts)
        joined = replace(tasks[0], receipts=receipts)
        try:
            return all(self.queues.send(QueueName.RECEIPT, [joined.encode()]))
        except StoreUnavailable:
            return False
