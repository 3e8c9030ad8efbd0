"""Queues with delays: the real adapters over SQS and the Due table in memory."""

import itertools
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.model.tasks import QueueName
from harkara.ports import DueTask
from tests.support.dynamo import ALL, DUE, DueRows, Dynamo
from tests.support.fakes import Faults, no_pause
from tests.support.limits import Sqs

QUEUE_IDS = {
    QueueName.SUBMIT: "SubmitQueue",
    QueueName.SUBMIT_PRIORITY: "SubmitPriorityQueue",
    QueueName.RECEIPT: "ReceiptQueue",
    QueueName.CALLBACK: "CallbackQueue",
    QueueName.EXPORT: "ExportQueue",
}
QUEUES_BY_ID = {url: queue for queue, url in QUEUE_IDS.items()}


@dataclass(eq=False)
class QueueMessage:
    """A message in a queue: its id becomes the task id, the same at every delivery.

    `lineage` counts the consecutive invocations of each function that led to this message.
    """

    id: str
    queue: QueueName
    body: str
    visible_at: float
    receive_count: int = 0
    lineage: Mapping[str, int] = field(default_factory=dict)


LINEAGE: ContextVar[Callable[[], Mapping[str, int]]] = ContextVar("lineage", default=dict)
"""The lineage of the message in work in this asyncio task; messages that it sends inherit it."""


class FakeTaskQueues:
    """Queues with delays, and the Due table behind them: the real adapters over AWS in memory."""

    page = ALL

    def __init__(
        self, faults: Faults, clock: Callable[[], float], dynamo: Dynamo | None = None
    ) -> None:
        self.faults = faults
        self.clock = clock
        self.dynamo = dynamo or Dynamo(clock, faults.seed)
        self.waiting: list[QueueMessage] = []
        self.rows = DueRows(self.dynamo.tables[DUE])
        self._sent = 0
        self.put_back_s: list[tuple[str, Sequence[tuple[str, int]]]] = []
        self._due = DynamoDueTable(self.dynamo, DUE, lambda: self.clock(), no_pause)
        sqs = Sqs(self._take, self._failing)
        ids = map("t{}".format, itertools.count(1))
        self._sqs = SqsTaskQueues(sqs, QUEUE_IDS, self._due, no_pause, lambda: next(ids))
        self._refused: set[str] | None = None

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        number = self.faults.before(f"send {queue}")
        self._refused = set() if number in self.faults.refuse else None
        # After a lost answer the sender repeats the call, so SQS accepts the bodies twice.
        for _ in range(2 if number in self.faults.lose_answer else 1):
            sent = self._sqs.send(queue, bodies, group, delays_s)
        self.faults.after(number)
        return sent

    def _failing(self, entries: Sequence[Mapping[str, Any]]) -> Container[str]:
        if self._refused is None:
            done = self.dynamo.caprices.done_of(entries)
            return {entry["Id"] for entry in entries[done:]}
        # The same entries fail at each repetition: the first, the third and so on.
        self._refused = self._refused or {entry["Id"] for entry in entries[::2]}
        return self._refused

    def _take(self, url: str, entry: Mapping[str, Any]) -> None:
        delay_s = entry.get("DelaySeconds", 0)
        self.add(QUEUES_BY_ID[url], entry["MessageBody"], self.clock() + delay_s)

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        number = self.faults.before(f"schedule {queue}")
        self._refused = set() if number in self.faults.refuse else None
        for _ in range(2 if number in self.faults.lose_answer else 1):
            self._sqs.schedule(queue, body, delay_s, group)
        self.faults.after(number)

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        self.put_back_s.append((queue_arn, delays_s))

    def cursors(self) -> Mapping[int, str]:
        self.faults.before("cursors")
        return self._due.cursors()

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        self.dynamo.tables[DUE].page = self.page
        return self._due.due(shard, after, now_ms)

    def move(self, shard: int, reached: str) -> bool:
        number = self.faults.before("move")
        moved = self._due.move(shard, reached)
        self.faults.after(number)
        return moved

    @property
    def reached(self) -> Mapping[int, str]:
        """The shards' cursors, without a call."""
        return self.rows.cursors()

    @property
    def waiting_rows(self) -> list[DueTask]:
        """The rows after their shard's cursor."""
        return [task for _, task in self._waiting()]

    @property
    def waiting_shards(self) -> list[int]:
        """The shards with rows after their cursor."""
        return sorted({shard for shard, _ in self._waiting()})

    def _waiting(self) -> Iterator[tuple[int, DueTask]]:
        reached = self.reached
        return ((at, task) for at, task in self.rows if task.sort_key > reached.get(at, ""))

    def add(self, queue: QueueName, body: str, visible_at: float) -> None:
        """Add a message to a queue, without a call."""
        self._sent += 1
        self.waiting.append(
            QueueMessage(f"q{self._sent}", queue, body, visible_at, lineage=LINEAGE.get()())
        )
