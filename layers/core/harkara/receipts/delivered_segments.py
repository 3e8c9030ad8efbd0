"""Combine receipts of long messages whose carrier reports each segment under an id of its own.

Such receipts do not say which segment they report. Each delivered segment is recorded once, by its
id; the message is delivered when as many are recorded as it has segments. They are read after they
are put, so the delivery that records the last segment sees all of them, in any order of arrival. A
segment that fails, fails the message.
"""

from collections.abc import Mapping, Sequence

from harkara.base.ids import split_mid
from harkara.model.ledger import Lease, LedgerEntry, segment_kind, segments_prefix
from harkara.model.messages import MessageBatch, State
from harkara.model.tasks import Receipt
from harkara.ports import MessageStore


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
