"""Dispatch a claimed block attempt: keep some messages back, send the rest to their carriers.

All carriers are called at the same time. A message in doubt goes to its carrier again, under the
reference of the attempt at which it may have been taken. It then stays in doubt until the carrier
says that it has it, or that it never will.
"""

import asyncio
import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.deadline import Deadline
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.settings import CarrierSettings
from harkara.dlt.chain_hash import chain_hash
from harkara.model.ledger import cancels_of, final_kind, index_of
from harkara.model.routing import Rules
from harkara.model.sending_hours import ready_s
from harkara.ports import MessageStore, SuppressionList
from harkara.state.circuit_breaker import CircuitBreakers
from harkara.submit.attempts import Cancelled, End, Ended
from harkara.submit.carrier_ids import pointers
from harkara.submit.duplicates import find_duplicates
from harkara.submit.planner import RECORD_S, BlockPart, Plan
from harkara.submit.suppressed import find_suppressed


class Handed(NamedTuple):
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
    notes: EventSink

    async def hand_over(
        self, part: BlockPart, plan: Plan, rules: Rules, deadline: Deadline
    ) -> Handed:
        """Dispatch a block attempt. Messages that have to wait by the plan count as not taken."""
        ends: dict[int, End] = {
            index: NotTaken(math.ceil(plan.waits_s.get(index, 0))) for index in part.indexes
        }
        # Nothing has been sent: without this all messages would be in doubt.
        nothing = Handed(dict.fromkeys(part.indexes, NotTaken()))
        try:
            with deadline.keeping(plan.needs_s):
                kept = await asyncio.to_thread(self._kept_back, part, rules)
        except StoreUnavailable:
            return nothing
        if not deadline.allows(plan.timeout_s):  # a busy table took the time
            return nothing
        handed = await asyncio.gather(
            *(
                self._submit(part, plan, name, [i for i in indexes if i not in kept], deadline)
                for name, indexes in plan.carriers.items()
            )
        )
        for outcomes in handed:
            ends |= outcomes
        return Handed(ends | kept, frozenset(kept))

    async def _submit(
        self, part: BlockPart, plan: Plan, name: str, indexes: Sequence[int], deadline: Deadline
    ) -> dict[int, Outcome]:
        if not indexes:
            return {}
        submissions = [self._submission(part, index) for index in indexes]
        settings, carrier = plan.connected[name]
        outcomes = await carrier.submit(submissions, deadline.remaining_s() - RECORD_S)
        ends = dict(zip(indexes, outcomes, strict=True))
        if not settings.echoes_reference:
            with deadline.keeping(RECORD_S):
                await asyncio.to_thread(self._point, part, settings, ends)
        failed = sum(
            isinstance(each, InDoubt) or (isinstance(each, NotTaken) and each.failed)
            for each in outcomes
        )
        if self.circuit_breakers.hear(name, failed, len(outcomes)) and await asyncio.to_thread(
            self.circuit_breakers.open, name
        ):
            about = {"batch": part.batch.id}
            self.notes(LogEvent("breaker opened", about, {"breaker_opened": 1}, carrier=name))
        # A message that another carrier may take need not wait for this one.
        return {
            index: NotTaken() if isinstance(each, NotTaken) and index in plan.others else each
            for index, each in ends.items()
        }

    def _point(
        self, part: BlockPart, carrier: CarrierSettings, outcomes: Mapping[int, Outcome]
    ) -> None:
        """Index the taken messages by carrier id, so that receipts find their messages."""
        messages = {
            carrier.normal_id(outcome.carrier_message_id): (
                part.batch.mid(index),
                self._attempt(part, index),
            )
            for index, outcome in outcomes.items()
            if isinstance(outcome, Taken)
        }
        # On failure the messages, though taken, end as unknown once the wait for receipts is over.
        with contextlib.suppress(StoreUnavailable):
            marks = pointers(carrier.name, messages, int(self.clock() * 1000))
            self.store.put_over(marks, begins_ms=part.batch.begins_ms)

    def _attempt(self, part: BlockPart, index: int) -> int:
        """Return the attempt under whose reference a message goes."""
        repeat = part.repeats.get(index)
        return repeat.attempt if repeat else part.attempt

    def _kept_back(self, part: BlockPart, rules: Rules) -> dict[int, End]:
        """Return the messages of a block attempt that must not go out, and why."""
        batch = part.batch
        cancels = self.store.find_entries(cancels_of(batch.id), "cancel#")
        cancelled = {index_of(mark.kind) for mark in cancels}.intersection(part.indexes)
        ends: dict[int, End] = dict.fromkeys(cancelled, Cancelled())
        if part.attempt > 1:  # a receipt may have come meanwhile
            keys = [(batch.id, final_kind(index)) for index in part.indexes]
            finals = [mark for mark in self.store.get_entries(keys) if mark]
            ends = dict.fromkeys((index_of(mark.kind) for mark in finals), Ended()) | ends
        live = [index for index in part.indexes if index not in ends]
        if ready_s(batch, self.clock()) > batch.ends_s:
            ends |= dict.fromkeys(live, Refused(Code.EXPIRED, ""))
        else:
            suppressed = find_suppressed(self.suppressions, rules, batch, live)
            ends |= {index: Refused(code, "") for index, code in suppressed.items()}
            live = [index for index in live if index not in suppressed]
            duplicates = find_duplicates(self.store, batch, live)
            ends |= dict.fromkeys(duplicates, Refused(Code.DUPLICATE, ""))
        # A carrier may have these already: keeping them back now does not decide their outcome.
        return ends | {index: InDoubt() for index in ends if index in part.repeats}

    def _submission(self, part: BlockPart, index: int) -> Submission:
        batch, message = part.batch, part.batch.messages[index]
        chain, ends_s = batch.telemarketer_ids, int(batch.ends_s)
        return Submission(
            self.signer.sign(batch.mid(index), self._attempt(part, index)),
            message,
            chain_hash(message.pe_id, chain) if message.pe_id and chain else "",
            batch.category,
            batch.account_id,
            max(1, int(batch.ends_s - self.clock())),
            chain,
            ends_s,
        )
