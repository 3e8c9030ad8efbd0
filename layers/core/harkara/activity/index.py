"""Index rows: accepted messages of an account, newest first, up to a thousand in a row.

    messages#<id>  <time left>#<first batch's id>  batches, with what their messages have in common
    numbers#<id>   the same                        3 bytes of HMAC of each number
    refs#<id>      the same                        3 bytes of HMAC of each client_ref

`<time left>` is END_MS minus the time of acceptance: rows sort newest first. The messages of a row
were accepted in one hour, and its bytes are in the order of its batches. Three bytes name a message
among a few million wrongly at times, so that candidates are compared with their batch; no number
and no client_ref can be read from them.
"""

import hmac
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harkara.base.ids import BATCH_ID_LENGTH
from harkara.base.json import decode, encode
from harkara.base.keys import Keys, as_keys
from harkara.base.time import END_MS
from harkara.model.activity import facts_of, hour_of
from harkara.model.messages import MessageBatch

ROW_LIMIT = 1_000
DIGEST_BYTES = 3
ROWS_A_GROUP = 3
MESSAGES, NUMBERS, REFS = "messages", "numbers", "refs"
# Ids in a row mostly begin with the same characters: apart, these hardly take room.
_SHARED = 10
_DIMENSIONS = ("category", "sender", "template", "country", "campaign")


class IndexRow(NamedTuple):
    """A row of one of the three partitions, kept as long as its batch of the latest send time."""

    partition: str
    sort_key: str
    packed: bytes
    due_at_ms: int


class IndexedBatch(NamedTuple):
    """A batch in a row. `commons` are the distinct facts of its messages, by dimension."""

    batch_id: str
    message_count: int
    commons: Sequence[Mapping[str, str]]


def partition_of(kind: str, account_id: str) -> str:
    """Return the partition of an account's rows of a kind."""
    return f"{kind}#{account_id}"


def sort_key_before(at_ms: int) -> str:
    """Return the sort key before which all rows are later than a time."""
    return f"{END_MS - at_ms:013d}"


def time_of(sort_key: str) -> int:
    """Return when the newest message of a row was accepted, in Unix milliseconds."""
    return END_MS - int(sort_key.partition("#")[0])


class Digests:
    """Makes the digests of numbers and client_refs, with keys that can be rotated."""

    def __init__(self, key: bytes | Keys) -> None:
        self._keys = as_keys(key)

    def of(self, kind: str, account_id: str, texts: Sequence[str]) -> bytes:
        """Return the digests of texts, one after the other."""
        key = self._keys.first()
        return b"".join(_digest(key, kind, account_id, text) for text in texts)

    def candidates(self, kind: str, account_id: str, text: str, packed: bytes) -> list[int]:
        """Return the positions in packed digests where the text may be."""
        wanted = {_digest(key, kind, account_id, text) for key in self._keys.all()}
        return sorted({position for each in wanted for position in _positions(packed, each)})


def _digest(key: bytes, kind: str, account_id: str, text: str) -> bytes:
    named = encode(["index", kind, account_id, text])
    return hmac.digest(key, named, "sha256")[:DIGEST_BYTES]


def _positions(packed: bytes, digest: bytes) -> Iterator[int]:
    at = packed.find(digest)
    while at >= 0:
        if at % DIGEST_BYTES == 0:
            yield at // DIGEST_BYTES
        at = packed.find(digest, at + 1)


class Groups:
    """Batches by the index row that they share: of one account, accepted in one hour."""

    def __init__(self) -> None:
        self.groups: list[list[MessageBatch]] = []
        self._open: dict[tuple[str, int], tuple[list[MessageBatch], int]] = {}

    def needs_another(self, batch: MessageBatch) -> bool:
        """Return whether a batch fits into no row that it may share."""
        _, filled = self._open.get(_group_of(batch), ([], ROW_LIMIT))
        return filled + len(batch.messages) > ROW_LIMIT

    def add(self, batch: MessageBatch) -> None:
        """Add a batch to a row."""
        if self.needs_another(batch):
            self._open[_group_of(batch)] = [], 0
            self.groups.append(self._open[_group_of(batch)][0])
        group, filled = self._open[_group_of(batch)]
        group.append(batch)
        self._open[_group_of(batch)] = group, filled + len(batch.messages)

    def rows(self, digests: Digests) -> list[IndexRow]:
        """Return the index rows of all batches."""
        return [row for group in self.groups for row in _packed(group, digests)]


def _group_of(batch: MessageBatch) -> tuple[str, int]:
    return batch.account_id, hour_of(batch.accepted_at_ms)


def _packed(batches: Sequence[MessageBatch], digests: Digests) -> Iterator[IndexRow]:
    newest_first = sorted(batches, key=lambda batch: (batch.accepted_at_ms, batch.id), reverse=True)
    newest = newest_first[0]
    sort_key = f"{sort_key_before(newest.accepted_at_ms)}#{newest.id}"
    due_at_ms = max(batch.due_at_ms for batch in batches)
    messages = [message for batch in newest_first for message in batch.messages]
    account_id = newest.account_id
    packed = {
        MESSAGES: _pack(newest_first),
        NUMBERS: digests.of(NUMBERS, account_id, [each.to for each in messages]),
        REFS: digests.of(REFS, account_id, [each.client_ref for each in messages]),
    }
    for kind, content in packed.items():
        yield IndexRow(partition_of(kind, account_id), sort_key, content, due_at_ms)


def _pack(batches: Sequence[MessageBatch]) -> bytes:
    numbers: dict[tuple[str, ...], int] = {}
    owns = []
    for batch in batches:
        facts = (facts_of(batch, index) for index in range(len(batch.messages)))
        commons = dict.fromkeys(
            (each.category, each.sender_id, each.dlt_template_id, each.country, each.campaign_id)
            for each in facts
        )
        owns.append([numbers.setdefault(common, len(numbers)) for common in commons])
    firsts = "".join(batch.id[:_SHARED] for batch in batches)
    rests = "".join(batch.id[_SHARED:] for batch in batches)
    counts = [len(batch.messages) for batch in batches]
    return zlib.compress(encode([list(numbers), firsts, rests, counts, owns]))


def unpack_row(packed: bytes) -> list[IndexedBatch]:
    """Return the batches of a row of MESSAGES, newest first."""
    commons, firsts, rests, counts, owns = decode(zlib.decompress(packed))
    named = [dict(zip(_DIMENSIONS, each, strict=True)) for each in commons]
    first, rest = _SHARED, BATCH_ID_LENGTH - _SHARED
    return [
        IndexedBatch(
            firsts[first * at : first * (at + 1)] + rests[rest * at : rest * (at + 1)],
            count,
            [named[number] for number in own],
        )
        for at, (count, own) in enumerate(zip(counts, owns, strict=True))
    ]
