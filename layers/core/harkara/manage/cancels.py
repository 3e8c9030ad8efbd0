"""Cancel a message that no carrier has yet.

A cancel puts `cancel#<index>`, then reads the leases of submit attempts (`claim#`); `submit` puts
its lease, then reads the cancels: one of them always sees the other. One that comes too late still
stands: if the carrier did not take the message, there is no further attempt.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from harkara.accept.formats.shapes import IcsUser
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.time import Clock
from harkara.carriers.contract import NotTaken
from harkara.model.accounts import Account
from harkara.model.ledger import LedgerEntry, cancel_kind, cancels_of
from harkara.model.messages import State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from harkara.ports import MessageStore, TaskQueues
from harkara.submit.attempts import Cancelled, attempts_of, find_message


@with_config(ConfigDict(json_schema_extra={"examples": [{"mid": "101M80PKPVGTZQN98QP2VKS1J1800"}]}))
class Cancel(IcsUser):
    """A request to cancel, in ICS Mobile's format."""

    mid: Annotated[str | int | None, Field(description="Our id of the message.")]


class CancelResult(TypedDict):
    """The message is cancelled, now or before: it will not go out."""

    status: Literal["cancelled"]
    mid: Annotated[str, Field(description="Our id of the message.")]
    to: str
    client_ref: str


@dataclass(frozen=True, slots=True)
class CancelService:
    """Cancels messages, in the `manage` function."""

    store: MessageStore
    queues: TaskQueues
    clock: Clock

    def cancel(self, account: Account, mid: str) -> CancelResult:
        """Cancel an account's message; its final state and callback follow at once.

        Raises RequestRefused (NOT_FOUND, TOO_LATE_TO_CANCEL), and StoreUnavailable: the message may
        be cancelled or not, and repeating the request tells which.
        """
        batch, index = find_message(self.store, account.id, mid)
        now_s = self.clock()
        at_ms = int(now_s * 1000)
        cancel = LedgerEntry(
            cancels_of(batch.id), cancel_kind(index), account.id, "", 0, {"at": at_ms}
        )
        self.store.put_if_absent([cancel], due_at_ms=batch.due_at_ms)
        attempts = attempts_of(self.store, batch, index)
        end = attempts[-1].end if attempts else NotTaken()
        if isinstance(end, NotTaken):
            # Attempt 0: no later attempt may supersede it, for none goes out.
            receipt = Receipt(mid, 0, State.CANCELLED, int(now_s), Code.CANCELLED)
            body = ReceiptsTask((receipt,)).encode()
            (sent,) = self.queues.send(QueueName.RECEIPT, [body], account.id)
            if not sent:
                raise StoreUnavailable("the receipt queue did not take a task")
        elif not isinstance(end, Cancelled):
            raise RequestRefused(Code.TOO_LATE_TO_CANCEL)
        message = batch.messages[index]
        return CancelResult(
            status="cancelled", mid=mid, to=message.to, client_ref=message.client_ref
        )
