"""Enqueue what is due, and move a cursor on beyond what is enqueued. Twice is harmless.

Each shard of the Due table has its cursor, which never goes back. It stays before a task that its
queue did not take: that comes again with the next run, and what follows it on its page as well. Of
two runs at the same time the one that finds a cursor further on leaves the shard to the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harkara.deadline import Deadline
from harkara.errors import StoreUnavailable
from harkara.ports import Clock, DueTable, DueTask, Note, Notes, TaskQueues

SHARDS = 16
# Reading and enqueuing a page.
_PAGE_S = 5.0


@dataclass(frozen=True, slots=True)
class SweepService:
    """What `sweep` does every minute."""

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
        """Enqueue the tasks of all shards; yield those done, nothing where a shard failed."""
        cursors = self.due.cursors()
        for shard in range(SHARDS):
            try:
                yield from self._of(shard, cursors.get(shard, ""), now_ms)
            except StoreUnavailable as error:
                failures.append(error)
                yield ()

    def _of(self, shard: int, cursor: str, now_ms: int) -> Iterator[Sequence[DueTask]]:
        """Enqueue a shard's tasks; yield what its cursor has passed, page by page."""
        for page in self.due.due(shard, cursor, now_ms):
            enqueued = self._enqueue(page)
            if enqueued:
                if not self.due.move(shard, enqueued[-1].sort_key):
                    return
                yield enqueued
            if len(enqueued) < len(page):
                raise StoreUnavailable("a queue did not take a task")

    def _enqueue(self, page: Sequence[DueTask]) -> Sequence[DueTask]:
        """Enqueue tasks; return those before the first that its queue did not take."""
        refused: set[str] = set()
        for queue in {task.queue for task in page}:
            tasks = [task for task in page if task.queue is queue]
            sent = self.queues.send(queue, [task.body for task in tasks])
            refused |= {
                task.sort_key for task, in_queue in zip(tasks, sent, strict=True) if not in_queue
            }
        ends = (place for place, task in enumerate(page) if task.sort_key in refused)
        return page[: next(ends, len(page))]
