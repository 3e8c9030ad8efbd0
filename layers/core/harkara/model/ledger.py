"""Ledger entries: a record, written once, of each thing done and of the task that did it.

An entry is written only if its key is absent. It holds the task id (`task_id`: the id of the SQS
message with this task, the same at every redelivery), the worker id (`worker_id`: the one delivery
of that message that wrote the entry), and `expires_at_ms`, the end of that worker's lease: by then
Lambda has ended the worker, at its deadline.

A worker that finds an entry calls `Lease.relation`:

    OURS      this worker wrote it, and perhaps lost the answer. Go on.
    EXPIRED   an earlier delivery of the same queue message wrote it and has ended. Take over.
    BUSY      an earlier delivery wrote it and may still run (SQS sometimes delivers twice).
    FOREIGN   the task belongs to another queue message. Nothing to do.

So leases are never renewed and entries never updated in place. Partitions and sort keys:

    batch id   claim#<attempt>#<block>  lease of a block, taken before the carrier is called
    batch id   outcome#<attempt>#<block>
                                        outcome of the block's submit attempt
    shared#<worker id>
               shared                   outcomes of single-message batches that carriers accepted
    batch id   final#<index>            final state; its task posts the callback
    batch id   segment#<index>#<attempt>#<hash of its id>
                                        a delivered segment, if the carrier reports each
    batch id   recovered#<index>        final state without an ack, taken over by a check
    batch id   corrected#<index>        a delivery after another final state
    batch id   feedback#<index>         whether an OTP was verified
    batch id   read#<index>             when the phone's owner opened the message
    cancels#<batch id>
               cancel#<index>           cancellation of a message by the customer
    task id    post#<group>#<attempt>   lease of a callback attempt, except the immediate first one
    task id    ack#<group>              end of a callback: accepted, not wanted, or a dead letter
               ack#<group>#<replay>     the same, of a replay
    dead-letter#<account>#<callback id>
               <ms>#<webhook id>        dead letter: a callback that was given up, and the reason
    idempotency#<account>#<hash of the key>
               run#<worker id before>   lease of a request with an Idempotency-Key
               end#<worker id>          result of that worker's run: the answer
               chosen#<hash>#<name>     an outcome that all runs of the request share
    duplicate#<account>#<hash of number and text>
               in#<time window>         a message (task id: its mid) sent in this window
    links#<set>
               links                    targets of a batch's short links (task id: the batch id)
    batch id   click#<index>#<URL>      first click on a message's link
    batch id   bot#<index>#<URL>        first visit of a machine to it
    replies#<task id>
               reply                    a phone's reply, by which it is counted
    replies#<batch id>
               reply#<index>#<task id>  the same, for the timeline of the message that it answers
    answers#<account>#<hash of the number>
               <day>#<place>            the place of an answer to a keyword (task id: a name of the
                                        phone's message), with the seed of its batch's id
    inbound#<carrier>#<hash of the carrier's id of the message>
               inbound                  a phone's message (task id: a pseudonym of its
                                        content), and when it first came
    carrier-id#<carrier>#<hash of the carrier's id of the message>
               carrier-id               carrier message id index: the message (task id: its mid),
                                        its attempt, and the time

The last two are overwritten if the carrier uses the same id for another message.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, NamedTuple

from harkara.base.ids import split_mid
from harkara.model.events import EventKind

CARRIER_ID_KIND = "carrier-id"
"""Sort key of the carrier message id index, from a carrier's id to the message."""

SHARED_KIND = "shared"
"""Sort key of an outcome that several leases share."""
INBOUND_KIND = "inbound"
"""Sort key of a phone's message."""

REPLY_KIND = "reply"
"""Sort key of a phone's reply."""


def carrier_partition(kind: str, carrier: str, carrier_id: str) -> str:
    """Return the partition of a carrier's message id; `kind` is CARRIER_ID_KIND or INBOUND_KIND."""
    digest = blake2b(carrier_id.encode(errors="surrogatepass"), digest_size=16)
    return f"{kind}#{carrier}#{digest.hexdigest()}"


class Relation(Enum):
    """The relation of a worker to an existing entry; see the table above."""

    OURS = auto()
    EXPIRED = auto()
    BUSY = auto()
    FOREIGN = auto()


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One ledger entry. `data` is its content: JSON values only."""

    partition: str
    kind: str
    task_id: str
    worker_id: str
    expires_at_ms: int
    data: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Partition and sort key."""
        return self.partition, self.kind


