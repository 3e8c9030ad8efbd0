"""Take a carrier's receipts: authenticate, check references, enqueue, and only then answer."""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.exchanges import HttpAnswer
from harkara.base.ids import ReferenceSigner, accepted_at_ms
from harkara.base.time import Clock
from harkara.carriers.kinds import answer, parse_receipts
from harkara.carriers.received import ReceiptRequest, ReceivedReceipts
from harkara.model.tasks import QueueName, Receipt, carrier_receipts_tasks, receipts_tasks
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

    door: WebhookAuthenticator
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
        settings = self.door.admit(carrier, token, request)
        if request.is_probe:
            received = ReceivedReceipts([])
            return received, answer(received, settings)
        try:
            received = parse_receipts(request, settings, self.signer)
            if received.foreign_count and not _holds_ours(received):
                raise RequestRefused(Code.INVALID_RECEIPT)
        except RequestRefused:
            self.door.note_unread(settings, request)
            raise
        if received.confirm_url:
            self.confirm(received.confirm_url)
        now_s = int(self.clock())
        timed = [_timed(receipt, now_s) for receipt in received.receipts]
        named = [(name, _timed(receipt, now_s)) for name, receipt in received.by_carrier_id]
        received = received._replace(replaced_time_count=_count_replaced(received, timed, named))
        bodies = [task.encode() for task in receipts_tasks(timed, carrier)]
        bodies += [task.encode() for task in carrier_receipts_tasks(settings.name, named)]
        if not all(self.queues.send(QueueName.RECEIPT, bodies)):
            raise RequestRefused(Code.TRY_AGAIN)
        return received, answer(received, settings)


def _timed(receipt: Receipt, now_s: int) -> Receipt:
    """Return a receipt, with the time of its arrival if its own time is impossible.

    Nothing is delivered after its receipt came, or before it was accepted.
    """
    earliest_s = now_s - _CLOCK_LIMIT_S
    if receipt.mid:
        earliest_s = accepted_at_ms(receipt.mid) // 1000 - _CLOCK_DRIFT_S
    if earliest_s <= receipt.at_s <= now_s:
        return receipt
    return receipt._replace(at_s=now_s)


def _count_replaced(
    received: ReceivedReceipts, timed: list[Receipt], named: list[tuple[str, Receipt]]
) -> int:
    """Count the given times that were replaced by times further off than clocks differ."""
    before = [*received.receipts, *(receipt for _, receipt in received.by_carrier_id)]
    after = [*timed, *(receipt for _, receipt in named)]
    return sum(
        old.at_s != 0 and abs(new.at_s - old.at_s) > _CLOCK_DRIFT_S
        for old, new in zip(before, after, strict=True)
    )


def _holds_ours(received: ReceivedReceipts) -> bool:
    return bool(
        received.receipts
        or received.by_carrier_id
        or received.intermediate_count
        or received.unknown_count
    )
