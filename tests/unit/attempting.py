"""A callback in the middle of its schedule, and its attempts on stores in memory."""

import asyncio
from collections import Counter

from harkara.model.callbacks import PostResult
from harkara.model.events import Dlr
from harkara.model.ledger import LedgerEntry, ack_kind
from harkara.model.messages import State
from harkara.model.tasks import CallbackTask, QueueName
from tests.support.wired import NOW, RETENTION_S
from tests.unit.deliveries import BATCH, MAIN, NOW_MS, Deliveries

OTHER_ID = "1" + "0" * 25 + "2"
TASK = CallbackTask(
    group_task_id="task",
    group=2,
    attempt=3,
    account_id="acme",
    endpoint=MAIN,
    members=(
        Dlr(BATCH.mid(4), "ref4", State.DELIVERED, int(NOW) - 7),
        Dlr(OTHER_ID + "00", "other", State.FAILED, int(NOW) - 9),
        Dlr(BATCH.mid(1), "ref1", State.DELIVERED, int(NOW) - 8),
    ),
    failures=2,
    due_at_ms=NOW_MS + 10**9,
    began_ms=NOW_MS - 40_000,
)
MEMBERS = {BATCH.id: [4, 1], OTHER_ID: [0]}
BATCHES = [BATCH.id, OTHER_ID]
KEPT_UNTIL_S = TASK.due_at_ms / 1000 + RETENTION_S


class Attempting(Deliveries):
    """Attempts of one callback."""

    def claim(self, task: CallbackTask = TASK, task_id: str = "q") -> CallbackTask | None:
        return asyncio.run(self.dlr_services().callbacks.attempts.claim(task, self.lease(task_id)))

    def record(self, result: PostResult, task: CallbackTask = TASK) -> Counter[str]:
        attempts = self.dlr_services().callbacks.attempts
        return asyncio.run(attempts.record(task, self.lease("q"), result))

    def wait(self, wait_s: float, task: CallbackTask = TASK) -> Counter[str]:
        attempts = self.dlr_services().callbacks.attempts
        return asyncio.run(attempts.wait(task, self.lease("q"), wait_s))

    def scheduled(self) -> tuple[float, CallbackTask]:
        """Return delay and task of the only waiting callback; check its fairness group."""
        ((delay_s, task),) = self.waiting(QueueName.CALLBACK)
        assert set(self.groups) == {task.account_id}
        return delay_s, task

    def end(self, status: int, group: int = TASK.group, replay: int = 0) -> None:
        """Store an acknowledgement of the callback with this status."""
        kind, data = ack_kind(group, replay), {"status": status}
        self.store.put_if_absent([LedgerEntry(TASK.group_task_id, kind, "x", "x", 0, data)])
