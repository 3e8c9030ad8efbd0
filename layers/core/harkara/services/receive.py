"""Take a carrier's receipts: check who posts and the tags, enqueue, answer once they are in."""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.carriers import answer, parse_receipts
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.exchanges import HttpAnswer
from harkara.ids import ReferenceSigner
from harkara.ports import Clock, TaskQueues
from harkara.received import ReceiptRequest, ReceivedReceipts
from harkara.services.ingress import CarrierDoor
from harkara.tasks import QueueName, Receipt, carrier_receipts_tasks, receipts_tasks

_CLOCK_LIMIT_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class ReceiveService:
    """What `receipt` does with a request. `confirm` fetches a URL, or raises StoreUnavailable."""

    door: CarrierDoor
    queues: TaskQueues
    signer: ReferenceSigner
    clock: Clock
    confirm: Callable[[str], None]

    def receive(
        self, carrier: str, token: str, request: ReceiptRequest
    ) -> tuple[ReceivedReceipts, HttpAnswer]:
        """Enqueue what a request holds; return what it was, and what the carrier wants to hear.

        Raises RequestRefused: as CarrierDoor does, INVALID_RECEIPT for what cannot be read or is
        none of ours, TRY_AGAIN when it could not be made durable; StoreUnavailable.
        """
        settings = self.door.admit(carrier, token, request)
        received = parse_receipts(request, settings, self.signer)
        if received.foreign_count and not _holds_ours(received):
            raise RequestRefused(Code.INVALID_RECEIPT)
        if received.confirm_url:
            self.confirm(received.confirm_url)
        now_s = int(self.clock())
        timed = [_timed(receipt, now_s) for receipt in received.receipts]
        named = [(name, _timed(receipt, now_s)) for name, receipt in received.by_carrier_id]
        bodies = [task.encode() for task in receipts_tasks(timed, carrier)]
        bodies += [task.encode() for task in carrier_receipts_tasks(settings.name, named)]
        if not all(self.queues.send(QueueName.RECEIPT, bodies)):
            raise RequestRefused(Code.TRY_AGAIN)
        return received, answer(received, settings)


def _timed(receipt: Receipt, now_s: int) -> Receipt:
    # A carrier's clock that is far off would keep the check from ever looking at a final.
    off = abs(receipt.at_s - now_s) >= _CLOCK_LIMIT_S
    return receipt._replace(at_s=now_s) if off else receipt


def _holds_ours(received: ReceivedReceipts) -> bool:
    return bool(
        received.receipts
        or received.by_carrier_id
        or received.intermediate_count
        or received.unknown_count
    )
