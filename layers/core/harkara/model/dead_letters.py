"""Dead letters ("parked" in the API): callbacks that were given up, with their content and reason.

They are stored in the Messages table by endpoint and time, and kept as long as messages are. The
API's `id` of a dead letter is derived from its sort key.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.tasks import Attempt, CallbackTask, decode_dlr

UNREGISTERED = "-"
"""Used as the callback id of URLs that are not of a registered callback."""

END_MS = 10**13 - 1
"""Later than any time."""


class DeadLetter(NamedTuple):
    """A callback that is not retried any more. `id` is its time and webhook id: `<ms>.<id>`."""

    id: str
    at_ms: int
    task: CallbackTask
    last: Attempt


class DeadLetterStore(Protocol):
    """The store of dead letters. Each method raises StoreUnavailable."""

    def find(self, partition: str, after: str, before: str, limit: int) -> list[LedgerEntry]:
        """Return up to `limit` rows of a partition between two sort keys, in order."""
        ...

    def get_entries(self, keys: Sequence[tuple[str, str]]) -> list[LedgerEntry | None]:
        """Return the rows at these keys, in order."""
        ...

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        """Remove the rows at these keys, if present."""
        ...


def partition_of(account_id: str, callback_id: str) -> str:
    """Return the partition of an endpoint's dead letters."""
    return f"parked#{account_id}#{callback_id or UNREGISTERED}"


def dead_letter_entry(lease: Lease, task: CallbackTask, last: Attempt) -> LedgerEntry:
    """Return the row of a callback that becomes a dead letter after this attempt."""
    return lease.mark(
        partition_of(task.account_id, task.endpoint.callback_id),
        f"{last.at_ms:013d}#{task.webhook_id}",
        task=task.encode(),
        last=last,
    )


def parked_of(mark: LedgerEntry) -> DeadLetter:
    """Return the dead letter in a row."""
    task = decode_dlr(mark.data["task"])
    if not isinstance(task, CallbackTask):
        raise ValueError("a parked task that is no callback")
    at, _, webhook_id = mark.kind.partition("#")
    return DeadLetter(f"{at}.{webhook_id}", int(at), task, Attempt(*mark.data["last"]))


def sort_key(parked_id: str) -> str:
    """Return the sort key for an id; the row need not exist."""
    return parked_id.replace(".", "#", 1)
