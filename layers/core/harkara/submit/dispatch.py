"""Dispatch a claimed block attempt: keep some messages back, send the rest to their carriers.

All carriers are called at the same time. A message in doubt goes to its carrier again, under the
reference of the attempt at which it may have been taken. It then stays in doubt until the carrier
says that it has it, or that it never will.

Kept back are cancelled messages, those that have ended, numbers on the account's lists, and
repeats: messages whose text went to the same number a short while before. To find repeats, each
message leaves a ledger entry under a hash of number and text (with its own URLs where it has short
links), in the period of time (bucket) in which it begins. The entry is put once, so of equal
messages in one bucket one goes out. Entries of the buckets before and after are compared by their
exact times. Two messages that are submitted at the same moment, on either side of a bucket's end,
may both go out.
"""

import asyncio
import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner, mid_of, uuid_of
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock, Deadline
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.settings import CarrierSettings
from harkara.dlt.templates import chain_hash
from harkara.model.consents import blocking
from harkara.model.ledger import (
    CARRIER_ID_KIND,
    LedgerEntry,
    cancels_of,
    carrier_partition,
    duplicate_kind,
    final_kind,
    index_of,
)
from harkara.model.messages import Category, MessageBatch
from harkara.model.rcs import Channel
from harkara.model.routing import Rules
from harkara.model.suppressions import Number
from harkara.ports import MessageStore, SuppressionList
from harkara.state.circuit_breaker import CircuitBreakers
from harkara.state.rcs_months import RcsMonths
from harkara.submit.attempts import Cancelled, End, Ended
from harkara.submit.fallbacks import beyond_month, by_sms
from harkara.submit.planner import RECORD_S, BlockPart, Plan

N = TypeVar("N", bound=Number)


def index_entries(
    carrier: str, messages: Mapping[str, tuple[str, int]], now_ms: int
) -> list[LedgerEntry]:
    """Return the index entries of messages, as (mid, attempt) by the carrier's normalised id."""
    return [
        LedgerEntry(
            carrier_partition(CARRIER_ID_KIND, carrier, carrier_id),
            CARRIER_ID_KIND,
            mid,
            "",
            0,
            {"try": attempt, "at": now_ms},
        )
        for carrier_id, (mid, attempt) in messages.items()
    ]


def find_suppressed(
    lists: SuppressionList, rules: Rules, batch: MessageBatch, indexes: Sequence[int]
) -> dict[int, Code]:
    """Return the messages of a batch whose number is on the account's lists, with the code.

    Nothing is read if the account's lists do not apply. Raises StoreUnavailable.
    """
    if not rules.suppresses or not indexes or batch.answers:
        return {}
    numbers = [batch.messages[index].to for index in indexes]
    records = lists.records(batch.account_id, numbers)
    entries, consents = _by_number(records[0]), _by_number(records[1])
    blocked = {}
    for index, number in zip(indexes, numbers, strict=True):
        header, own = batch.messages[index].sender_id, entries.get(number, ())
        given = consents.get(number, ())
        if entry := blocking(own, given, batch.category, header, rules.promotion):
            blocked[index] = entry.source.code
    return blocked


def _by_number(records: Iterable[N]) -> dict[str, list[N]]:
    found: dict[str, list[N]] = {}
    for each in records:
        found.setdefault(each.number, []).append(each)
    return found


