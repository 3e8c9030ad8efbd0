"""Show the queues and their dead letters to operators, and redrive dead letters.

A task that was received 20 times is a dead letter: SQS moves it to a queue of its own, where it is
kept until 14 days after it was first sent. Once the cause is mended, SQS itself moves the dead
letters back (a redrive), each as a new message with the same body. Looking at dead letters takes
none away: they stay visible, and only SQS's count of receives grows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused, StoreUnavailable
from harkara.base.ids import split_mid
from harkara.manage.audit import refusals
from harkara.manage.dead_tasks import Task, task_of
from harkara.model.tasks import QueueName
from harkara.ports import BatchReader

ACTIVITY_FAILURES = "activity_failures"
"""The queue for records of the stream that were not counted. Nothing works it off."""
NAMES = (*QueueName, ACTIVITY_FAILURES)
RATE_LIMIT = 500
"""The most messages a second of a redrive that is given a rate (SQS, StartMessageMoveTask)."""
MOVES_SHOWN = 10
_UNDER_WAY = "RUNNING", "CANCELLING"


class Depth(NamedTuple):
    """The approximate numbers of a queue's messages, its ARN, and how long it keeps a message."""

    waiting: int
    taken: int
    delayed: int
    arn: str
    kept_s: int


class Move(NamedTuple):
    """A redrive: its state in SQS's words, and how many messages it moved and had to move.

    `handle` names it while it runs, and is empty afterwards; `failure` is SQS's code.
    """

    status: str
    moved: int
    total: int | None
    started_ms: int
    rate_per_s: int | None = None
    failure: str = ""
    handle: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether it still moves messages, so that no other may begin."""
        return self.status in _UNDER_WAY


class LookedAt(NamedTuple):
    """A message as SQS shows it to somebody who looks: its body, counts and times."""

    id: str
    body: str
    sent_ms: int
    first_received_ms: int
    receives: int


class Queues(Protocol):
    """The queues, by their URLs. Each method raises StoreUnavailable."""

    def depth(self, url: str) -> Depth:
        """Count a queue's messages."""

    def look(self, url: str) -> list[LookedAt]:
        """Return up to ten messages of a queue, which stay in it and visible."""

    def moves(self, arn: str) -> list[Move]:
        """Return the newest redrives from a queue of dead letters, newest first."""

    def start_move(self, arn: str, destination_arn: str, rate_per_s: int | None) -> bool:
        """Let SQS move all messages; return False if a redrive of this queue is under way."""

    def cancel_move(self, handle: str) -> bool:
        """Stop a redrive; what it moved stays moved. Return False if it has ended."""


class QueueUrls(NamedTuple):
    """The URLs of a queue, "" if nothing goes back there, and of its dead letters."""

    url: str
    dead_letters: str


class DeadTask(NamedTuple):
    """A dead letter: SQS's id, its task, when it was sent and first received, and until when kept.

    `receives` counts those in its queue, and the looks at it since.
    """

    id: str
    task: Task
    sent_ms: int
    first_received_ms: int
    receives: int
    kept_until_ms: int


class QueueState(NamedTuple):
    """A queue's tasks: those that wait, are worked on, are delayed, and are dead letters."""

    queue: str
    waiting: int | None
    taken: int | None
    delayed: int | None
    dead: int


@dataclass(frozen=True, slots=True)
class QueueService:
    """Reads queues and redrives dead letters. Its methods raise StoreUnavailable."""

    urls: Mapping[str, QueueUrls]
    queues: Queues
    batches: BatchReader

    def states(self) -> list[QueueState]:
        """Return the state of each queue, in the order of NAMES."""
        return [self.state(name) for name in NAMES]

    def state(self, name: str) -> QueueState:
        """Return the state of a queue. Raises RequestRefused if there is none of this name."""
        urls = self._urls(name)
        waiting = taken = delayed = None
        if urls.url:
            waiting, taken, delayed, *_ = self.queues.depth(urls.url)
        dead = self.queues.depth(urls.dead_letters)
        return QueueState(name, waiting, taken, delayed, sum(dead[:3]))

    def may_redrive(self, name: str) -> bool:
        """Return whether the dead letters of a queue have a queue to go back to."""
        return bool(self._urls(name).url)

    def dead_letters(self, name: str) -> list[DeadTask]:
        """Return up to ten dead letters of a queue, oldest first, without what they hold.

        The account of a task that names none is that of its batch, if it can be read.
        """
        url = self._urls(name).dead_letters
        kept_ms = self.queues.depth(url).kept_s * 1000
        return [
            DeadTask(
                each.id,
                self._with_account(task_of(each.body)),
                each.sent_ms,
                each.first_received_ms,
                each.receives,
                each.sent_ms + kept_ms,
            )
            for each in sorted(self.queues.look(url), key=lambda each: each.sent_ms)
        ]

    def moves(self, name: str) -> list[Move]:
        """Return the newest redrives of a queue, newest first."""
        urls = self._urls(name)
        return self.queues.moves(self.queues.depth(urls.dead_letters).arn) if urls.url else []

    def redrive(self, name: str, rate_per_s: int | None = None) -> None:
        """Let SQS move a queue's dead letters back, up to so many a second; None leaves it to SQS.

        A task that was done before, in part or in whole, does nothing again (docs/design.md).
        Raises RequestRefused for another rate, and while a redrive of this queue is under way.
        """
        urls = self._urls(name)
        with refusals():
            if rate_per_s is not None and not 1 <= rate_per_s <= RATE_LIMIT:
                raise FieldRefused("rate", f"a whole number from 1 to {RATE_LIMIT}")
            if not urls.url:
                raise FieldRefused("queue", f"any but {name}: nothing works off what it holds")
        dead, back = (self.queues.depth(url).arn for url in (urls.dead_letters, urls.url))
        if not self.queues.start_move(dead, back, rate_per_s):
            raise RequestRefused(Code.REQUEST_IN_PROGRESS, "(a redrive)", retry_after_s=5)

    def cancel(self, name: str) -> None:
        """Stop the redrive of a queue. Raises RequestRefused if there is none under way."""
        if not any(self.queues.cancel_move(handle) for handle in self._handles(name)):
            raise RequestRefused(Code.NOT_FOUND, "(a redrive that is under way)")

    def _handles(self, name: str) -> Iterator[str]:
        return (each.handle for each in self.moves(name) if each.handle and each.is_under_way)

    def _urls(self, name: str) -> QueueUrls:
        if name not in self.urls:
            raise RequestRefused(Code.NOT_FOUND, "(queue)")
        return self.urls[name]

    def _with_account(self, task: Task) -> Task:
        batch_ids = [*task.batch_ids, *(split_mid(mid)[0] for mid in task.mids)]
        if task.account_id or not batch_ids:
            return task
        try:
            batch = self.batches.get_batch(batch_ids[0])
        except StoreUnavailable:  # the cause may be just this
            return task
        return task._replace(account_id=batch.account_id) if batch else task
