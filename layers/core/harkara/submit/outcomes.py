"""Derive the outcome of a claimed block attempt and its follow-up, the same at every call.

One outcome for the single messages of a queue batch that their carriers took.

The claim of a single message's first attempt names (`shared`) a second place where its outcome may
be. The messages that are under way together put one item there, with all that were taken; a message
that ends otherwise, or later, has an outcome of its own. The item never changes once it is put. A
worker that takes over from a dead one puts an empty item first, or finds the item of the dead one.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self

from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.base.log_events import LogEvent
from harkara.base.retries import within_validity
from harkara.base.time import Clock
from harkara.carriers.contract import InDoubt, NotTaken
from harkara.model.activity import Submitted, hour_of, merged
from harkara.model.ledger import SHARED_KIND, Lease, LedgerEntry, shared_partition
from harkara.model.messages import MessageBatch, State
from harkara.model.submit_tasks import Repeat, Reserved, SubmitTask
from harkara.model.tasks import Receipt
from harkara.ports import MessageStore
from harkara.submit.attempts import outcome_data, outcome_in
from harkara.submit.dispatch import Handed
from harkara.submit.planner import BlockPart


class Retry(NamedTuple):
    """The task of the next attempt, and how long the first of its messages has to wait."""

    task: SubmitTask
    wait_s: float


def left_behind(part: BlockPart, claim: LedgerEntry) -> Handed:
    """Return the ends of a dead worker's attempt: messages that it may have sent are in doubt."""
    at = _carriers_of(part, claim)
    return Handed({index: InDoubt() if index in at else NotTaken() for index in part.indexes})


def outcome_of(
    part: BlockPart, claim: LedgerEntry, handed: Handed, repeatable: Collection[str]
) -> dict[str, Any]:
    """Return the data of the outcome entry.

    `again` lists the messages in doubt that go to their carrier again, if it is `repeatable`, and
    for how many seconds it wants to be left alone. A message that was in doubt before stays so
    until its carrier says that it has it, or never will.
    """
    at, ends, again = _carriers_of(part, claim), dict(handed.ends), []
    for index, end in handed.ends.items():
        if isinstance(end, NotTaken) and index in part.repeats:
            ends[index] = InDoubt()
        in_doubt = isinstance(ends[index], InDoubt) and index not in handed.kept
        if in_doubt and at[index] in repeatable:
            again.append((index, end.retry_after_s if isinstance(end, NotTaken) else 0))
    data = outcome_data(part.indexes, [ends[index] for index in part.indexes])
    return {**data, "again": again} if again else data


def submitted_in(part: BlockPart, claim: LedgerEntry, data: Mapping[str, Any]) -> list[Submitted]:
    """Return what an outcome's taken messages are counted by."""
    at, batch = _carriers_of(part, claim), part.batch
    hour_ms = hour_of(batch.accepted_at_ms)
    return merged(Submitted(batch.account_id, at[each], hour_ms, 1) for each, _ in data["taken"])


def reports_of(
    part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry
) -> dict[str, list[Receipt]]:
    """Return the final states that an outcome brings by itself, by carrier ("" for none)."""
    batch, attempt, data = part.batch, part.attempt, outcome.data
    at_s = data["at"] // 1000
    refused = [
        Receipt(
            batch.mid(index),
            attempt,
            State.EXPIRED if code == Code.EXPIRED else State.FAILED,
            at_s,
            code,
            carrier_code,
        )
        for index, code, carrier_code in data["refused"]
    ]
    cancelled = [
        Receipt(batch.mid(index), attempt, State.CANCELLED, at_s, Code.CANCELLED)
        for index in data["cancelled"]
    ]
    at, reports = _carriers_of(part, claim), dict[str, list[Receipt]]()
    for receipt in refused + cancelled:
        reports.setdefault(at.get(split_mid(receipt.mid)[1], ""), []).append(receipt)
    return reports


def refusals_of(batch: MessageBatch) -> list[Receipt]:
    """Return the final states of the records that were refused when their request was accepted."""
    at_s = batch.accepted_at_ms // 1000
    return [
        Receipt(batch.mid(index), 0, State.FAILED, at_s, code) for index, code in batch.refused()
    ]


def log_events_of(part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry) -> list[LogEvent]:
    """Return the log events of an outcome, one for each carrier that had messages."""
    data, batch = outcome.data, part.batch
    at = _carriers_of(part, claim)
    counts = {name: Counter[str]() for name in sorted(set(at.values()))}
    ends = {
        "submitted": [index for index, _ in data["taken"]],
        "refused_by_carrier": [index for index, *_ in data["refused"]],
        "not_taken": [index for index, _ in data["not_taken"]],
        "in_doubt": data["in_doubt"],
        "resubmitted": [index for index, _ in data.get("again", ())],
    }
    for end, indexes in ends.items():
        for index in indexes:
            if index in at:
                counts[at[index]][end] += 1
    latency_s = {"submit_latency": (data["at"] - batch.due_at_ms) / 1000}
    about = {"batch": batch.id, "block": part.block, "attempt": part.attempt}
    return [
        LogEvent(
            "block submitted",
            about,
            each,
            latency_s if each["submitted"] else {},
            carrier,
            listed=("batch",) if each.keys() == {"submitted"} else (),
        )
        for carrier, each in counts.items()
    ]