def find_duplicates(store: MessageStore, batch: MessageBatch, indexes: Sequence[int]) -> set[int]:
    """Return the messages of a batch that repeat another one; the same at every attempt.

    Raises StoreUnavailable.
    """
    window_ms = batch.duplicate_window_s * 1000
    if not window_ms:
        return set()
    due_at_ms = batch.due_at_ms
    bucket = due_at_ms // window_ms
    first: dict[str, int] = {}
    for index in indexes:
        first.setdefault(duplicate_partition(batch, index), index)
    duplicates = set(indexes) - set(first.values())

    kinds = [duplicate_kind(number) for number in (bucket, bucket - 1, bucket + 1)]
    found = store.get_entries([(partition, kind) for partition in first for kind in kinds])
    required: dict[int, LedgerEntry] = {}
    for position, (partition, index) in enumerate(first.items()):
        own, *others = found[position * len(kinds) : (position + 1) * len(kinds)]
        mid = batch.mid(index)
        if own is not None and own.task_id == mid:  # it passed at an earlier attempt
            continue
        if any(entry and abs(entry.data["at"] - due_at_ms) < window_ms for entry in (own, *others)):
            duplicates.add(index)
        else:
            required[index] = LedgerEntry(partition, kinds[0], mid, "", 0, {"at": due_at_ms})
    existing = store.put_if_absent(
        list(required.values()), due_at_ms=due_at_ms, keep_s=2 * batch.duplicate_window_s
    )
    return duplicates | {
        index
        for (index, entry), existing_entry in zip(required.items(), existing, strict=True)
        if existing_entry.task_id != entry.task_id
    }


def duplicate_partition(batch: MessageBatch, index: int) -> str:
    """Return the partition of the entries that say when a text went to a number."""
    message = batch.messages[index]
    text_hash = batch.text_hashes[index] if index < len(batch.text_hashes) else ""
    digest = blake2b(f"{message.to}\n{text_hash or message.text}".encode(), digest_size=16)
    return f"duplicate#{batch.account_id}#{digest.hexdigest()}"


