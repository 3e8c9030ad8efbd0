"""`dlr` with one delivery of a queue message after another, on stores in memory."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from harkara.base.log_events import LogEvent
from harkara.base.time import Deadline
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, State, pack
from harkara.model.tasks import QueueName, Receipt, RecoverTask, decode_dlr
from tests.support.fakes import trust
from tests.support.wired import ACCOUNT, CARRIER, NOW, URL, Wired

NOW_MS = int(NOW * 1000)
HOLDS_S = 60
MAIN = Endpoint(URL, "clevertap", "main")
OTHER = Endpoint("https://acme.example/dlr", "generic", "other", as_array=True)
MESSAGE = Message("919876543210", "ACMEBK", "Hello", "ref", 0, 2)
BATCH = MessageBatch(
    id="1" + "0" * 26,
    account_id="acme",
    carrier="sim",
    category=Category.OTP,
    accepted_at_ms=NOW_MS - 5000,
    block_size=10,
    endpoints=(MAIN, OTHER),
    messages=[MESSAGE._replace(client_ref=f"ref{n}") for n in range(6)],
)


def receipt(index: int = 0, state: State = State.DELIVERED, **fields: Any) -> Receipt:
    """Return a receipt of the first attempt for one of the batch's messages."""
    return Receipt(BATCH.mid(index), 1, state, int(NOW))._replace(**fields)


def deadline(left_s: float = HOLDS_S) -> Deadline:
    """Return the deadline of an invocation with this much time left."""
    readings = itertools.chain([HOLDS_S], itertools.repeat(left_s))
    return Deadline(lambda: next(readings))


def bounded(number: int, name: str) -> None:
    """Fail a test that calls its ports without end."""
    assert number < 1000, f"{name} is called without end"


class Deliveries(Wired):
    """The function `dlr`. Each call of it is another delivery, with a worker id of its own."""

    def __init__(self, *batches: MessageBatch, trusted: bool = True) -> None:
        callbacks = {
            each.callback_id: CallbackEndpoint(id=each.callback_id, url=each.url)
            for each in (MAIN, OTHER)
        }
        account = ACCOUNT.model_copy(update={"callbacks": callbacks})
        super().__init__(None, NOW, account, [CARRIER])
        self.faults.on_call = bounded
        # The fairness groups of scheduled messages.
        self.groups: list[str] = []
        schedule = self.queues.schedule

        def scheduled(queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
            self.groups.append(group)
            schedule(queue, body, delay_s, group)

        self.queues.schedule = scheduled  # type: ignore[method-assign]
        self._numbers = itertools.count()
        for batch in batches or [BATCH]:
            self.store.put_batch(batch.id, pack(batch), batch.due_at_ms)
            for endpoint in batch.endpoints if trusted else ():
                trust(self.counted, batch.account_id, endpoint, self.now)

    def lease(self, task_id: str = "task") -> Lease:
        """Return the lease of the next delivery of a queue message."""
        expires_at_ms = int((self.now + HOLDS_S) * 1000)
        return Lease(task_id, f"worker{next(self._numbers)}", expires_at_ms)

    def deliver(
        self, *receipts: Receipt, task_id: str = "task", left_s: float = HOLDS_S, **more: Any
    ) -> Counter[str]:
        lease, end = self.lease(task_id), deadline(left_s)
        return self._run(self.dlr_services().deliver.deliver(receipts, lease, end, **more))

    def recover(
        self, *indexes: int, task_id: str = "check", left_s: float = HOLDS_S
    ) -> Counter[str]:
        task, lease = RecoverTask(BATCH.id, indexes), self.lease(task_id)
        return self._run(self.dlr_services().deliver.recover(task, lease, deadline(left_s)))

    def entries(self, prefix: str) -> list[LedgerEntry]:
        """Return the ledger entries of a kind, in order of their keys."""
        ordered = sorted(self.store.entries.items())
        return [entry for (_, kind), entry in ordered if kind.startswith(prefix)]

    def waiting(self, queue: QueueName) -> list[tuple[float, Any]]:
        """Return (delay, task) for each message in a queue or in the Due table."""
        there = [(each.visible_at, each.queue, each.body) for each in self.queues.waiting]
        there += [(row.due_ms / 1000, row.queue, row.body) for _, row in self.queues.rows]
        return [
            (round(at_s - self.now, 3), decode_dlr(body))
            for at_s, of, body in sorted(there)
            if of == queue
        ]

    def reported(self) -> list[list[str]]:
        """Return the `client_ref`s of acknowledged messages, by callback."""
        return [[member.client_ref for member in task.members] for task in self.platform.taken]

    def _run(self, delivery: Coroutine[Any, Any, Counter[str]]) -> Counter[str]:
        """Run a delivery, then sort the accepted posts: concurrent posts arrive in any order."""
        before = len(self.platform.taken)
        counts = asyncio.run(delivery)
        self.platform.taken[before:] = sorted(
            self.platform.taken[before:], key=lambda task: task.group
        )
        return counts

    def logged(self, what: str) -> list[LogEvent]:
        """Return the log events of a kind, without their layout in the log."""
        return [LogEvent(*event[:5]) for event in self.log_events if event.what == what]
