"""Decide which receipts may make their message final.

- `delivered` counts, whichever attempt it names: the phone has the message.
- Any other state counts only if the carrier had the message by that attempt: if the attempt's
  outcome does not say "not taken". Messages not taken are tried again, and end by a later attempt.
- While an attempt has no outcome and its worker may be running, this is unknown: the receipt is
  retried later.

An outcome never changes, so a failure that counts is of the last attempt there is, or of an attempt
that was in doubt and is repeated under its own reference.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from harkara.base.ids import split_mid
from harkara.model.ledger import LedgerEntry, claim_kind, outcome_kind
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
