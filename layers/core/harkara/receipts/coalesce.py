"""Coalesce single receipts that wait together into one task, so that they share a callback.

The callbacks of a group come from one queue message, because that fixes the group's members
(`harkara.receipts.final_states`). Coalescing costs one more queue message, and saves a post and an
ack for each receipt but one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from harkara.base.errors import StoreUnavailable
from harkara.model.tasks import CarrierReceiptsTask, QueueName, ReceiptsTask, decode_dlr
from harkara.ports import TaskQueues

# A task of one receipt has a shorter body, so longer bodies are not decoded.
_SINGLE_LIMIT = 500

_Receipts = ReceiptsTask | CarrierReceiptsTask


@dataclass(frozen=True, slots=True)
class CoalesceService:
    """Coalesces the receipts of a batch before `dlr` handles its tasks."""

    queues: TaskQueues

    def join(self, bodies: Mapping[str, str]) -> set[str]:
        """Send single receipts of a carrier on as one task; return the queue messages sent on.

        `bodies` maps the ids of queue messages that are delivered for the first time to their
        bodies. Redelivered ones are left out: an earlier delivery may have put a final state, and
        only a redelivery of the same message would call that back.

        Raises nothing. If sending fails, the receipts are also handled one by one, since the joint
        task may have been sent all the same: the first final state stands.
        """
        none: Any = ()
        alike: dict[_Receipts, dict[str, Sequence[object]]] = {}
        for message_id, body in bodies.items():
            task = decode_dlr(body) if len(body) <= _SINGLE_LIMIT else None
            if isinstance(task, _Receipts) and len(task.receipts) == 1:
                kind = replace(task, receipts=none)
                alike.setdefault(kind, {})[message_id] = task.receipts
        return {
            message_id
            for kind, receipts in alike.items()
            if len(receipts) > 1 and self._send(kind, receipts.values())
            for message_id in receipts
        }

    def _send(self, kind: _Receipts, receipts: Iterable[Sequence[object]]) -> bool:
        joined: Any = tuple(chain.from_iterable(receipts))
        body = replace(kind, receipts=joined).encode()
        try:
            return all(self.queues.send(QueueName.RECEIPT, [body]))
        except StoreUnavailable:
            return False
