"""Read a record of the Messages table's stream: something that happened to messages.

Amazon DynamoDB Streams API Reference, "StreamRecord" and "Record". Only new items count: ledger
entries and batches are never updated, and their deletion by the time to live is no event.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harkara.base.ids import accepted_at_ms
from harkara.base.json import decode
from harkara.model.activity import Facts, Submitted, entry_facts
from harkara.model.ledger import REPLY_KIND, SHARED_KIND
from harkara.model.messages import MessageBatch, unpack

Record = Mapping[str, Any]
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError, zlib.error)
"""The errors of a record that cannot be read."""
DEAD_LETTER, DEAD_LETTERS = "dead-letter", "dead-letter#"


class Accepted(NamedTuple):
    """A stored message batch, with its refused records."""

    batch: MessageBatch


class Taken(NamedTuple):
    """Messages that carriers took."""

    submitted: tuple[Submitted, ...]


class Ended(NamedTuple):
    """A message's final state, `at_s` by the clock of its receipt."""

    facts: Facts
    accepted_at_ms: int
    state: str
    code: str
    at_s: int
    operator: str
    channel: str


class Noted(NamedTuple):
    """Something else that happened to a message, by the kind of its ledger entry.

    `was` is the state that a delivery corrects.
    """

    kind: str
    facts: Facts
    accepted_at_ms: int
    was: str
    operator: str
    channel: str


class Apart(NamedTuple):
    """Something of an account and no single message, by the kind of its item; its campaigns."""

    kind: str
    account_id: str
    at_ms: int
    campaigns: Sequence[str] = ()


Event = Accepted | Taken | Ended | Noted | Apart
_NOTED = ("click", "bot", "corrected", "read", "feedback", REPLY_KIND)
COUNTED = ("batch", "final", "outcome", SHARED_KIND, *_NOTED)
"""The kinds of items of messages that are counted, which the stream's filter lets through."""


def sequence_of(record: Record) -> int:
    """Return a record's sequence number, by which the records of its shard are ordered."""
    return int(record["dynamodb"]["SequenceNumber"])


def created_at_ms(record: Record) -> int:
    """Return about when the item was written, to the second."""
    return int(float(record["dynamodb"]["ApproximateCreationDateTime"]) * 1000)


def event_of(record: Record) -> Event | None:
    """Return the event that a record tells of, None for any other item.

    Raises one of UNREADABLE for an item that cannot be read.
    """
    if record["eventName"] != "INSERT":
        return None
    keys = record["dynamodb"]["Keys"]
    partition, kind = keys["pk"]["S"], keys["sk"]["S"]
    name = DEAD_LETTER if partition.startswith(DEAD_LETTERS) else kind.partition("#")[0]
    if name not in (*COUNTED, DEAD_LETTER):
        return None
    item = record["dynamodb"]["NewImage"]
    if name == "batch":
        return Accepted(unpack(partition, base64.b64decode(item["packed"]["B"])))
    data = decode(item["data"]["S"])
    if name == DEAD_LETTER:
        account_id = partition.removeprefix(DEAD_LETTERS).partition("#")[0]
        at_ms = int(kind.partition("#")[0])
        return Apart(name, account_id, at_ms, data.get("campaigns", ()))
    if name in ("outcome", SHARED_KIND):
        return Taken(tuple(Submitted(*each) for each in data.get("submitted", ())))
    if name == REPLY_KIND and "account" not in data:  # it is there for the timeline
        return None
    facts = entry_facts(data)
    if facts is None:
        return Apart(name, data["account"], data["at"]) if name == REPLY_KIND else None
    at_ms = data["accepted"] if name == REPLY_KIND else accepted_at_ms(partition)
    operator, channel = data.get("operator", ""), data.get("channel", "")
    if name == "final":
        return Ended(facts, at_ms, data["state"], data["code"], data["at"], operator, channel)
    if name == "feedback":
        name = "verified" if data["verified"] else "unverified"
    return Noted(name, facts, at_ms, data.get("was", ""), operator, channel)
