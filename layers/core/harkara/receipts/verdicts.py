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


_Try = tuple[str, int, int]
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
    tries = {
        receipt: _try_of(batches, receipt)
        for receipt in receipts
        if receipt.state is not State.DELIVERED and receipt.attempt > 0
    }
    outcomes = _marks(store, tries.values(), outcome_kind)
    open_tries = [each for each in tries.values() if each not in outcomes]
    claims = _marks(store, open_tries, claim_kind)
    shared = zip(claims.items(), shared_outcomes(store, [*claims.values()]), strict=True)
    claims = dict(claimed for claimed, taken in shared if not taken)
    not_taken = {
        key: {index for index, _ in outcome.data["not_taken"]} for key, outcome in outcomes.items()
    }
    counting, early, delays_s = [], [], []
    for receipt in receipts:
        tried, index = tries.get(receipt), split_mid(receipt.mid)[1]
        claim = tried and claims.get(tried)
        if claim and index in claim.data["indexes"] and claim.until_ms >= now_ms:
            early.append(receipt)
            delays_s.append(_delay_s(claim, now_ms))
        elif not tried or index not in not_taken.get(tried, ()):
            counting.append(receipt)
    superseded_count = len(receipts) - len(counting) - len(early)
    return Verdicts(counting, superseded_count, early, max(delays_s, default=0.0))


def _try_of(batches: Mapping[str, MessageBatch], receipt: Receipt) -> _Try:
    batch_id, index = split_mid(receipt.mid)
    return batch_id, receipt.attempt, index // batches[batch_id].block_size


def _marks(
    store: MessageStore, tries: Iterable[_Try], kind: Callable[[int, int], str]
) -> dict[_Try, LedgerEntry]:
    """Return the ledger entries of one kind that these attempts have."""
    distinct = list(dict.fromkeys(tries))
    keys = [(batch_id, kind(attempt, block)) for batch_id, attempt, block in distinct]
    found = store.get_entries(keys) if keys else []
    return {each: mark for each, mark in zip(distinct, found, strict=True) if mark}


def _delay_s(claim: LedgerEntry, now_ms: int) -> float:
    age_s: float = (now_ms - claim.data["at"]) / 1000
    gone_s = (claim.until_ms - now_ms) / 1000 + 1
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
        place: _mark(receipt, lease)
        for place, receipt in enumerate(receipts)
        if _is_delivered_part(receipt, batches)
    }
    if not parts:
        return list(receipts)
    # The first index of each segment.
    first = {mark.key: place for place, mark in reversed(parts.items())}
    begins_ms = max(batch.begins_ms for batch in batches.values())
    existing = store.put_if_absent([parts[place] for place in first.values()], begins_ms=begins_ms)
    ends: dict[tuple[str, int], int] = {}
    for mark in existing:
        place = first[mark.key]
        message = receipts[place].mid, receipts[place].attempt
        # A segment that an earlier queue message recorded completes nothing now.
        if mark.owner == lease.owner:
            ends[message] = max(ends.get(message, place), place)
    complete = {place for message, place in ends.items() if _is_whole(store, batches, *message)}
    return [
        receipt for place, receipt in enumerate(receipts) if place not in parts or place in complete
    ]


def _is_delivered_part(receipt: Receipt, batches: Mapping[str, MessageBatch]) -> bool:
    batch_id, index = split_mid(receipt.mid)
    is_part = bool(receipt.segment) and batches[batch_id].messages[index].segment_count > 1
    return is_part and receipt.state is State.DELIVERED


def _mark(receipt: Receipt, lease: Lease) -> LedgerEntry:
    batch_id, index = split_mid(receipt.mid)
    return lease.mark(batch_id, segment_kind(index, receipt.attempt, receipt.segment))


def _is_whole(
    store: MessageStore, batches: Mapping[str, MessageBatch], mid: str, attempt: int
) -> bool:
    batch_id, index = split_mid(mid)
    found = store.find_entries(batch_id, segments_prefix(index, attempt))
    return len(found) >= batches[batch_id].messages[index].segment_count
