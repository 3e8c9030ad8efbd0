"""Enqueue what is due. Twice is harmless: it is enqueued, then deleted."""

from dataclasses import dataclass

from harkara.deadline import Deadline
from harkara.ports import Clock, DueTable, TaskQueues

SHARDS = 16
# Reading, enqueuing and deleting a page.
_PAGE_S = 5.0


@dataclass(frozen=True, slots=True)
class SweepService:
    """What `sweep` does every minute."""

    due: DueTable
    queues: TaskQueues
    clock: Clock

    def sweep(self, deadline: Deadline) -> int:
        """Enqueue what is due, until time runs out; return how many tasks that were."""
        now_ms = int(self.clock() * 1000)
        count = 0
        for shard in range(SHARDS):
            for page in self.due.due(shard, now_ms):
                for queue in {task.queue for task in page}:
                    tasks = [task for task in page if task.queue is queue]
                    sent = self.queues.send(queue, [task.body for task in tasks])
                    done = [task for task, in_queue in zip(tasks, sent, strict=True) if in_queue]
                    self.due.delete(done)
                    count += len(done)
                if not deadline.allows(_PAGE_S):
                    return count
        return count
