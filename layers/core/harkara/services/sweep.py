"""Enqueue what is due, and move a cursor on beyond what is enqueued. Twice is harmless.

Each shard of the Due table has its cursor, which never goes back. It stays where it is while a
queue or the table cannot be reached: the page comes again with the next run. A single task that its
queue does not take is put off instead, as a new row, and the cursor moves on: it keeps no other
waiting, is never dropped, and has an alarm. The shards take turns by the page, so that none is left
behind where a run's time does not do for all. Of two runs at the same time the one that finds a
cursor further on leaves the shard to the other.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harkara.deadline import Deadline
from harkara.errors import StoreUnavailable
from harkara.ports import Clock, DueTable, DueTask, Note, Notes, TaskQueues

SHARDS = 16
# Reading and enqueuing a page.
_PAGE_S = 5.0
# Long enough for the Due table: no row is put that near to a cursor (`harkara.aws.due`).
PUT_OFF_S = 1000.0


@dataclass(frozen=True, slots=True)
class SweepService:
    """What `sweep` does every minute. `queues` put into `due` what is to wait for long."""

    due: DueTable
    queues: TaskQueues
    clock: Clock
    notes: Notes

    def sweep(self, deadline: Deadline) -> int:
        """Enqueue what is due, until time runs out; return how many tasks that were.

        A shard that fails does not keep the others waiting. Raises StoreUnavailable once they are
        done.
        """
        now_ms = int(self.clock() * 1000)
        count, oldest_ms = 0, now_ms
        failures: list[StoreUnavailable] = []
        for tasks in self._all(now_ms, failures):
            count += len(tasks)
            oldest_ms = min([oldest_ms, *(task.due_ms for task in tasks)])
            if not deadline.allows(_PAGE_S):
                break
        delays_s = {"sweep_delay": (now_ms - oldest_ms) / 1000} if count else {}
        self.notes(Note("swept", {}, {"enqueued": count}, delays_s))
        if failures:
            raise failures[0]
        return count

    def _all(self, now_ms: int, failures: list[StoreUnavailable]) -> Iterator[Sequence[DueTask]]:
        """Enqueue all shards' tasks, a page of each in turn; yield those of each page.

        Each minute another shard is the first.
        """
        cursors = self.due.cursors()
        first = now_ms // 60_000
        shards = [(first + number) % SHARDS for number in range(SHARDS)]
        waiting = deque(self._of(shard, cursors.get(shard, ""), now_ms) for shard in shards)
        while waiting:
            pages = waiting.popleft()
            try:
                tasks = next(pages, None)
            except StoreUnavailable as error:
                failures.append(error)
                tasks = None
            else:
                if tasks is not None:
                    waiting.append(pages)
            yield tasks or ()

    def _of(self, shard: int, cursor: str, now_ms: int) -> Iterator[Sequence[DueTask]]:
        """Enqueue a shard's tasks; yield those of each page that its cursor has passed."""
        for page in self.due.due(shard, cursor, now_ms):
            enqueued = self._enqueue(page)
            if not self.due.move(shard, page[-1].sort_key):
                return
            yield enqueued

    def _enqueue(self, page: Sequence[DueTask]) -> Sequence[DueTask]:
        """Enqueue a page's tasks and return them; put off those that their queue does not take."""
        enqueued = list[DueTask]()
        for queue in dict.fromkeys(task.queue for task in page):
            tasks = [task for task in page if task.queue is queue]
            sent = self.queues.send(queue, [task.body for task in tasks])
            for task, in_queue in zip(tasks, sent, strict=True):
                if in_queue:
                    enqueued.append(task)
                else:
                    self._put_off(task)
        return enqueued

    def _put_off(self, task: DueTask) -> None:
        self.queues.schedule(task.queue, task.body, PUT_OFF_S)
        about = {"row": task.sort_key, "queue": task.queue}
        self.notes(Note("task put off", about, {"put_off": 1}))
