"""Marks: what is done is put down once, under the name of who did it.

A mark is an item that is put only where it is absent. It carries its *owner*, the SQS message
whose duty it was (the same at every redelivery), its *holder*, the one delivery of that message
which put it, and *until*, when that holder is surely gone: Lambda ends it at its deadline.

Who finds a mark in place asks `Claimant.relation`:

    MINE          this delivery put it; perhaps the answer was lost. Go on.
    EARLIER       an earlier delivery of the same queue message put it and is gone. Take over.
    STILL_HELD    an earlier delivery put it and may yet live (SQS delivers twice now and then).
    THEIRS        another queue message has this duty. Nothing to do.

So there are no leases to renew and no updates in place. Kinds of marks and their keys:

    chunk id   claim#<try>#<block>      before the carrier is called
    chunk id   outcome#<try>#<block>    what came of it
    shared#<holder>
               shared                   the same, of single messages of a batch that were taken
    chunk id   final#<index>            the final state; its owner posts the callback
    chunk id   segment#<index>#<try>#<hash of its id>
                                        a segment that was delivered, where each is reported
    chunk id   recovered#<index>        a final whose owner left no ack, taken over by a check
    cancels#<chunk id>
               cancel#<index>           the customer takes a message back
    owner      post#<group>#<attempt>   before any post but one that is made at once
    owner      ack#<group>              the platform took the callback, or it was parked
               ack#<group>#<replay>     the same, after it was parked and replayed
    parked#<account>#<callback id>
               <ms>#<webhook id>        a callback that nobody took, and why
    idempotency#<account>#<hash of the key>
               run#<holder before>      before a request with an Idempotency-Key is served
               end#<holder>             what came of the holder's run: its answer
    duplicate#<account>#<hash of number and text>
               in#<stretch of time>     a message (the owner is its mid) that went out there
    links#<set>
               links                    what a chunk's short links lead to (the owner is the chunk)
    chunk id   click#<index>#<URL>      the first click on a message's link
    inbound#<carrier>#<hash of its id for a message>
               inbound                  a phone's message (the owner stands for what it says), and
                                        when it came for the first time
    pointer#<carrier>#<hash of its id for a message>
               pointer                  the message (the owner is its mid), its try, and when

The last two are put over where the carrier calls another message the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, NamedTuple

from harkara.base.ids import split_mid

POINTER_KIND = "pointer"
"""Sort key of what leads from a carrier's id to the message."""


SHARED_KIND = "shared"
"""Sort key of an outcome that several claims share."""

INBOUND_KIND = "inbound"
"""Sort key of what remembers a message of a phone."""


def carrier_partition(kind: str, carrier: str, carrier_id: str) -> str:
    """Return the partition of what a carrier calls so: `kind` is POINTER_KIND or INBOUND_KIND."""
    digest = blake2b(carrier_id.encode(errors="surrogatepass"), digest_size=16)
    return f"{kind}#{carrier}#{digest.hexdigest()}"


class Relation(Enum):
    """How a claimant stands to a mark that is in place."""

    MINE = auto()
    EARLIER = auto()
    STILL_HELD = auto()
    THEIRS = auto()


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark. `data` is what it says: JSON values only."""

    partition: str
    kind: str
    owner: str
    holder: str
    until_ms: int
    data: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Partition and sort key."""
        return self.partition, self.kind


class Claimant(NamedTuple):
    """Who acts: a queue message (`owner`), in one delivery (`holder`), until its deadline."""

    owner: str
    holder: str
    until_ms: int

    def mark(self, partition: str, kind: str, **data: Any) -> Mark:
        """Return a mark in this claimant's name."""
        return Mark(partition, kind, self.owner, self.holder, self.until_ms, data)

    def relation(self, standing: Mark, now_ms: int) -> Relation:
        """Return how the claimant stands to a mark that is in place."""
        if standing.owner != self.owner:
            return Relation.THEIRS
        if standing.holder == self.holder:
            return Relation.MINE
        return Relation.EARLIER if standing.until_ms < now_ms else Relation.STILL_HELD


def claim_kind(attempt: int, block: int) -> str:
    """Sort key of a claim of a block."""
    return f"claim#{attempt:03d}#{block:04d}"


def outcome_kind(attempt: int, block: int) -> str:
    """Sort key of the outcome of a claimed block."""
    return f"outcome#{attempt:03d}#{block:04d}"


def shared_partition(holder: str) -> str:
    """Partition of the outcome of single messages that are under way with a holder's."""
    return f"shared#{holder}"


def cancels_of(chunk_id: str) -> str:
    """Partition of a chunk's cancels: `submit` looks here before each block, past no finals."""
    return f"cancels#{chunk_id}"


def cancel_kind(index: int) -> str:
    """Sort key of a message's cancel."""
    return f"cancel#{index:04d}"


def duplicate_kind(bucket: int) -> str:
    """Sort key of a number's text in a stretch of time."""
    return f"in#{bucket:013d}"


def final_kind(index: int) -> str:
    """Sort key of a message's final state."""
    return f"final#{index:04d}"


def segment_kind(index: int, attempt: int, segment: str) -> str:
    """Sort key of a segment that was delivered, by the name that its receipt has for it."""
    return f"{segments_prefix(index, attempt)}{segment}"


def segments_prefix(index: int, attempt: int) -> str:
    """What the sort keys of all delivered segments of a message's try begin with."""
    return f"segment#{index:04d}#{attempt:03d}#"


def recovered_kind(index: int) -> str:
    """Sort key of a final state whose callback a check took over."""
    return f"recovered#{index:04d}"


def post_kind(group: int, attempt: int) -> str:
    """Sort key of the claim of an attempt to post a group."""
    return f"post#{group:03d}#{attempt:02d}"


def ack_kind(group: int, replay: int = 0) -> str:
    """Sort key of the end of a group's callback, or of one of its replays."""
    return f"ack#{group:03d}#{replay:02d}" if replay else f"ack#{group:03d}"


def members_of(mids: Iterable[str]) -> dict[str, list[int]]:
    """Return messages as a callback's marks name them: indexes by chunk. What has no mid is out."""
    members: dict[str, list[int]] = {}
    for chunk_id, index in (split_mid(mid) for mid in mids if mid):
        members.setdefault(chunk_id, []).append(index)
    return members


def speaks_of(mark: Mark, chunk_id: str, index: int) -> bool:
    """Whether a `post#` or `ack#` mark is of a callback with this message."""
    return index in mark.data["members"].get(chunk_id, ())


def run_kind(before: str) -> str:
    """Sort key of the run of a request that follows that of this holder; "" for the first."""
    return f"run#{before}"


def end_kind(holder: str) -> str:
    """Sort key of the end of a holder's run of a request."""
    return f"end#{holder}"


def click_kind(index: int, number: int) -> str:
    """Sort key of the first click on a message's link."""
    return f"{clicks_prefix(index)}{number}"


def clicks_prefix(index: int) -> str:
    """What the sort keys of all first clicks on a message's links begin with."""
    return f"click#{index:04d}#"


def links_key(set_id: int) -> tuple[str, str]:
    """Partition and sort key of a set of short links."""
    return f"links#{set_id:010x}", "links"


def index_of(kind: str) -> int:
    """Return the index in a `final#`, `recovered#` or `cancel#` key."""
    return int(kind.partition("#")[2])
