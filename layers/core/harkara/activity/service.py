"""Count the records of a shard of the Messages table's stream, each exactly once.

Lambda gives a shard's records in order, some of them again, in batches whose borders change. One
item a shard, the watermark, has the position up to which the shard was counted; each transaction of
counters moves it, on condition that it is as it was read. So a repeat, a split or a death at any
line changes no number. Positions are compared within one shard only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harkara.activity.conversion import ConversionWatch
from harkara.activity.counting import (
    ATTRIBUTES_LIMIT,
    TRANSACTION_LIMIT,
    CounterKey,
    Counts,
    bounded,
    counts_of,
    is_bounded,
    parts_of,
)
from harkara.activity.index import ROWS_A_GROUP, Digests, Groups
from harkara.activity.records import (
    UNREADABLE,
    Accepted,
    Event,
    Record,
    created_at_ms,
    event_of,
    sequence_of,
)
from harkara.activity.store import START, ActivityWriter, FailedRecords, Position
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock
from harkara.model.messages import Category, MessageBatch


class Step(NamedTuple):
    """A part of a record: what it adds to counters, and in its last part the batch to index."""

    position: Position
    counts: Counts
    batch: MessageBatch | None


@dataclass(frozen=True, slots=True)
class ActivityService:
    """Counts and indexes messages, in the function `activity`."""

    store: ActivityWriter
    failed: FailedRecords
    digests: Digests
    clock: Clock
    emit: EventSink
    conversion: ConversionWatch

    def count(self, shard: str, records: Sequence[Record]) -> None:
        """Count the records of a shard that were not counted before.

        Raises StoreUnavailable: some may have been counted.
        """
        reached = self.store.watermark(shard)
        new = [record for record in records if sequence_of(record) >= reached.sequence]
        unread: list[str] = []
        steps = [
            step
            for record in sorted(new, key=sequence_of)
            for step in _steps(sequence_of(record), self._read(shard, record, unread))
        ]
        batches = (step.batch for step in steps if step.batch)
        sending_otps = {each.account_id for each in batches if each.category == Category.OTP}
        while steps := [step for step in steps if step.position > reached]:
            done = self._count_some(shard, reached, steps)
            reached = done or self.store.watermark(shard)
        if new:
            self._note(new, len(unread))
        self.conversion.look(sorted(sending_otps))

    def _count_some(self, shard: str, reached: Position, steps: Sequence[Step]) -> Position | None:
        """Count as many steps as fit into a transaction; return the last one's position.

        None: the watermark was not where it should be, and nothing was counted.
        """
        transaction = _Transaction()
        for step in steps:
            if not transaction.take(step):
                break
        counts = transaction.counts
        if keys := transaction.bounded:
            counts = bounded(counts, self.store.attributes(keys))
        rows = transaction.groups.rows(self.digests)
        moved = self.store.count(shard, reached, transaction.reached, counts, rows)
        return transaction.reached if moved else None

    def _read(self, shard: str, record: Record, unread: list[str]) -> Event | None:
        """Return a record's event; report one that cannot be read, which then counts nothing."""
        try:
            return event_of(record)
        except UNREADABLE as error:
            unread.append(type(error).__name__)
            self.failed.send(shard, str(sequence_of(record)), unread[-1])
            return None

    def _note(self, records: Sequence[Record], unread: int) -> None:
        self.store.reach(max(map(created_at_ms, records)))
        oldest_ms = min(map(created_at_ms, records))
        counts = +Counter(events=len(records), unread=unread)
        delays_s = {"stream_delay": self.clock() - oldest_ms / 1000}
        self.emit(LogEvent("events counted", {}, counts, delays_s))


class _Transaction:
    """Steps that are counted at once."""

    def __init__(self) -> None:
        self.counts: Counts = {}
        self.groups = Groups()
        self.reached = START

    def take(self, step: Step) -> bool:
        """Add a step if it still fits; the first one always does."""
        if self.reached != START and not self._has_room_for(step):
            return False
        for key, counter in step.counts.items():
            self.counts.setdefault(key, Counter()).update(counter)
        if step.batch is not None:
            self.groups.add(step.batch)
        self.reached = step.position
        return True

    @property
    def bounded(self) -> list[CounterKey]:
        """The items whose names are bounded."""
        return list(filter(is_bounded, self.counts))

    def _has_room_for(self, step: Step) -> bool:
        groups = len(self.groups.groups)
        if step.batch is not None and self.groups.needs_another(step.batch):
            groups += 1
        items = len(self.counts.keys() | step.counts.keys()) + ROWS_A_GROUP * groups
        return items <= TRANSACTION_LIMIT and all(
            len(self.counts.get(key, {}).keys() | counter.keys()) <= ATTRIBUTES_LIMIT
            for key, counter in step.counts.items()
        )


def _steps(sequence: int, event: Event | None) -> Iterator[Step]:
    """Yield the parts of an event; one that counts nothing moves the watermark all the same."""
    parts = parts_of(counts_of(event) if event else {})
    for number, counts in enumerate(parts):
        is_last = number == len(parts) - 1
        batch = event.batch if isinstance(event, Accepted) and is_last else None
        yield Step(Position(sequence, number), counts, batch)
