"""Read a record of the Messages table's stream: something that happened to messages.

Amazon DynamoDB Streams API Reference, "StreamRecord" and "Record". Only new items count: ledger
entries and batches are never updated, and their deletion by the time to live is no event.
"""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from harkara.base.ids import accepted_at_ms
from harkara.base.json import decode
from harkara.model.activity import Facts, Submitted, entry_facts
from harkara.model.ledger import SHARED_KIND
from harkara.model.messages import MessageBatch, unpack

Record = Mapping[str, Any]
DEAD_LETTERS = "dead-letter#"


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


class Clicked(NamedTuple):
    """The first click on a message's link."""

    facts: Facts
    accepted_at_ms: int


class Parked(NamedTuple):
    """A callback that became a dead letter."""

    account_id: str
    at_ms: int


Event = Accepted | Taken | Ended | Clicked | Parked


def sequence_of(record: Record) -> int:
    """Return a record's sequence number, by which the records of its shard are ordered."""
    return int(record["dynamodb"]["SequenceNumber"])


def created_at_ms(record: Record) -> int:
    """Return about when the item was written, to the second."""
    return int(float(record["dynamodb"]["ApproximateCreationDateTime"]) * 1000)


def event_of(record: Record) -> Event | None:
    """Return the event that a record tells of, None for any other item.

    Raises KeyError, TypeError, ValueError and zlib.error for an item that cannot be read.
    """
    if record["eventName"] != "INSERT":
        return None
    keys = record["dynamodb"]["Keys"]
    partition, kind = keys["pk"]["S"], keys["sk"]["S"]
    if partition.startswith(DEAD_LETTERS):
        account_id = partition.removeprefix(DEAD_LETTERS).partition("#")[0]
        return Parked(account_id, int(kind.partition("#")[0]))
    name = kind.partition("#")[0]
    if name not in ("batch", "final", "click", "outcome", SHARED_KIND):
        return None
    item = record["dynamodb"]["NewImage"]
    if name == "batch":
        return Accepted(unpack(partition, base64.b64decode(item["packed"]["B"])))
    data = decode(item["data"]["S"])
    if name in ("outcome", SHARED_KIND):
        return Taken(tuple(Submitted(*each) for each in data.get("submitted", ())))
    facts = entry_facts(data)
    if facts is None:
        return None
    at_ms = accepted_at_ms(partition)
    if name == "click":
        return Clicked(facts, at_ms)
    return Ended(facts, at_ms, data["state"], data["code"], data["at"])
