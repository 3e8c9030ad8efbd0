"""Record replies from phones and pass them on: a reply is to the last message its number got.

A carrier that repeats a request repeats its replies. If a reply has its own time, the repeat
becomes the same task under the same task id, and is counted and posted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner, split_mid
from harkara.callbacks.formats import FORMATS
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.events import EventKind, EventTask, Reply
from harkara.model.ledger import REPLY_KIND, LedgerEntry, replies_of, replies_prefix
from harkara.model.messages import MessageBatch
from harkara.model.tasks import QueueName
from harkara.ports import LastMessages, MessageStore, TaskQueues

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
    """Records and enqueues replies to accounts with two-way messages, in the function `inbound`."""

    store: MessageStore
    last: LastMessages
    queues: TaskQueues
    signer: ReferenceSigner

    def pass_on(self, received: Sequence[ReceivedMessage]) -> int:
        """Record replies, and enqueue them for callbacks; return the number of replies enqueued.

        Raises StoreUnavailable: some may be recorded, or in the queue.
        """
        bodies: dict[str, list[str]] = {}
        for each in received:
            if not each.account.two_way:
                continue
            reply, batch = self._reply(each)
            task_id = f"reply-{self._name(reply, each)}"
            self._record(each, reply, batch, task_id)
            if task := _task(each.account, reply, batch):
                bodies.setdefault(each.account.id, []).append(task.encode(task_id))
        for account_id, of_account in bodies.items():
            if not all(self.queues.send(QueueName.CALLBACK, of_account, account_id)):
                raise StoreUnavailable("the queue did not take all replies")
        return sum(map(len, bodies.values()))

    def _reply(self, received: ReceivedMessage) -> tuple[Reply, MessageBatch | None]:
        """Return a reply with the batch of the message that it answers, None if it answers none."""
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
        batch = self.store.get_batch(batch_id) if mid else None
        if batch is None:
            return reply, None
        return reply._replace(mid=mid, client_ref=batch.messages[index].client_ref), batch

    def _record(
        self, received: ReceivedMessage, reply: Reply, batch: MessageBatch | None, task_id: str
    ) -> None:
        """Count a reply once, and note it beside the message that it answered first.

        A repeat may come when its number has got another message. The text is not stored.
        """
        data: dict[str, Any] = {"at": received.at_s * 1000, "account": received.account.id}
        if batch:
            of = facts_of(batch, split_mid(reply.mid)[1])
            data |= {"mid": reply.mid, "accepted": batch.accepted_at_ms, "of": of}
        due_at_ms = batch.due_at_ms if batch else 0
        entry = LedgerEntry(replies_of(task_id), REPLY_KIND, task_id, "", 0, data)
        (first,) = self.store.put_if_absent([entry], due_at_ms=due_at_ms)
        if mid := first.data.get("mid"):
            batch_id, index = split_mid(mid)
            kind = f"{replies_prefix(index)}{task_id}"
            noted = LedgerEntry(
                replies_of(batch_id), kind, task_id, "", 0, {"at": first.data["at"]}
            )
            self.store.put_if_absent([noted], due_at_ms=due_at_ms)

    def _name(self, reply: Reply, received: ReceivedMessage) -> str:
        """Return a reply's name, the same at every repeat even if its message changes."""
        account_id = received.account.id
        if received.name:
            return self.signer.pseudonyms("reply", account_id, received.name)[-1]
        bare = reply._replace(mid="", client_ref="")
        return self.signer.pseudonyms("reply", account_id, *map(str, bare))[-1]


def _task(account: Account, reply: Reply, batch: MessageBatch | None) -> EventTask | None:
    """Return the task of a reply, None if no callback wants it."""
    if batch is None:
        callback = account.callbacks.get(account.default_callback)
        if callback is None or not FORMATS[callback.format].without_message:
            return None
        return EventTask(account.id, callback.endpoint, reply)
    message = batch.messages[split_mid(reply.mid)[1]]
    if message.endpoint is None:
        return None
    endpoint = batch.endpoints[message.endpoint]
    if EventKind.REPLIED not in FORMATS[endpoint.format].kinds:
        return None
    return EventTask(account.id, endpoint, reply, batch.due_at_ms)
