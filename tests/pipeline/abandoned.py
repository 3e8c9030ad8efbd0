"""A world in which tasks become dead letters, and are redriven as SQS does it."""

from collections import Counter
from collections.abc import Collection

from harkara.model.ledger import Lease
from harkara.model.tasks import QueueName
from tests.support.fakes import Faults
from tests.support.queues import QueueMessage
from tests.support.world import World


class Abandoned(World):
    """A world that never redelivers a task of some queues after its process was killed."""

    def __init__(self, queues: Collection[QueueName], faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.deadly = queues
        self.dead: list[QueueMessage] = []
        # The calls made for tasks of these queues.
        self.dying_calls: set[int] = set()

    def redrive(self) -> None:
        """Move the dead letters back, as SQS does: each is a new message."""
        dead, self.dead = self.dead, []
        for message in dead:
            self.queues.add(message.queue, message.body, self.now)

    async def handle(self, message: QueueMessage, lease: Lease) -> Counter[str]:
        before = len(self.faults.calls)
        try:
            return await super().handle(message, lease)
        finally:
            if message.queue in self.deadly:
                self.dying_calls.update(range(before, len(self.faults.calls)))

    async def deliver(self, message: QueueMessage) -> None:
        before = self.killed
        await super().deliver(message)
        # One that failed otherwise comes back: it waits for somebody else's lease.
        is_killed = self.killed > before and message in self.queues.waiting
        if is_killed and message.queue in self.deadly:
            self.queues.waiting.remove(message)
            self.dead.append(message)
