"""Claim a block attempt, dispatch it, and record its outcome.

The claim of a single message's first attempt names (`shared`) a second place where its outcome may
be. The messages that are under way together put one item there, with all that were taken; a message
that ends otherwise, or later, has an outcome of its own. The item never changes once it is put. A
worker that takes over from a dead one puts an empty item first, or finds the item of the dead one.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from harkara.base.errors import LeaseHeld
from harkara.base.time import Clock, Deadline
from harkara.carriers.contract import InDoubt, NotTaken, Refused, Taken
from harkara.carriers.receipts import words_of
from harkara.model.activity import Submitted, merged, submitted_of
from harkara.model.ledger import (
    SHARED_KIND,
    Lease,
    LedgerEntry,
    Relation,
    claim_kind,
    outcome_kind,
    shared_partition,
)
from harkara.model.routing import Rules
from harkara.ports import MessageStore
from harkara.submit.attempts import ENDS, Cancelled, End, Ended, outcome_in
from harkara.submit.dispatch import Dispatch, Dispatched
from harkara.submit.fallbacks import claimed_by_rcs
from harkara.submit.planner import RECORD_S, BlockPart, Plan, Planner

# The limit of a carrier's id: a hundred of them fit into an item.
ID_LIMIT = 256


class Recorded(NamedTuple):
    """A claim and outcome as they are stored, and the carrier that may have each message."""

    claim: LedgerEntry
    outcome: LedgerEntry
    at: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class BlockAttempts:
    """Makes block attempts, each by one worker. Keep one for the life of the process."""

    store: MessageStore
    planner: Planner
    dispatch: Dispatch
    clock: Clock
    sharing: "Sharing" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sharing", Sharing(self.store, self.clock))

    async def make(
        self, part: BlockPart, plan: Plan, rules: Rules, lease: Lease, deadline: Deadline
    ) -> Recorded | None:
        """Claim a block attempt, dispatch it and record the outcome; None if it is another task's.

        Raises LeaseHeld while an earlier delivery may still be submitting it; StoreUnavailable.
        """
        if part.attempt > 1 or len(part.batch.messages) > 1:
            return await self._make(part, plan, rules, lease, deadline)
        with self.sharing.shared(lease) as shared:
            return await self._make(part, plan, rules, lease, deadline, shared)

    async def _make(
        self,
        part: BlockPart,
        plan: Plan,
        rules: Rules,
        lease: Lease,
        deadline: Deadline,
        shared: "Shared | None" = None,
    ) -> Recorded | None:
        data: dict[str, Any] = {"indexes": part.indexes, "carriers": plan.carriers}
        if shared:
            data["shared"] = shared.partition
        if plan.rcs or part.doubles:
            data |= claimed_by_rcs(part, plan)
        if part.repeats:
            data["repeats"] = list(part.repeats)
        now_ms = int(self.clock() * 1000)
        entry = lease.entry(part.batch.id, claim_kind(part.attempt, part.block), at=now_ms, **data)
        with deadline.keeping(plan.timeout_s + RECORD_S):
            (claim,) = await asyncio.to_thread(self.store.put_if_absent, [entry])
            relation = lease.relation(claim, int(self.clock() * 1000))
            if relation is Relation.FOREIGN:
                return None
            if relation is Relation.BUSY:
                raise LeaseHeld("an earlier delivery may still be submitting this block")
            ours = relation is Relation.OURS
            kept = await self.dispatch.keep_back(part, rules) if ours else None
        dispatched = await self.dispatch.dispatch(part, plan, kept, deadline) if ours else None
        at = carriers_of(part, claim)
        if dispatched is None:
            if outcome := await self.sharing.settled(claim, lease):
                return Recorded(claim, outcome, at)
            dispatched = left_behind(part, at)
        repeatable = await self._repeatable(part, at, dispatched, rules)
        data = outcome_of(part, at, dispatched, repeatable)
        submitted = submitted_of(part.batch, at, dict(data["taken"]))
        data["submitted"] = [*map(tuple, submitted)]
        if shared and shared.joined > 1 and ours and data["taken"]:
            ((_, carrier_id),) = data["taken"]
            if outcome := await shared.put(claim, carrier_id, *submitted):
                return Recorded(claim, outcome, at)
        kind = outcome_kind(part.attempt, part.block)
        entry = lease.entry(part.batch.id, kind, at=int(self.clock() * 1000), **data)
        # If the earlier worker lived to record an outcome, that one stands.
        (own,) = await asyncio.to_thread(self.store.put_if_absent, [entry])
        return Recorded(claim, own, at)

    async def _repeatable(
        self, part: BlockPart, at: Mapping[int, str], dispatched: Dispatched, rules: Rules
    ) -> set[str]:
        """Return the carriers to which messages in doubt may be submitted again."""
        in_doubt = part.repeats or any(isinstance(end, InDoubt) for end in dispatched.ends.values())
        if not in_doubt or not rules.resubmits(part.batch.category):
            return set()
        return {name for name in set(at.values()) if await self.planner.deduplicates(name)}


def carriers_of(part: BlockPart, claim: LedgerEntry) -> dict[int, str]:
    """Return the carrier that may have each message of a claimed block attempt."""
    at = {index: name for name, indexes in claim.data["carriers"].items() for index in indexes}
    return at | {index: repeat.carrier for index, repeat in part.repeats.items()}


def left_behind(part: BlockPart, at: Mapping[int, str]) -> Dispatched:
    """Return the ends of a dead worker's attempt: messages that it may have sent are in doubt."""
    return Dispatched({index: InDoubt() if index in at else NotTaken() for index in part.indexes})


