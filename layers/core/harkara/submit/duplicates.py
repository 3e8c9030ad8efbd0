"""Find messages whose text went to the same number a short while before.

A message leaves a ledger entry under a hash of number and text (with its own URLs where it has
short links), in the period of time (bucket) in which it begins. The entry is put once, so of equal
messages in one bucket one goes out. Entries of the buckets before and after are compared by their
exact times. Two messages that are submitted at the same moment, on either side of a bucket's end,
may both go out.
"""

from collections.abc import Sequence
from hashlib import blake2b

from harkara.model.ledger import LedgerEntry, duplicate_kind
from harkara.model.messages import MessageBatch
from harkara.ports import MessageStore


def find_duplicates(store: MessageStore, batch: MessageBatch, indexes: Sequence[int]) -> set[int]:
    """Return the messages of a batch that repeat another one; the same at every attempt.

    Raises StoreUnavailable.
    """
    window_ms = batch.duplicate_window_s * 1000
    if not window_ms:
        return set()
    begins_ms = batch.begins_ms
    bucket = begins_ms // window_ms
    first: dict[str, int] = {}
    for index in indexes:
        first.setdefault(_partition(batch, index), index)
    duplicates = set(indexes) - set(first.values())

    kinds = [duplicate_kind(number) for number in (bucket, bucket - 1, bucket + 1)]
    found = store.get_entries([(partition, kind) for partition in first for kind in kinds])
    wanted: dict[int, LedgerEntry] = {}
    for place, (partition, index) in enumerate(first.items()):
        own, *others = found[place * len(kinds) : (place + 1) * len(kinds)]
        mid = batch.mid(index)
        if own is not None and own.owner == mid:  # it passed at an earlier attempt
            continue
        if any(mark and abs(mark.data["at"] - begins_ms) < window_ms for mark in (own, *others)):
            duplicates.add(index)
        else:
            wanted[index] = LedgerEntry(partition, kinds[0], mid, "", 0, {"at": begins_ms})
    existing = store.put_if_absent(
        list(wanted.values()), begins_ms=begins_ms, keep_s=2 * batch.duplicate_window_s
    )
    return duplicates | {
        index
        for (index, mark), stands in zip(wanted.items(), existing, strict=True)
        if stands.owner != mark.owner
    }


def _partition(batch: MessageBatch, index: int) -> str:
    message = batch.messages[index]
    text_hash = batch.text_hashes[index] if index < len(batch.text_hashes) else ""
    digest = blake2b(f"{message.to}\n{text_hash or message.text}".encode(), digest_size=16)
    return f"duplicate#{batch.account_id}#{digest.hexdigest()}"
