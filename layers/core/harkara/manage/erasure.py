"""Erase a person's number and texts, as the Digital Personal Data Protection Act, 2023 asks.

Section 12(3): upon a request a data fiduciary erases personal data, "unless retention of the same
is necessary for the specified purpose or for compliance with any law". So entries of the lists of
suppressions stay: without its number no opt-out could be honoured.

An erasure is a list of changes (`harkara.manage.erasure_plan`), each of one item, put only if it is
as it was read. The log of the account says what is to be erased before the first of them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from harkara.activity.exports import ExportJob
from harkara.activity.index import Digests
from harkara.base.ids import ReferenceSigner
from harkara.base.time import Clock
from harkara.manage.cancels import CancelService
from harkara.manage.erased import Person
from harkara.model.accounts import Account
from harkara.model.consents import Consent
from harkara.model.people import AuditEntry
from harkara.model.suppressions import Suppression
from harkara.ports import SHARDS

C = TypeVar("C", str, bytes)


class Contents(Protocol):
    """One attribute of a table's items. Each method raises StoreUnavailable."""

    def get(self, partition: str, sort_key: str, kind: type[C]) -> C | None:
        """Return an item's content, None if there is no item."""
        ...

    def find(self, partition: str, prefix: str, kind: type[C]) -> Iterator[tuple[str, C]]:
        """Yield sort key and content of a partition's items with a prefix of their sort keys."""
        ...

    def replace(self, partition: str, sort_key: str, before: C, after: C | None) -> None:
        """Put a content in the place of another; None removes the item."""
        ...


class PersonLists(Protocol):
    """A number's suppressions and consents. Each method raises StoreUnavailable."""

    def records(
        self, account_id: str, numbers: Sequence[str]
    ) -> tuple[list[Suppression], list[Consent]]:
        """Return the entries and the consents of these numbers."""
        ...

    def remove(
        self, account_id: str, number: str, source: str, at_s: int, *, before_s: int | None = None
    ) -> bool:
        """Remove an entry as of `at_s`; return whether there was one."""
        ...

    def knows(self, account_id: str, number: str) -> bool:
        """Return whether a number has an item, if only with times of changes."""
        ...

    def forget(self, account_id: str, number: str) -> bool:
        """Delete a number's item, unless it has an entry of any source."""
        ...


class LastMessageStore(Protocol):
    """The last message to each number. Each method raises StoreUnavailable."""

    def find(self, account_id: str, number: str) -> str:
        """Return the mid of a number's last message, "" for none."""
        ...

    def remove(self, account_id: str, number: str) -> None:
        """Remove a number's item, if there is one."""
        ...


class ExportJobs(Protocol):
    """The jobs of exports. Each method raises StoreUnavailable."""

    def jobs(self, account_id: str) -> tuple[int, Sequence[ExportJob]]:
        """Return how many exports were begun, and the jobs that are kept."""
        ...

    def remove(self, job: ExportJob) -> None:
        """Remove a job, if it is there still."""
        ...


class ExportFiles(Protocol):
    """The files of exports."""

    def remove(self, prefix: str) -> None:
        """Remove all objects whose names begin so. Raises StoreUnavailable."""
        ...


class Change(NamedTuple):
    """A change of one item, by what it is counted as."""

    kind: str
    number: int
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class ErasureService:
    """Finds what is kept of a person, and erases it.

    `batches` and `entries` are contents of the Messages table, `rows` of Activity, `tasks` of Due.
    """

    batches: Contents
    entries: Contents
    rows: Contents
    tasks: Contents
    cancels: CancelService
    lists: PersonLists
    last: LastMessageStore
    exports: ExportJobs
    files: ExportFiles
    digests: Digests
    signer: ReferenceSigner
    record: Callable[[AuditEntry], None]
    clock: Clock
    _due: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict, init=False)

    def erase(self, account: Account, person: Person, changes: Sequence[Change], by: str) -> None:
        """Make the changes of a plan, after an entry in the account's log.

        Raises StoreUnavailable: some may be made; a plan made anew has the others.
        """
        named = self.signer.pseudonyms("erasure", person.number)[-1]
        counted = ", ".join(f"{kind} {count}" for kind, count in counts_of(changes).items())
        subject = f"{named}: {counted or 'nothing found'}"
        at_ms = int(self.clock() * 1000)
        self.record(AuditEntry(at_ms, account.id, by, "person.erase", subject))
        for change in changes:
            change.do()

    def due(self, person: Person) -> list[tuple[str, str, str]]:
        """Return partition, sort key and body of the tasks in Due that may be of a person."""
        if person.number not in self._due:
            self._due[person.number] = [
                (partition, sort_key, body)
                for partition in (f"shard#{shard:02d}" for shard in range(SHARDS))
                for sort_key, body in self.tasks.find(partition, "", str)
                if person.number in body or '"packed"' in body or '"click"' in body
            ]
        return self._due[person.number]


def counts_of(changes: Sequence[Change]) -> Mapping[str, int]:
    """Return how many things of each kind changes erase."""
    counts = Counter[str]()
    for change in changes:
        counts[change.kind] += change.number
    return +counts
