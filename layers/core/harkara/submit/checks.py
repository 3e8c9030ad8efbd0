"""Set the checks of what `submit` is about to do: one a request, or for many requests' singles.

It is set before anything else is done, so that each message ends even where no task lives to submit
it (`harkara.receipts.reconcile`).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from harkara.base.errors import StoreUnavailable
from harkara.model.submit_tasks import SubmitTask, decode_submit
from harkara.model.tasks import CheckTask, QueueName, owner_in
from harkara.ports import TaskQueues


@dataclass(frozen=True, slots=True)
class Checks:
    """Sets checks for when the wait for receipts is over."""

    queues: TaskQueues
    receipt_wait_s: int

    def set(self, task: SubmitTask) -> None:
        """Set the check of a request's chunks. Raises StoreUnavailable."""
        others = tuple(part.chunk_id for part in task.others)
        singles_of = task.account_id if task.single else ""
        self._schedule(CheckTask(task.chunk_id, others, singles_of=singles_of), task.account_id)

    def set_together(self, bodies: Mapping[str, str]) -> Mapping[str, str]:
        """Set one check for all single messages of an account; return the bodies that say so.

        `bodies`, by queue message. What it cannot be set for has its own set. Raises ValueError for
        what is no submit task.
        """
        tasks = {name: decode_submit(body) for name, body in bodies.items()}
        of_accounts: dict[str, list[str]] = {}
        for name, task in tasks.items():
            if task.single and needs_check(task):
                of_accounts.setdefault(task.account_id, []).append(name)
        checked = {}
        for account_id, names in of_accounts.items():
            first, *others = dict.fromkeys(tasks[name].chunk_id for name in names)
            with suppress(StoreUnavailable):
                self._schedule(CheckTask(first, tuple(others), singles_of=account_id), account_id)
                for name in names:
                    body = replace(tasks[name], checked=True).encode(owner_in(bodies[name]))
                    checked[name] = body
        return checked

    def _schedule(self, check: CheckTask, account_id: str) -> None:
        body = check.encode()
        self.queues.schedule(QueueName.RECEIPT, body, self.receipt_wait_s, account_id)


def needs_check(task: SubmitTask) -> bool:
    """Whether a task is a request's first, whose check is not known to be set."""
    return task.attempt == 1 and not task.handed_on and not task.checked