class Dispatched(NamedTuple):
    """How the attempt ends for each message, and which messages were kept back."""

    ends: dict[int, End]
    kept: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Dispatches block attempts. Circuit breakers count failures; a log event says if one opens."""

    store: MessageStore
    signer: ReferenceSigner
    clock: Clock
    circuit_breakers: CircuitBreakers
    suppressions: SuppressionList
    emit: EventSink
    months: RcsMonths

    async def dispatch(
        self, part: BlockPart, plan: Plan, kept: Mapping[int, End] | None, deadline: Deadline
    ) -> Dispatched:
        """Dispatch a block attempt but for the messages that `keep_back` returned.

        Messages that have to wait by the plan count as not taken.
        """
        ends: dict[int, End] = {
            index: NotTaken(math.ceil(plan.waits_s.get(index, 0))) for index in part.indexes
        }
        # A table was too busy, and nothing has been sent: else all messages would be in doubt.
        if kept is None or not deadline.allows(plan.timeout_s):
            return Dispatched(dict.fromkeys(part.indexes, NotTaken()))
        dispatched = await asyncio.gather(
            *(
                self._submit(part, plan, name, [i for i in indexes if i not in kept], deadline)
                for name, indexes in plan.carriers.items()
            )
        )
        for outcomes in dispatched:
            ends |= outcomes
        return Dispatched(ends | {**kept}, frozenset(kept))

    async def keep_back(self, part: BlockPart, rules: Rules) -> dict[int, End] | None:
        """Return the messages of a block attempt that must not go out, and why.

        Call it once the claim is put. Returns None if a table was too busy to tell.
        """
        try:
            return await asyncio.to_thread(self._kept_back, part, rules)
        except StoreUnavailable:
            return None

    async def _submit(
        self, part: BlockPart, plan: Plan, name: str, indexes: Sequence[int], deadline: Deadline
    ) -> dict[int, Outcome]:
        settings, carrier = plan.connected[name]
        beyond: dict[int, Outcome] = {}
        if settings.channel is Channel.RCS and part.batch.category is Category.PROMOTIONAL:
            beyond = await asyncio.to_thread(beyond_month, self.months, part, plan, indexes)
            indexes = [index for index in indexes if index not in beyond]
        if not indexes:
            return beyond
        submissions = [self._submission(part, plan, index) for index in indexes]
        by_carrier_id = not settings.echoes_reference
        if ours := by_carrier_id and settings.takes_our_ids:  # what is in doubt is found too
            ids = {i: uuid_of(each.reference) for i, each in zip(indexes, submissions, strict=True)}
            with deadline.keeping(plan.timeout_s + RECORD_S):
                await asyncio.to_thread(self._point, part, settings, ids)
        outcomes = await carrier.submit(submissions, deadline.remaining_s() - RECORD_S)
        ends = dict(zip(indexes, outcomes, strict=True))
        if by_carrier_id and not ours:
            taken = {i: x.carrier_message_id for i, x in ends.items() if isinstance(x, Taken)}
            with deadline.keeping(RECORD_S):
                await asyncio.to_thread(self._point, part, settings, taken)
        found = by_sms(ends) if settings.channel is Channel.RCS else ends
        # A message that another carrier may take need not wait for this one.
        found = beyond | {
            index: each._replace(retry_after_s=0, failed=False)
            if isinstance(each, NotTaken) and index in plan.others
            else each
            for index, each in found.items()
        }
        await self._count_failures(part, name, outcomes)
        return found

    async def _count_failures(
        self, part: BlockPart, name: str, outcomes: Sequence[Outcome]
    ) -> None:
        failed = sum(
            isinstance(each, InDoubt) or (isinstance(each, NotTaken) and each.failed)
            for each in outcomes
        )
        if self.circuit_breakers.report(name, failed, len(outcomes)) and await asyncio.to_thread(
            self.circuit_breakers.open, name
        ):
            about = {"batch": part.batch.id}
            self.emit(LogEvent("breaker opened", about, {"breaker_opened": 1}, carrier=name))

    def _point(self, part: BlockPart, carrier: CarrierSettings, ids: Mapping[int, str]) -> None:
        """Index messages by carrier id, so that receipts find their messages."""
        messages = {
            carrier.normal_id(carrier_id): (part.batch.mid(index), self._attempt(part, index))
            for index, carrier_id in ids.items()
        }
        # On failure the messages, though taken, end as unknown once the wait for receipts is over.
        with contextlib.suppress(StoreUnavailable):
            entries = index_entries(carrier.name, messages, int(self.clock() * 1000))
            self.store.put_over(entries, due_at_ms=part.batch.due_at_ms)

    def _attempt(self, part: BlockPart, index: int) -> int:
        """Return the attempt under whose reference a message goes."""
        repeat = part.repeats.get(index)
        return repeat.attempt if repeat else part.attempt

    def _kept_back(self, part: BlockPart, rules: Rules) -> dict[int, End]:
        batch = part.batch
        cancels = self.store.find_entries(cancels_of(batch.id), "cancel#")
        expired = batch.ready_s(self.clock()) > batch.expires_at_s
        cancelled = {index_of(entry.kind) for entry in cancels}
        if batch.erased:
            cancelled.update(batch.erased_facts())
        cancelled.intersection_update(part.indexes)
        ends: dict[int, End] = dict.fromkeys(cancelled, Cancelled())
        if part.attempt > 1:  # a receipt may have come meanwhile
            keys = [(batch.id, final_kind(index)) for index in part.indexes]
            finals = [entry for entry in self.store.get_entries(keys) if entry]
            ends = dict.fromkeys((index_of(entry.kind) for entry in finals), Ended()) | ends
        live = [index for index in part.indexes if index not in ends]
        if expired:
            ends |= dict.fromkeys(live, Refused(Code.EXPIRED, ""))
        else:
            suppressed = find_suppressed(self.suppressions, rules, batch, live)
            ends |= {index: Refused(code, "") for index, code in suppressed.items()}
            live = [index for index in live if index not in suppressed]
            duplicates = find_duplicates(self.store, batch, live)
            ends |= dict.fromkeys(duplicates, Refused(Code.DUPLICATE, ""))
        # A carrier may have these already: keeping them back now does not decide their outcome.
        return ends | {index: InDoubt() for index in ends if index in part.repeats}

    def _submission(self, part: BlockPart, plan: Plan, index: int) -> Submission:
        batch, message = part.batch, part.batch.messages[index]
        attempt, chain = self._attempt(part, index), batch.telemarketer_ids
        ends_s = batch.expires_at_s
        if rcs := plan.rcs.get(index):
            ends_s = min(ends_s, self.clock() + rcs.wait_s)
        return Submission(
            self.signer.sign(mid_of(batch.id, index), attempt),
            message,
            chain_hash(message.pe_id, chain) if message.pe_id and chain else "",
            batch.category,
            batch.account_id,
            max(1, int(ends_s - self.clock())),
            chain,
            int(ends_s),
        )
