"""Decide which receipts may make their message final.

- `delivered` counts, whichever attempt it names: the phone has the message.
- Any other state counts only if the carrier had the message by that attempt: if the attempt's
  outcome does not say "not taken". Messages not taken are tried again, and end by a later attempt.
- While an attempt has no outcome and its worker may be running, this is unknown: the receipt is
  retried later.

An outcome never changes, so a failure that counts is of the last attempt there is, or of an attempt
that was in doubt and is repeated under its own reference.

Combine receipts of long messages whose carrier reports each segment under an id of its own.

Such receipts do not say which segment they report. Each delivered segment is recorded once, by its
id; the message is delivered when as many are recorded as it has segments. They are read after they
are put, so the delivery that records the last segment sees all of them, in any order of arrival. A
segment that fails, fails the message.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from harkara.base.ids import split_mid
from harkara.model.ledger import (
    Lease,
    LedgerEntry,
    claim_kind,
    outcome_kind,
    segment_kind,
    segments_prefix,
)
from harkara.model.messages import MessageBatch, State
from harkara.model.tasks import Receipt
from harkara.ports import MessageStore
from harkara.submit.attempts import shared_outcomes

# Early receipts return when their attempt is twice as old, at the latest once its lease ended.
_FIRST_LOOK_S = 1.0


_SubmitAttempt = tuple[str, int, int]
"""A block's submit attempt: message batch id, attempt, block."""


class Verdicts(NamedTuple):
    """Receipts that count, in order; the number that do not; and those to retry after a delay."""

    counting: list[Receipt]
    superseded_count: int = 0
    early: Sequence[Receipt] = ()
    delay_s: float = 0.0


def judge(
    store: MessageStore,
    batches: Mapping[str, MessageBatch],
    receipts: Sequence[Receipt],
    now_ms: int,
) -> Verdicts:
    """Sort receipts of these message batches by whether they count. Raises StoreUnavailable."""
    attempts = {
        receipt: _attempt_of(batches, receipt)
        for receipt in receipts
        if receipt.state is not State.DELIVERED and receipt.attempt > 0
    }
    outcomes = _entries(store, attempts.values(), outcome_kind)
    open_attempts = [each for each in attempts.values() if each not in outcomes]
    claims = _entries(store, open_attempts, claim_kind)
    shared = zip(claims.items(), shared_outcomes(store, [*claims.values()]), strict=True)
    claims = dict(claimed for claimed, taken in shared if not taken)
    not_taken = {
        key: {index for index, _ in outcome.data["not_taken"]} for key, outcome in outcomes.items()
    }
    counting, early, delays_s = [], [], []
    for receipt in receipts:
        attempt, index = attempts.get(receipt), split_mid(receipt.mid)[1]
        claim = attempt and claims.get(attempt)
        if claim and index in claim.data["indexes"] and claim.expires_at_ms >= now_ms:
            early.append(receipt)
            delays_s.append(_delay_s(claim, now_ms))
        elif not attempt or index not in not_taken.get(attempt, ()):
            counting.append(receipt)
    superseded_count = len(receipts) - len(counting) - len(early)
    return Verdicts(counting, superseded_count, early, max(delays_s, default=0.0))


def _attempt_of(batches: Mapping[str, MessageBatch], receipt: Receipt) -> _SubmitAttempt:
    batch_id, index = split_mid(receipt.mid)
    return batch_id, receipt.attempt, index // batches[batch_id].block_size


def _entries(
    store: MessageStore, attempts: Iterable[_SubmitAttempt], kind: Callable[[int, int], str]
) -> dict[_SubmitAttempt, LedgerEntry]:
    """Return the ledger entries of one kind that these attempts have."""
    distinct = list(dict.fromkeys(attempts))
    keys = [(batch_id, kind(attempt, block)) for batch_id, attempt, block in distinct]
    found = store.get_entries(keys) if keys else []
    return {each: entry for each, entry in zip(distinct, found, strict=True) if entry}


def _delay_s(claim: LedgerEntry, now_ms: int) -> float:
    age_s: float = (now_ms - claim.data["at"]) / 1000
    gone_s = (claim.expires_at_ms - now_ms) / 1000 + 1
    return min(max(age_s, _FIRST_LOOK_S), gone_s)


def whole(
    store: MessageStore,
    batches: Mapping[str, MessageBatch],
    receipts: Sequence[Receipt],
    lease: Lease,
) -> list[Receipt]:
    """Return the receipts that speak for whole messages, in order.

    If all segments of a message are now delivered, the last of their receipts is returned. Raises
    StoreUnavailable.
    """
    parts = {
        position: _entry(receipt, lease)
        for position, receipt in enumerate(receipts)
        if _is_delivered_part(receipt, batches)
    }
    if not parts:
        return list(receipts)
    # The first index of each segment.
    first = {entry.key: position for position, entry in reversed(parts.items())}
    due_at_ms = max(batch.due_at_ms for batch in batches.values())
    existing = store.put_if_absent(
        [parts[position] for position in first.values()], due_at_ms=due_at_ms
    )
    ends: dict[tuple[str, int], int] = {}
    for entry in existing:
        position = first[entry.key]
        message = receipts[position].mid, receipts[position].attempt
        # A segment that an earlier queue message recorded completes nothing now.
        if entry.task_id == lease.task_id:
            ends[message] = max(ends.get(message, position), position)
    complete = {
        position for message, position in ends.items() if _is_whole(store, batches, *message)
    }
    return [
        receipt
        for position, receipt in enumerate(receipts)
        if position not in parts or position in complete
    ]


def _is_delivered_part(receipt: Receipt, batches: Mapping[str, MessageBatch]) -> bool:
    batch_id, index = split_mid(receipt.mid)
    is_part = bool(receipt.segment) and batches[batch_id].messages[index].segment_count > 1
    return is_part and receipt.state is State.DELIVERED


def _entry(receipt: Receipt, lease: Lease) -> LedgerEntry:
    batch_id, index = split_mid(receipt.mid)
    return lease.entry(batch_id, segment_kind(index, receipt.attempt, receipt.segment))


def _is_whole(
    store: MessageStore, batches: Mapping[str, MessageBatch], mid: str, attempt: int
) -> bool:
    batch_id, index = split_mid(mid)
    found = store.find_entries(batch_id, segments_prefix(index, attempt))
    return len(found) >= batches[batch_id].messages[index].segment_count
