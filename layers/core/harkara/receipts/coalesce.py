"""Receipts that came one by one and wait together go on as one task, to be called back together.

A group of callbacks lies within one queue message (`harkara.receipts.final_states`): it is what
freezes the group. Joining costs that message, and saves a post and an ack for each but one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from harkara.base.errors import StoreUnavailable
from harkara.model.tasks import CarrierReceiptsTask, QueueName, ReceiptsTask, decode_dlr
from harkara.ports import TaskQueues

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
