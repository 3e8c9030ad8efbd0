"""Take a carrier's receipts: check the token and the tags, enqueue, answer once they are in."""

from dataclasses import dataclass

from harkara.carrier_settings import token_matches
from harkara.carriers import answer, parse_receipts
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.ids import ReferenceSigner
from harkara.ports import (
    AccountStore,
    Clock,
    HttpAnswer,
    ReceiptRequest,
    ReceivedReceipts,
    TaskQueues,
)
from harkara.tasks import QueueName, receipts_tasks

_CLOCK_LIMIT_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class ReceiveService:
    """What `receipt` does with a request."""

    accounts: AccountStore
    queues: TaskQueues
    signer: ReferenceSigner
    clock: Clock

    def receive(
        self, carrier: str, token: str, request: ReceiptRequest
    ) -> tuple[ReceivedReceipts, HttpAnswer]:
        """Enqueue what a request holds; return what it was, and what the carrier wants to hear.

        Raises RequestRefused: NOT_FOUND for a wrong carrier or token, INVALID_RECEIPT for what
        cannot be read or is none of ours, TRY_AGAIN when it could not be made durable.
        """
        settings = self.accounts.carrier(carrier)
        expected = settings.receipt_token_hashes if settings else ()
        if not token_matches(token, expected) or settings is None:
            raise RequestRefused(Code.NOT_FOUND)
        received = parse_receipts(request, settings, self.signer)
        if received.foreign_count and not _holds_ours(received):
            raise RequestRefused(Code.INVALID_RECEIPT)
        now_s = int(self.clock())
        # A carrier's clock that is far off would keep the check from ever looking at a final.
        timed = [
            receipt if abs(receipt.at_s - now_s) < _CLOCK_LIMIT_S else receipt._replace(at_s=now_s)
            for receipt in received.receipts
        ]
        bodies = [task.encode() for task in receipts_tasks(timed)]
        if not all(self.queues.send(QueueName.RECEIPT, bodies)):
            raise RequestRefused(Code.TRY_AGAIN)
        return received, answer(received, settings)


def _holds_ours(received: ReceivedReceipts) -> bool:
    return bool(
        received.receipts
        or received.by_carrier_id
        or received.intermediate_count
        or received.unknown_count
    )
