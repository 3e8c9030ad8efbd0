"""Take a carrier's receipts: authenticate, check references, enqueue, and only then answer.

Single receipts that wait together in the queue are coalesced into one task before `dlr` handles
them, so that they share a callback: its members are fixed by the queue message that they came in
(`harkara.receipts.final_states`). That costs one more queue message, and saves a post and an
ack for each receipt but one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, RequestRefused, StoreUnavailable
from harkara.base.ids import ReferenceSigner, accepted_at_ms
from harkara.base.time import Clock
from harkara.carriers.kinds import KINDS
from harkara.carriers.receipts import ReceiptRequest, ReceivedReceipts
from harkara.model.tasks import (
    CarrierReceiptsTask,
    QueueName,
    Receipt,
    ReceiptsTask,
    carrier_receipts_tasks,
    decode_dlr,
    receipts_tasks,
)
from harkara.ports import TaskQueues
from harkara.receipts.webhook_auth import WebhookAuthenticator

# For receipts that do not carry our reference.
_CLOCK_LIMIT_S = 7 * 86_400
_CLOCK_DRIFT_S = 60


@dataclass(frozen=True, slots=True)
class ReceiveService:
    """Takes receipts in the `receipt` function.

    `confirm` fetches a URL, or raises StoreUnavailable.
    """

    authenticator: WebhookAuthenticator
    queues: TaskQueues
    signer: ReferenceSigner
    clock: Clock
    confirm: Callable[[str], None]

    def receive(
        self, carrier: str, token: str, request: ReceiptRequest
    ) -> tuple[ReceivedReceipts, HttpAnswer]:
        """Enqueue a request's receipts; return them and the answer that the carrier expects.

        A request without content is answered as if its receipts were taken. Raises RequestRefused:
        as WebhookAuthenticator does, INVALID_RECEIPT for a request that cannot be read or has no
        receipt of ours, TRY_AGAIN when it could not be made durable; StoreUnavailable.
        """
        settings = self.authenticator.admit(carrier, token, request)
        kind = KINDS[settings.kind]
        if request.is_probe:
            received = ReceivedReceipts([])
            return received, kind.answer(received, settings)
        try:
            received = kind.parse_receipts(request, settings, self.signer)
            if received.foreign_count and not _holds_ours(received):
                raise RequestRefused(Code.INVALID_RECEIPT)
        except RequestRefused:
            self.authenticator.log_unread(settings, request)
            raise
        if received.confirm_url:
            self.confirm(received.confirm_url)
        received = _timed(received, int(self.clock()))
        tasks = receipts_tasks(received.receipts, carrier)
        named = carrier_receipts_tasks(settings.name, received.by_carrier_id)
        bodies = [*map(ReceiptsTask.encode, tasks), *map(CarrierReceiptsTask.encode, named)]
        if not all(self.queues.send(QueueName.RECEIPT, bodies)):
            raise RequestRefused(Code.TRY_AGAIN)
        return received, kind.answer(received, settings)


def _timed(received: ReceivedReceipts, now_s: int) -> ReceivedReceipts:
    """Return receipts with the time of their arrival in place of impossible times.

    Nothing is delivered after its receipt came, or before it was accepted. Given times are counted
    that were replaced by times further off than clocks differ.
    """
    receipts, named, replaced_count = list[Receipt](), list[tuple[str, Receipt]](), 0
    ours = [("", receipt) for receipt in received.receipts]
    for carrier_id, receipt in [*ours, *received.by_carrier_id]:
        earliest_s = now_s - _CLOCK_LIMIT_S
        if receipt.mid:
            earliest_s = accepted_at_ms(receipt.mid) // 1000 - _CLOCK_DRIFT_S
        at_s = receipt.at_s if earliest_s <= receipt.at_s <= now_s else now_s
        replaced_count += receipt.at_s != 0 and abs(at_s - receipt.at_s) > _CLOCK_DRIFT_S
        timed = receipt._replace(at_s=at_s)
        if receipt.mid:
            receipts.append(timed)
        else:
            named.append((carrier_id, timed))
    return received._replace(
        receipts=receipts, by_carrier_id=named, replaced_time_count=replaced_count
    )


def _holds_ours(received: ReceivedReceipts) -> bool:
    return bool(
        received.receipts
        or received.by_carrier_id
        or received.intermediate_count
        or received.unknown_count
    )


# A task of one receipt has a shorter body, so longer bodies are not decoded.
_SINGLE_LIMIT = 500

_Receipts = ReceiptsTask | CarrierReceiptsTask


@dataclass(frozen=True, slots=True)
class CoalesceService:
    """Coalesces the receipts of a batch before `dlr` handles its tasks."""

    queues: TaskQueues

    def coalesce(self, bodies: Mapping[str, str]) -> set[str]:
        """Send single receipts of a carrier on as one task; return the queue messages sent on.

        `bodies` maps the ids of queue messages that are delivered for the first time to their
        bodies. Redelivered ones are left out: an earlier delivery may have put a final state, and
        only a redelivery of the same message would call that back.

        Raises nothing. If sending fails, the receipts are also handled one by one, since the joint
        task may have been sent all the same: the first final state stands.
        """
        none: Any = ()
        by_kind: dict[_Receipts, dict[str, Sequence[object]]] = {}
        for message_id, body in bodies.items():
            task = decode_dlr(body) if len(body) <= _SINGLE_LIMIT else None
            if isinstance(task, _Receipts) and len(task.receipts) == 1:
                kind = replace(task, receipts=none)
                by_kind.setdefault(kind, {})[message_id] = task.receipts
        return {
            message_id
            for kind, receipts in by_kind.items()
            if len(receipts) > 1 and self._send(kind, receipts.values())
            for message_id in receipts
        }

    def _send(self, kind: _Receipts, receipts: Iterable[Sequence[object]]) -> bool:
        coalesced: Any = tuple(chain.from_iterable(receipts))
        body = replace(kind, receipts=coalesced).encode()
        try:
            return all(self.queues.send(QueueName.RECEIPT, [body]))
        except StoreUnavailable:
            return False
