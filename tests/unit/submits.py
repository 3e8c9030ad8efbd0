"""`submit` with one delivery of a queue message after another, on stores in memory."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from harkara.base.time import Deadline
from harkara.carriers.contract import Outcome
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import MessageBatch
from harkara.model.routing import Routing
from harkara.model.submit_tasks import SubmitTask, decode_submit
from harkara.model.tasks import QueueName, decode_dlr, task_id_of
from tests.unit.deliveries import HOLDS_S
from tests.unit.dispatching import BATCH, Dispatching

TASK = SubmitTask(BATCH.id, "acme", checked=True)
BLOCKS = [tuple(range(10)), tuple(range(10, 20)), tuple(range(20, 25))]


class Scheduled(NamedTuple):
    """A scheduled task with its queue, delay, fairness group and task id."""

    queue: QueueName
    task: Any
    delay_s: float
    group: str
    task_id: str


class Submits(Dispatching):
    """The function `submit`. Each call of it is another delivery, with a worker id of its own."""

    def __init__(
        self, batch: MessageBatch = BATCH, outcomes: Mapping[int, Outcome] | None = None
    ) -> None:
        super().__init__(batch, outcomes)
        self.scheduled: list[Scheduled] = []
        self.left_s: float = HOLDS_S
        self._numbers = itertools.count()
        schedule = self.queues.schedule

        def scheduled(queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
            schedule(queue, body, delay_s, group)
            decode = decode_dlr if queue is QueueName.RECEIPT else decode_submit
            row = Scheduled(queue, decode(body), round(delay_s, 3), group, task_id_of("", body))
            self.scheduled.append(row)

        self.queues.schedule = scheduled  # type: ignore[method-assign]

    def lease(self, task_id: str = "task") -> Lease:
        """Return the lease of the next delivery of a queue message."""
        expires_at_ms = int((self.now + HOLDS_S) * 1000)
        return Lease(task_id, f"worker{next(self._numbers)}", expires_at_ms)

    def submit(self, task: SubmitTask = TASK, task_id: str = "task") -> Counter[str]:
        self.scheduled.clear()
        readings = itertools.chain([HOLDS_S], iter(lambda: self.left_s, None))
        end = Deadline(lambda: next(readings))
        return asyncio.run(self.submit_service().submit(task, self.lease(task_id), end))

    def route(self, **routing: Any) -> None:
        """Set the account's routing."""
        self.routing.routing["acme"] = Routing.model_validate(routing)

    def set(self, carrier: str, **settings: Any) -> None:
        self.settings[carrier] = self.settings[carrier].model_copy(update=settings)

    def got(self, carrier: str = "sim") -> list[int]:
        """Return the indexes of the messages that a carrier got."""
        return [int(each.message.client_ref[3:]) for each in self.carriers[carrier].got]

    def entries(self, prefix: str) -> list[LedgerEntry]:
        """Return the ledger entries of a kind, in order of their keys."""
        ordered = sorted(self.store.entries.items())
        return [entry for (_, kind), entry in ordered if kind.startswith(prefix)]
