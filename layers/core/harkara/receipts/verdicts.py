"""Find the messages of receipts, and decide which receipts may make their message final.

- `delivered` counts, whichever attempt it names: the phone has the message.
- Any other state counts only if the carrier had the message by that attempt: if the attempt's
  outcome does not say "not taken". Messages not taken are tried again, and end by a later attempt.
- While an attempt has no outcome and its worker may be running, this is unknown: the receipt is
  retried later.

An outcome never changes, so a failure that counts is of the last attempt there is, or of an attempt
that was in doubt and is repeated under its own reference.

Some carriers report each segment of a long message under an id of its own, without saying which
segment it is. Such receipts are combined: each delivered segment is recorded once, by its
id; the message is delivered when as many are recorded as it has segments. They are read after they
are put, so the delivery that records the last segment sees all of them, in any order of arrival. A
segment that fails, fails the message.
"""

from collections.abc import Callable, Iterable, Sequence
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
from harkara.ports import MessageStore, TaskQueues
from harkara.submit.attempts import shared_outcomes
from harkara.submit.fallbacks import enqueue_sms

# Early receipts return when their attempt is twice as old, at the latest once its lease ended.
_FIRST_LOOK_S = 1.0


_SubmitAttempt = tuple[str, int, int]
"""A block's submit attempt: message batch id, attempt, block."""


class Reported(NamedTuple):
    """A receipt with its message: the message batch, and the index there."""

    receipt: Receipt
    batch: MessageBatch
    message_index: int


class Found(NamedTuple):
    """The receipts whose messages exist, with their batches, and when the last batch is due."""

    reported: list[Reported]
    batches: dict[str, MessageBatch]
    due_at_ms: int


def find(store: MessageStore, receipts: Sequence[Receipt]) -> Found:
    """Find the messages of receipts. Raises StoreUnavailable."""
    reported, missing, due_at_ms = list[Reported](), set[str](), 0
    batches = dict[str, MessageBatch]()
    for receipt in receipts:
        batch_id, index = split_mid(receipt.mid)
        if batch_id not in batches and batch_id not in missing:
            if batch := store.get_batch(batch_id):
                batches[batch_id] = batch
                due_at_ms = max(due_at_ms, batch.due_at_ms)
            else:
                missing.add(batch_id)
        if (found := batches.get(batch_id)) and index < len(found.messages):
            reported.append(Reported(receipt, found, index))
    return Found(reported, batches, due_at_ms)


class Verdicts(NamedTuple):
    """Receipts that count, in order; the number that do not; and those to retry after a delay."""

    counting: list[Reported]
    superseded_count: int = 0
    early: Sequence[Receipt] = ()
    delay_s: float = 0.0


def judge(store: MessageStore, reported: Sequence[Reported], now_ms: int) -> Verdicts:
    """Sort receipts by whether they count. Raises StoreUnavailable."""
    attempts = {
        receipt: (batch.id, receipt.attempt, index // batch.block_size)
        for receipt, batch, index in reported
        if receipt.state is not State.DELIVERED and receipt.attempt > 0
    }
    if not attempts:
        return Verdicts(list(reported))
    outcomes = _entries(store, attempts.values(), outcome_kind)
    open_attempts = [each for each in attempts.values() if each not in outcomes]
    claims = _entries(store, open_attempts, claim_kind)
    shared = zip(claims.items(), shared_outcomes(store, [*claims.values()]), strict=True)
    claims = dict(claimed for claimed, taken in shared if not taken)
    not_taken = {
        key: {index for index, _ in outcome.data["not_taken"]} for key, outcome in outcomes.items()
    }
    counting, early, delays_s = [], [], []
    for each in reported:
        attempt, index = attempts.get(each.receipt), each.message_index
        claim = attempt and claims.get(attempt)
        if claim and index in claim.data["indexes"] and claim.expires_at_ms >= now_ms:
            early.append(each.receipt)
            delays_s.append(_delay_s(claim, now_ms))
        elif not attempt or index not in not_taken.get(attempt, ()):
            counting.append(each)
    superseded_count = len(reported) - len(counting) - len(early)
    return Verdicts(counting, superseded_count, early, max(delays_s, default=0.0))


def fallen_back(queues: TaskQueues, verdicts: Verdicts, rounds: int) -> Verdicts:
    """Return verdicts without receipts by which RCS did not deliver; enqueue the SMS instead.

    A state that does not say whether the phone may still get the message decides nothing. Raises
    StoreUnavailable.
    """
    counting = [each for each in verdicts.counting if _counts(each.receipt)]
    undelivered: dict[str, dict[int, MessageBatch]] = {}
    for receipt, batch, index in verdicts.counting:
        if receipt.channel and receipt.state in (State.FAILED, State.EXPIRED):
            undelivered.setdefault(batch.id, {})[index] = batch
    for indexes in undelivered.values():
        enqueue_sms(queues, next(iter(indexes.values())), list(indexes), rounds=rounds)
    superseded = len(verdicts.counting) - len(counting) - sum(map(len, undelivered.values()))
    return verdicts._replace(
        counting=counting, superseded_count=verdicts.superseded_count + superseded
    )


def _counts(receipt: Receipt) -> bool:
    return not receipt.channel or receipt.state is State.DELIVERED


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


def whole(store: MessageStore, reported: Sequence[Reported], lease: Lease) -> list[Reported]:
    """Return the receipts that speak for whole messages, in order.

    If all segments of a message are now delivered, the last of their receipts is returned. Raises
    StoreUnavailable.
    """
    parts = {
        position: _entry(each, lease)
        for position, each in enumerate(reported)
        if _is_delivered_part(each)
    }
    if not parts:
        return list(reported)
    # The first index of each segment.
    first = {entry.key: position for position, entry in reversed(parts.items())}
    due_at_ms = max(each.batch.due_at_ms for each in reported)
    existing = store.put_if_absent(
        [parts[position] for position in first.values()], due_at_ms=due_at_ms
    )
    ends: dict[tuple[str, int], int] = {}
    for entry in existing:
        position = first[entry.key]
        receipt = reported[position].receipt
        message = receipt.mid, receipt.attempt
        # A segment that an earlier queue message recorded completes nothing now.
        if entry.task_id == lease.task_id:
            ends[message] = max(ends.get(message, position), position)
    complete = {position for position in ends.values() if _is_whole(store, reported[position])}
    return [
        each
        for position, each in enumerate(reported)
        if position not in parts or position in complete
    ]


def _is_delivered_part(reported: Reported) -> bool:
    receipt, batch, index = reported
    is_part = bool(receipt.segment) and batch.messages[index].segment_count > 1
    return is_part and receipt.state is State.DELIVERED


def _entry(reported: Reported, lease: Lease) -> LedgerEntry:
    receipt, batch, index = reported
    return lease.entry(batch.id, segment_kind(index, receipt.attempt, receipt.segment))


def _is_whole(store: MessageStore, reported: Reported) -> bool:
    receipt, batch, index = reported
    found = store.find_entries(batch.id, segments_prefix(index, receipt.attempt))
    return len(found) >= batch.messages[index].segment_count
