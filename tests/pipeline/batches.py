"""A world in which Lambda gives `submit` all ready messages as one batch, in one process."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace

from harkara.accept.requests import RecordResult
from harkara.base.errors import HarkaraError
from harkara.model.ledger import Lease
from harkara.model.tasks import QueueName, task_id_of
from tests.pipeline import campaign
from tests.support.fakes import Faults, ProcessKilled
from tests.support.invocations import batches
from tests.support.queues import QueueMessage
from tests.support.world import BUDGET_S, SUBMIT_QUEUES, VISIBILITY_S, World

SIZE = 10
SINGLES = ("0000", "0000", "9004", "9005", "9006", "9007")


class Batches(World):
    """A death ends the whole batch; a failed message comes back alone."""

    async def deliver(self, message: QueueMessage) -> None:
        if message.queue not in SUBMIT_QUEUES:
            await super().deliver(message)
            return
        batch = self.together(message.queue)
        for each in batch:
            each.receive_count += 1
            assert each.receive_count <= 20, "this message would be in the dead-letter queue"
            each.visible_at = self.now + VISIBILITY_S
        expires_at_ms = int((self.now + BUDGET_S) * 1000)
        try:
            bodies = self.submit.checks.set_together({m.id: m.body for m in batch})
            done = await asyncio.gather(
                *(self._one(each, bodies.get(each.id, each.body), expires_at_ms) for each in batch)
            )
        except ProcessKilled:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            self.killed += 1
            self.submit = self.submit_service()
        else:
            for each in itertools.compress(batch, done):
                self.queues.waiting.remove(each)

    def together(self, queue: QueueName) -> list[QueueMessage]:
        """Return the next batch of a queue that Lambda would deliver."""
        uniform = [m for m in self.queues.waiting if m.queue is queue]
        ready = [m for m in uniform if m.visible_at <= self.now][:SIZE]
        return next(batches(ready, lambda message: message.body, SIZE), [])

    async def _one(self, message: QueueMessage, body: str, expires_at_ms: int) -> bool:
        """Do one task; return whether it is done."""
        task_id = task_id_of(message.id, message.body)
        lease = Lease(task_id, f"worker-{next(self._worker_ids)}", expires_at_ms)
        try:
            self.counts += await self.handle(replace(message, body=body), lease)
        except HarkaraError as error:
            self.counts[type(error).__name__] += 1
            return False
        return True


def run_singles(faults: Faults) -> tuple[Batches, Sequence[RecordResult]]:
    """Send a request for each of SINGLES, and run; return the answers too."""
    world = Batches(faults)
    answers = [result for magic in SINGLES for result in world.send([campaign.record(magic)]) or ()]
    world.run()
    return world, answers
