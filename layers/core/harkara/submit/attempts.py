"""A message's submit attempts in the ledger: `submit` writes them, cancel and history read them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import ForeignReference, RequestRefused
from harkara.base.ids import split_mid
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Taken
from harkara.model.ledger import SHARED_KIND, LedgerEntry, outcome_kind
from harkara.model.messages import MessageBatch
from harkara.ports import LedgerReader, MessageStore


class Cancelled(NamedTuple):
    """The customer cancelled the message before it was submitted."""


class Ended(NamedTuple):
    """The message had its final state before this attempt: nothing more of it goes out."""


End = Outcome | Cancelled | Ended
"""How a submit attempt ended for a message."""

ENDS = ("taken", "refused", "not_taken", "in_doubt", "cancelled", "ended")


class SubmitAttempt(NamedTuple):
    """A submit attempt that covers a message. `end` is None while no outcome is recorded."""

    attempt: int
    claim: LedgerEntry
    ended_at_ms: int
    end: End | None


def find_message(store: MessageStore, account_id: str, mid: str) -> tuple[MessageBatch, int]:
    """Return an accepted message's batch and its index there.

    Raises RequestRefused(NOT_FOUND), also for a message of another account.
    """
    try:
        batch_id, index = split_mid(mid)
    except ForeignReference:
        raise _not_found() from None
    batch = store.get_batch(batch_id)
    if batch is None or batch.account_id != account_id or index >= len(batch.messages):
        raise _not_found()
    if batch.messages[index].refusal:  # it never became a message, and its mid was never given out
        raise _not_found()
    return batch, index


def attempts_of(store: MessageStore, batch: MessageBatch, index: int) -> list[SubmitAttempt]:
    """Return the attempts that cover a message, in order. Claims are read first, consistently."""
    claims = [
        entry for entry in store.find_entries(batch.id, "claim#") if index in entry.data["indexes"]
    ]
    block = index // batch.block_size
    attempts = [int(claim.kind.split("#")[1]) for claim in claims]
    own = store.get_entries([(batch.id, outcome_kind(each, block)) for each in attempts])
    shared = shared_outcomes(store, claims) if None in own else own
    outcomes = [
        own_outcome or shared_outcome
        for own_outcome, shared_outcome in zip(own, shared, strict=True)
    ]
    return [
        SubmitAttempt(attempt, claim, outcome.data["at"], _end(outcome.data, index))
        if outcome
        else SubmitAttempt(attempt, claim, 0, None)
        for attempt, claim, outcome in zip(attempts, claims, outcomes, strict=True)
    ]


def taken_of(store: LedgerReader, batch_id: str) -> frozenset[int]:
    """Return the indexes of a batch's messages that a carrier took. Raises StoreUnavailable."""
    own = store.find_entries(batch_id, "outcome#")
    shared = shared_outcomes(store, store.find_entries(batch_id, "claim#"))
    outcomes = (each for each in (*own, *shared) if each)
    return frozenset(index for outcome in outcomes for index, _ in outcome.data["taken"])


def shared_outcomes(store: LedgerReader, claims: Sequence[LedgerEntry]) -> list[LedgerEntry | None]:
    """Return the outcomes that claims share, as if each had its own; None where there is none."""
    partitions = dict.fromkeys(claim.data["shared"] for claim in claims if "shared" in claim.data)
    if not partitions:
        return [None] * len(claims)
    found = store.get_entries([(partition, SHARED_KIND) for partition in partitions])
    existing = dict(zip(partitions, found, strict=True))
    outcomes = []
    for claim in claims:
        shared = existing.get(claim.data.get("shared"))
        outcomes.append(outcome_in(shared, claim) if shared else None)
    return outcomes


def outcome_in(shared: LedgerEntry, claim: LedgerEntry) -> LedgerEntry | None:
    """Return a claim's own outcome out of a shared one; None if the message is not in it."""
    carrier_id = shared.data["taken"].get(claim.partition)
    if carrier_id is None:
        return None
    data = {end: [] for end in ENDS} | {"taken": [(0, carrier_id)], "at": shared.data["at"]}
    return replace(claim, kind=outcome_kind(1, 0), data=data)


def _end(data: Mapping[str, Any], index: int) -> End | None:
    """Return a message's end from the data of an outcome entry; None if it has none."""
    for at, carrier_message_id in data["taken"]:
        if at == index:
            return Taken(carrier_message_id)
    for at, code, *own in data["refused"]:
        if at == index:
            return Refused(Code(code), *own)
    for at, retry_after_s in data["not_taken"]:
        if at == index:
            reasons = {each: reason for each, *reason in data.get("not_by_rcs", ())}
            return NotTaken(retry_after_s, False, *reasons.get(index, ()))
    if index in data["cancelled"]:
        return Cancelled()
    if index in data.get("ended", ()):
        return Ended()
    return InDoubt() if index in data["in_doubt"] else None


def _not_found() -> RequestRefused:
    return RequestRefused(Code.NOT_FOUND, "The account has no message of this mid.")
