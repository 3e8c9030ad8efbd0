"""Schedule the checks of submitted messages: one per request, or one for many single messages.

A check is scheduled before anything else is done, so that each message ends even if no task lives
to submit it (`harkara.receipts.reconcile`).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from harkara.base.errors import StoreUnavailable
from harkara.model.submit_tasks import SubmitTask, decode_submit
from harkara.model.tasks import CheckTask, QueueName, task_id_in
from harkara.ports import TaskQueues


@dataclass(frozen=True, slots=True)
class Checks:
    """Schedules checks for the time when the wait for receipts is over."""

    queues: TaskQueues
    receipt_wait_s: int

    def set(self, task: SubmitTask) -> None:
        """Schedule the check of a request's batches. Raises StoreUnavailable."""
        others = tuple(part.batch_id for part in task.others)
        singles_of = task.account_id if task.single else ""
        self._schedule(CheckTask(task.batch_id, others, singles_of=singles_of), task.account_id)

    def set_together(self, bodies: Mapping[str, str]) -> Mapping[str, str]:
        """Schedule one check for all single messages of an account; return the bodies that say so.

        `bodies` is by queue message. If this fails for an account, each of its messages schedules
        its own check. Raises ValueError for a body that is not a submit task.
        """
        tasks = {name: decode_submit(body) for name, body in bodies.items()}
        of_accounts: dict[str, list[str]] = {}
        for name, task in tasks.items():
            if task.single and needs_check(task):
                of_accounts.setdefault(task.account_id, []).append(name)
        checked = {}
        for account_id, names in of_accounts.items():
            first, *others = dict.fromkeys(tasks[name].batch_id for name in names)
            with suppress(StoreUnavailable):
                self._schedule(CheckTask(first, tuple(others), singles_of=account_id), account_id)
                for name in names:
                    body = replace(tasks[name], checked=True).encode(task_id_in(bodies[name]))
                    checked[name] = body
        return checked

    def _schedule(self, check: CheckTask, account_id: str) -> None:
        body = check.encode()
        self.queues.schedule(QueueName.RECEIPT, body, self.receipt_wait_s, account_id)


def needs_check(task: SubmitTask) -> bool:
    """Whether a task is a request's first, and its check is not known to be scheduled."""
    return task.attempt == 1 and not task.handed_on and not task.checked