def outcome_of(
    part: BlockPart, at: Mapping[int, str], dispatched: Dispatched, repeatable: Collection[str]
) -> dict[str, Any]:
    """Return the data of the outcome entry.

    `again` lists the messages in doubt that go to their carrier again, if it is `repeatable`, and
    for how many seconds it wants to be left alone. A message that was in doubt before stays so
    until its carrier says that it has it, or never will.
    """
    ends, again = dict(dispatched.ends), []
    for index, end in dispatched.ends.items():
        if isinstance(end, NotTaken) and index in part.repeats:
            ends[index] = InDoubt()
        in_doubt = isinstance(ends[index], InDoubt) and index not in dispatched.kept
        if in_doubt and at[index] in repeatable:
            again.append((index, end.retry_after_s if isinstance(end, NotTaken) else 0))
    data = outcome_data(part.indexes, [ends[index] for index in part.indexes])
    return {**data, "again": again} if again else data


def outcome_data(indexes: Sequence[int], ends: Sequence[End]) -> dict[str, list[Any]]:
    """Return the data of an outcome entry: the messages of a block attempt, by end."""
    data: dict[str, list[Any]] = {end: [] for end in ENDS}
    for index, end in zip(indexes, ends, strict=True):
        match end:
            case Taken(carrier_message_id):
                data["taken"].append((index, carrier_message_id[:ID_LIMIT]))
            case Refused(code, carrier_code, words):
                own = [words_of(each) for each in (carrier_code, words)]
                data["refused"].append((index, code, *(own if words else own[:1])))
            case NotTaken(retry_after_s, _, code, carrier_code):
                data["not_taken"].append((index, retry_after_s))
                if code:  # an RCS carrier's
                    refusal = (index, code, words_of(carrier_code))
                    data.setdefault("not_by_rcs", []).append(refusal)
            case InDoubt():
                data["in_doubt"].append(index)
            case Cancelled():
                data["cancelled"].append(index)
            case Ended():
                data["ended"].append(index)
    return data


# A taken message waits this long for the others to end.
_PATIENCE_S = 1.0


class Shared:
    """An outcome shared by the messages that join before it is put."""

    def __init__(self, lease: Lease, store: MessageStore, clock: Clock) -> None:
        self._lease = lease
        self._store = store
        self._clock = clock
        self.joined = 0
        self._under_way = 0
        self._taken: dict[str, str] = {}
        self._submitted: list[Submitted] = []
        self._all_ended = asyncio.Event()
        self._put: asyncio.Future[LedgerEntry] | None = None

    @property
    def partition(self) -> str:
        """The partition of its item."""
        return shared_partition(self._lease.worker_id)

    @property
    def is_open(self) -> bool:
        """Whether more messages may join."""
        return self._put is None and not self._all_ended.is_set()

    def __enter__(self) -> Self:
        """Count in a message that is about to be claimed."""
        self.joined += 1
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
        if not (partition := claim.data.get("shared")):
            return None
        now_s = self._clock()
        existing = await asyncio.to_thread(put_shared, self._store, lease, partition, {}, now_s)
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
