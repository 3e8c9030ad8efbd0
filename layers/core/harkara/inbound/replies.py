"""Pass on replies from phones: a reply belongs to the last message that its number got.

A carrier that repeats a request repeats its replies. If a reply has its own time, the repeat
becomes the same task under the same task id, and is posted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner, split_mid
from harkara.callbacks.formats import FORMATS
from harkara.model.accounts import Account
from harkara.model.events import EventKind, EventTask, Reply
from harkara.model.tasks import QueueName
from harkara.ports import BatchReader, LastMessages, TaskQueues

# Thirteen segments; a queue message has room for a hundred times as much.
TEXT_LIMIT = 2000
# No number or code is longer.
RECEIVER_LIMIT = 64


class ReceivedMessage(NamedTuple):
    """A text from a phone (`number`, an msisdn) to an account's number or code, and its time.

    `name` identifies the text at every repeat, "" if its carrier has no id for it.
    """

    account: Account
    number: str
    receiver: str
    text: str
    at_s: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReplyService:
    """Enqueues replies for accounts that want them, in the `inbound` function."""

    batches: BatchReader
    last: LastMessages
    queues: TaskQueues
    signer: ReferenceSigner

    def pass_on(self, received: Sequence[ReceivedMessage]) -> int:
        """Enqueue replies for callbacks; return the number of replies enqueued.

        Raises StoreUnavailable: some may be in the queue.
        """
        bodies: dict[str, list[str]] = {}
        for each in received:
            if each.account.two_way and (task := self._task(each)):
                body = task.encode(f"reply-{self._name(task, each)}")
                bodies.setdefault(each.account.id, []).append(body)
        for account_id, of_account in bodies.items():
            if not all(self.queues.send(QueueName.CALLBACK, of_account, account_id)):
                raise StoreUnavailable("the queue did not take all replies")
        return sum(map(len, bodies.values()))

    def _task(self, received: ReceivedMessage) -> EventTask | None:
        """Return the task of a reply, None if no callback wants it."""
        account = received.account
        # Carriers' texts may hold lone surrogates, which JSON cannot hold.
        receiver, text = (
            each.encode(errors="replace").decode()
            for each in (
                received.receiver.strip().lstrip("+")[:RECEIVER_LIMIT],
                received.text[:TEXT_LIMIT],
            )
        )
        reply = Reply("", "", received.at_s, received.number, receiver, text)
        mid = self.last.find(account.id, received.number)
        batch_id, index = split_mid(mid) if mid else ("", 0)
        batch = self.batches.get_batch(batch_id) if mid else None
        if batch is None:
            callback = account.callbacks.get(account.default_callback)
            if callback is None or not FORMATS[callback.format].without_message:
                return None
            return EventTask(account.id, callback.endpoint, reply)
        message = batch.messages[index]
        if message.endpoint is None:
            return None
        endpoint = batch.endpoints[message.endpoint]
        if EventKind.REPLIED not in FORMATS[endpoint.format].kinds:
            return None
        complete = reply._replace(mid=mid, client_ref=message.client_ref)
        return EventTask(account.id, endpoint, complete, batch.due_at_ms)

    def _name(self, task: EventTask, received: ReceivedMessage) -> str:
        """Return a reply's name, the same at every repeat even if its message changes."""
        if received.name:
            return self.signer.pseudonyms("reply", task.account_id, received.name)[-1]
        reply = task.event._replace(mid="", client_ref="")
        return self.signer.pseudonyms("reply", task.account_id, *map(str, reply))[-1]
