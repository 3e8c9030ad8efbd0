"""What the services of this folder need from the Activity table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from harkara.activity.counting import Attributes, CounterKey, Counts
from harkara.activity.index import IndexRow
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import MessageBatch
from harkara.ports import LedgerReader


class Position(NamedTuple):
    """A part of a record of a shard; most records have one part, number 0."""

    sequence: int
    part: int


START = Position(-1, 0)


class ActivityWriter(Protocol):
    """Counts the events of a shard exactly once. Each method raises StoreUnavailable."""

    def watermark(self, shard: str) -> Position:
        """Return up to where a shard was counted, START for nowhere, read consistently."""
        ...

    def attributes(self, keys: Sequence[CounterKey]) -> Attributes:
        """Return the names of the counters that stored items have."""
        ...

    def count(
        self,
        shard: str,
        before: Position,
        after: Position,
        counts: Counts,
        rows: Sequence[IndexRow],
    ) -> bool:
        """Add to counters, put rows and move the shard's watermark, all or nothing.

        Return False if the watermark is not at `before`.
        """
        ...

    def reach(self, at_ms: int) -> None:
        """Record that events up to this time were counted."""
        ...


class ActivityReader(Protocol):
    """Reads counters and index rows. Each method raises StoreUnavailable."""

    def reached_ms(self) -> int:
        """Return up to when events were counted, 0 if none was."""
        ...

    def counters(
        self, partition: str, first: str, last: str, limit: int | None = None
    ) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield items of counters between two sort keys, both included, in order."""
        ...

    def reached_and_counters(
        self, keys: Sequence[CounterKey]
    ) -> tuple[int, Mapping[CounterKey, Mapping[str, int]]]:
        """Return `reached_ms` and the counters at these keys, in one request."""
        ...

    def rows(self, partition: str, first: str, last: str) -> Iterator[Sequence[tuple[str, bytes]]]:
        """Yield pages of index rows between two sort keys, both included, in order."""
        ...

    def row(self, partition: str, sort_keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the existing rows at these sort keys."""
        ...


class MessageReader(LedgerReader, Protocol):
    """Reads messages for lists."""

    def read_messages(
        self, places: Sequence[tuple[str, int]]
    ) -> tuple[Mapping[str, MessageBatch], Sequence[LedgerEntry | None]]:
        """Return the batches of messages, and the final state of each; expired ones are left out.

        A place is a batch's id and the message's index there. Raises StoreUnavailable.
        """
        ...


class FailedRecords(Protocol):
    """Takes records that cannot be read."""

    def send(self, shard: str, sequence: str, reason: str) -> None:
        """Report a record. Raises StoreUnavailable."""
        ...