def retry_of(
    part: BlockPart, claim: LedgerEntry, outcome: LedgerEntry, reserved: Mapping[str, Reserved]
) -> Retry | None:
    """Return the next attempt, of messages not taken or in doubt that may go again; None if none.

    It keeps the reservations at carriers that this attempt did not reach. It is due as soon as one
    of its messages may go; a carrier that wants to be left alone for longer is left alone.
    """
    not_taken = dict(outcome.data["not_taken"])
    again = dict(outcome.data.get("again", ()))
    if not not_taken and not again:
        return None
    carriers, at = claim.data["carriers"], _carriers_of(part, claim)
    ended_ms = outcome.data["at"]
    left_s = part.batch.expires_at_s - ended_ms / 1000
    rests = {name: until_ms for name, until_ms in part.rests.items() if until_ms > ended_ms}
    waits_s = []
    for index, requested_s in {**not_taken, **again}.items():
        wait_s = within_validity(requested_s, left_s)
        waits_s.append(wait_s)
        if requested_s and index in at:
            until_ms = ended_ms + int(wait_s * 1000)
            rests[at[index]] = max(until_ms, rests.get(at[index], 0))
    tried = {
        name: sorted({*part.tried.get(name, ()), *carriers.get(name, ())} & not_taken.keys())
        for name in {**part.tried, **carriers}
    }
    task = SubmitTask(
        batch_id=part.batch.id,
        account_id=part.batch.account_id,
        block=part.block,
        attempt=part.attempt + 1,
        indexes=tuple(sorted([*not_taken, *again])),
        reserved={
            name: reservation for name, reservation in reserved.items() if name not in carriers
        },
        tried={name: indexes for name, indexes in tried.items() if indexes},
        repeats=tuple(
            part.repeats.get(index) or Repeat(index, at[index], part.attempt) for index in again
        ),
        rests=rests,
    )
    return Retry(task, min(waits_s))


def _carriers_of(part: BlockPart, claim: LedgerEntry) -> dict[int, str]:
    """Return the carrier that may have each message of a claimed block attempt."""
    at = {index: name for name, indexes in claim.data["carriers"].items() for index in indexes}
    return at | {index: repeat.carrier for index, repeat in part.repeats.items()}


# A taken message waits this long for the others to end.
_PATIENCE_S = 1.0


class Shared:
    """An outcome shared by the messages that join before it is put."""

    def __init__(self, lease: Lease, store: MessageStore, clock: Clock) -> None:
        self.partition = shared_partition(lease.worker_id)
        self._lease = lease
        self._store = store
        self._clock = clock
        self._under_way = 0
        self._taken: dict[str, str] = {}
        self._submitted: list[Submitted] = []
        self._all_ended = asyncio.Event()
        self._put: asyncio.Future[LedgerEntry] | None = None

    @property
    def is_open(self) -> bool:
        """Whether more messages may join."""
        return self._put is None and not self._all_ended.is_set()

    def __enter__(self) -> Self:
        """Count in a message that is about to be claimed."""
        self._under_way += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Count out a message whose attempt has ended."""
        self._end_one()

    def _end_one(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._all_ended.set()

    async def put(
        self, claim: LedgerEntry, carrier_id: str, submitted: Submitted
    ) -> LedgerEntry | None:
        """Record with others that a message was taken; None if it needs an outcome of its own.

        Raises StoreUnavailable.
        """
        if self._put is not None:
            return None
        self._taken[claim.partition] = carrier_id
        self._submitted.append(submitted)
        self._end_one()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_ended.wait(), _PATIENCE_S)
        finally:
            self._under_way += 1  # `__exit__` counts it out once more
        if len(self._taken) == 1:
            self._taken.clear()
            self._submitted.clear()
            return None
        if self._put is None:
            self._put = asyncio.ensure_future(self._put_if_absent(dict(self._taken)))
        return outcome_in(await self._put, claim)

    async def _put_if_absent(self, taken: Mapping[str, str]) -> LedgerEntry:
        submitted = merged(self._submitted)
        return await asyncio.to_thread(
            put_shared, self._store, self._lease, self.partition, taken, self._clock(), submitted
        )


class Sharing:
    """Assigns messages to shared outcomes, in one process."""

    def __init__(self, store: MessageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open: Shared | None = None

    def shared(self, lease: Lease) -> Shared:
        """Return the shared outcome for a message that is about to be claimed."""
        if self._open is None or not self._open.is_open:
            self._open = Shared(lease, self._store, self._clock)
        return self._open

    async def settled(self, claim: LedgerEntry, lease: Lease) -> LedgerEntry | None:
        """Return a dead worker's outcome from the item that its claim shares, None for none.

        The item cannot change afterwards: a message that is not in it has an outcome of its own.
        """
        partition = claim.data.get("shared")
        if not partition:
            return None
        existing = await asyncio.to_thread(
            put_shared, self._store, lease, partition, {}, self._clock()
        )
        return outcome_in(existing, claim)


def put_shared(
    store: MessageStore,
    lease: Lease,
    partition: str,
    taken: Mapping[str, str],
    now_s: float,
    submitted: Sequence[Submitted] = (),
) -> LedgerEntry:
    """Put a shared outcome, or an empty one so that nobody else does; return the stored one."""
    at = int(now_s * 1000)
    entry = lease.entry(partition, SHARED_KIND, at=at, taken=taken, submitted=submitted)
    (existing,) = store.put_if_absent([entry])
    return existing
