"""Store, list and replay dead letters: callbacks that were given up ("parked" in the API).

They are stored by endpoint and time, and kept as long as messages are. The API's `id` of a dead
letter is derived from its sort key. A replay begins at the start of the schedule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harkara.base.errors import StoreUnavailable
from harkara.base.time import END_MS, Deadline
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import Endpoint
from harkara.model.tasks import Attempt, CallbackTask, QueueName, decode_dlr
from harkara.ports import TaskQueues

UNREGISTERED = "-"
"""Used as the callback id of URLs that are not of a registered callback."""

PAGE_LIMIT = 1_000
# Callbacks that are read, enqueued and removed at a time.
_PART = 100
_PART_S = 3.0


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
    return f"dead-letter#{account_id}#{callback_id or UNREGISTERED}"


def dead_letter_entry(
    lease: Lease, task: CallbackTask, last: Attempt, campaigns: Sequence[str] = ()
) -> LedgerEntry:
    """Return the row of a callback that becomes a dead letter after this attempt.

    `campaigns` are those of its messages, by which it is counted.
    """
    return lease.entry(
        partition_of(task.account_id, task.endpoint.callback_id),
        f"{last.at_ms:013d}#{task.webhook_id}",
        task=task.encode(),
        last=last,
        **({"campaigns": campaigns} if campaigns else {}),
    )


def dead_letter_of(entry: LedgerEntry) -> DeadLetter:
    """Return the dead letter in a row."""
    task = decode_dlr(entry.data["task"])
    if not isinstance(task, CallbackTask):
        raise ValueError("a parked task that is no callback")
    at, _, webhook_id = entry.kind.partition("#")
    return DeadLetter(f"{at}.{webhook_id}", int(at), task, Attempt(*entry.data["last"]))


def sort_key(dead_letter_id: str) -> str:
    """Return the sort key for an id; the row need not exist."""
    return dead_letter_id.replace(".", "#", 1)


class DeadLetterPage(NamedTuple):
    """Parked callbacks, the oldest first. If `next_id` is given, read on `after` it."""

    dead_letters: list[DeadLetter]
    next_id: str | None


class Replayed(NamedTuple):
    """How many callbacks were enqueued again, and whether those are all that were requested."""

    callback_count: int
    complete: bool


@dataclass(frozen=True, slots=True)
class DeadLetterService:
    """Lists and replays the dead letters of an account. Its methods raise StoreUnavailable.

    `callback_id` names a registered callback, or is "-" for unregistered URLs. Times are Unix
    milliseconds, the first included, the last not. `reset_health` allows posts again to an endpoint
    that is gone or failing.
    """

    store: DeadLetterStore
    queues: TaskQueues
    reset_health: Callable[[str, Endpoint], None]

    def page(
        self,
        account_id: str,
        callback_id: str,
        from_ms: int = 0,
        to_ms: int = END_MS,
        after: str = "",
        limit: int = PAGE_LIMIT,
    ) -> DeadLetterPage:
        """Return up to `limit` dead letters of an endpoint in a range of time."""
        partition = partition_of(account_id, callback_id)
        begin = max(f"{from_ms:013d}", sort_key(after))
        rows = self.store.find(partition, begin, f"{to_ms:013d}", limit + 1)
        dead_letters = [dead_letter_of(row) for row in rows[:limit]]
        return DeadLetterPage(dead_letters, dead_letters[-1].id if len(rows) > limit else None)

    def replay(
        self,
        account_id: str,
        callback_id: str,
        deadline: Deadline,
        ids: Sequence[str] | None = None,
        from_ms: int = 0,
        to_ms: int = END_MS,
    ) -> Replayed:
        """Enqueue the callbacks with these ids again, or without ids those of a range of time.

        Unknown ids are skipped. None is begun once the deadline is near; the same call again
        replays the rest. A callback that is replayed twice is posted once.
        """
        partition = partition_of(account_id, callback_id)
        if ids is None:
            parts = self._range(partition, f"{from_ms:013d}", f"{to_ms:013d}")
        else:
            parts = self._named(partition, ids)
        count, opened = 0, set[Endpoint]()
        for rows in parts:
            if not deadline.allows(_PART_S):
                return Replayed(count, complete=False)
            tasks = [dead_letter_of(row).task for row in rows]
            for endpoint in {task.endpoint for task in tasks} - opened:
                self.reset_health(account_id, endpoint)
                opened.add(endpoint)
            bodies = [_again(task).encode() for task in tasks]
            sent = self.queues.send(QueueName.CALLBACK, bodies, account_id)
            # Remove after enqueueing: if the process dies in between, they are enqueued twice.
            self.store.remove([row.key for row, done in zip(rows, sent, strict=True) if done])
            count += sum(sent)
            if not all(sent):
                raise StoreUnavailable("the callback queue did not take a task")
        return Replayed(count, complete=True)

    def _range(self, partition: str, begin: str, end: str) -> Iterator[list[LedgerEntry]]:
        while rows := self.store.find(partition, begin, end, _PART):
            yield rows
            begin = rows[-1].kind

    def _named(self, partition: str, ids: Sequence[str]) -> Iterator[list[LedgerEntry]]:
        # DynamoDB refuses a call with an empty key, or with the same key twice.
        keys = list(dict.fromkeys((partition, sort_key(each)) for each in ids if each))
        for at in range(0, len(keys), _PART):
            yield [row for row in self.store.get_entries(keys[at : at + _PART]) if row]


def _again(task: CallbackTask) -> CallbackTask:
    """Return a parked task at the start of its schedule. Its attempt number goes on."""
    return CallbackTask(
        group_task_id=task.group_task_id,
        group=task.group,
        attempt=task.attempt + 1,
        account_id=task.account_id,
        endpoint=task.endpoint,
        members=task.members,
        due_at_ms=task.due_at_ms,
        replay=task.replay + 1,
    )