class Lease(NamedTuple):
    """A worker: the task it works on, its own id, and its deadline."""

    task_id: str
    worker_id: str
    expires_at_ms: int

    def entry(self, partition: str, kind: str, **data: Any) -> LedgerEntry:
        """Return a new entry of this worker."""
        return LedgerEntry(partition, kind, self.task_id, self.worker_id, self.expires_at_ms, data)

    def relation(self, existing: LedgerEntry, now_ms: int) -> Relation:
        """Return the relation of this worker to an existing entry."""
        if existing.task_id != self.task_id:
            return Relation.FOREIGN
        if existing.worker_id == self.worker_id:
            return Relation.OURS
        return Relation.EXPIRED if existing.expires_at_ms < now_ms else Relation.BUSY


def claim_kind(attempt: int, block: int) -> str:
    """Return the sort key of the lease of a block."""
    return f"claim#{attempt:03d}#{block:04d}"


def outcome_kind(attempt: int, block: int) -> str:
    """Return the sort key of the outcome of a leased block."""
    return f"outcome#{attempt:03d}#{block:04d}"


def shared_partition(worker_id: str) -> str:
    """Return the partition of the outcomes that a worker's single-message batches share."""
    return f"shared#{worker_id}"


def cancels_of(batch_id: str) -> str:
    """Return the partition of a batch's cancellations.

    They have their own partition, because `submit` reads them before each block, and must not read
    past all final states.
    """
    return f"cancels#{batch_id}"


def cancel_kind(index: int) -> str:
    """Return the sort key of a message's cancellation."""
    return f"cancel#{index:04d}"


def duplicate_kind(bucket: int) -> str:
    """Return the sort key of a text to a number in a time window."""
    return f"in#{bucket:013d}"


def final_kind(index: int) -> str:
    """Return the sort key of a message's final state."""
    return f"final#{index:04d}"


def segment_kind(index: int, attempt: int, segment: str) -> str:
    """Return the sort key of a delivered segment; `segment` is the hash in its receipt."""
    return f"{segments_prefix(index, attempt)}{segment}"


def segments_prefix(index: int, attempt: int) -> str:
    """Return the sort-key prefix of all delivered segments of a submit attempt of a message."""
    return f"segment#{index:04d}#{attempt:03d}#"


def later_kind(event: EventKind, index: int) -> str:
    """Return the sort key of an event after a final state: `corrected` or `read`."""
    return f"{event}#{index:04d}"


def feedback_kind(index: int) -> str:
    """Return the sort key of the answer whether an OTP was verified."""
    return f"feedback#{index:04d}"


def recovered_kind(index: int) -> str:
    """Return the sort key of a final state whose callback a check took over."""
    return f"recovered#{index:04d}"


def post_kind(group: int, attempt: int) -> str:
    """Return the sort key of the lease of a group's callback attempt."""
    return f"post#{group:03d}#{attempt:02d}"


def ack_kind(group: int, replay: int = 0) -> str:
    """Return the sort key of the end of a group's callback, or of one of its replays."""
    return f"ack#{group:03d}#{replay:02d}" if replay else f"ack#{group:03d}"


def members_of(mids: Iterable[str]) -> dict[str, list[int]]:
    """Return messages as in a callback's entries: indexes by batch. Empty mids are left out."""
    members: dict[str, list[int]] = {}
    for batch_id, index in (split_mid(mid) for mid in mids if mid):
        members.setdefault(batch_id, []).append(index)
    return members


def speaks_of(entry: LedgerEntry, batch_id: str, index: int) -> bool:
    """Return whether a `post#` or `ack#` entry is of a callback that contains this message."""
    return index in entry.data["members"].get(batch_id, ())


def run_kind(before: str) -> str:
    """Return the sort key of a request's run after that of the worker `before`, "" if first."""
    return f"run#{before}"


def end_kind(worker_id: str) -> str:
    """Return the sort key of the end of a worker's run of a request."""
    return f"end#{worker_id}"


def click_kind(index: int, number: int) -> str:
    """Return the sort key of the first click on a message's link."""
    return f"{clicks_prefix(index)}{number}"


def clicks_prefix(index: int) -> str:
    """Return the sort-key prefix of the first clicks on a message's links."""
    return f"click#{index:04d}#"


def bot_kind(index: int, number: int) -> str:
    """Return the sort key of the first visit of a machine to a message's link."""
    return f"{bots_prefix(index)}{number}"


def bots_prefix(index: int) -> str:
    """Return the sort-key prefix of the first visits of machines to a message's links."""
    return f"bot#{index:04d}#"


def replies_of(id: str) -> str:
    """Return the partition of a reply by its task id, and of the replies to a batch's messages."""
    return f"replies#{id}"


def replies_prefix(index: int) -> str:
    """Return the sort-key prefix of the replies to a message."""
    return f"{REPLY_KIND}#{index:04d}#"


def links_key(set_id: int) -> tuple[str, str]:
    """Return the partition and sort key of a set of short links."""
    return f"links#{set_id:010x}", "links"


def index_of(kind: str) -> int:
    """Return the index in a `final#`, `recovered#` or `cancel#` key."""
    return int(kind.partition("#")[2])
