"""Expired items are absent, whether DynamoDB has deleted them or not (`harkara.aws.messages`)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.messages import DynamoDeadLetterStore, DynamoLastMessages, DynamoMessageStore
from harkara.base.ids import ReferenceSigner
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import pack
from tests.support.caprices import DAY_S, LATE_S
from tests.support.dynamo import MESSAGES, Dynamo
from tests.unit.aws.test_messages import BATCH

NUMBER = "919876543210"
KEPT_S = 7 * DAY_S
ENTRIES = [LedgerEntry("p", f"{number:013d}", "task_id", "worker_id", 1, {}) for number in range(3)]
KEYS = [entry.key for entry in ENTRIES]
AFTER_ALL_S = KEPT_S + LATE_S + 1


class Adapters:
    """The adapters whose items expire, over one table in memory with a manual clock."""

    def __init__(self, seed: int | None) -> None:
        self.now_s = 0.0
        dynamo = Dynamo(self.clock, seed)
        self.messages = DynamoMessageStore(dynamo, MESSAGES, KEPT_S, self.clock, lambda _: None)
        self.parked = DynamoDeadLetterStore(dynamo, MESSAGES, self.messages, self.clock)
        self.last = DynamoLastMessages(
            dynamo, MESSAGES, ReferenceSigner(b"key"), KEPT_S, self.clock, lambda _: None
        )

    def clock(self) -> float:
        return self.now_s

    def put(self) -> None:
        self.messages.put_batch(BATCH.id, pack(BATCH), 0)
        self.messages.put_if_absent(ENTRIES)
        self.last.put("acme", {NUMBER: "mid"})


READS: dict[str, Callable[[Adapters], Any]] = {
    "batch": lambda adapters: adapters.messages.get_batch(BATCH.id),
    "entries by their keys": lambda adapters: [
        entry for entry in adapters.messages.get_entries(KEYS) if entry
    ],
    "entries of a kind": lambda adapters: adapters.messages.find_entries("p", "0"),
    "parked by their keys": lambda adapters: [
        entry for entry in adapters.parked.get_entries(KEYS) if entry
    ],
    "parked in a range": lambda adapters: adapters.parked.find("p", "0", "1", 2),
    "last message": lambda adapters: adapters.last.find("acme", NUMBER),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@given(seed=st.none() | st.integers(0, 1000), later_s=st.integers(1, 6 * DAY_S))
def test_what_has_expired_is_not_read(
    read: Callable[[Adapters], Any], seed: int | None, later_s: int
) -> None:
    adapters = Adapters(seed)
    adapters.put()
    adapters.now_s = KEPT_S
    adapters.messages._batches.clear()
    assert read(adapters)
    adapters.now_s += later_s
    adapters.messages._batches.clear()
    assert not read(adapters)


def test_what_has_expired_before_a_row_that_is_kept_does_not_hide_it() -> None:
    adapters = Adapters(None)
    adapters.messages.put_if_absent(ENTRIES[:2])
    adapters.now_s = KEPT_S + 1
    adapters.messages.put_if_absent(ENTRIES[2:])
    assert [entry.kind for entry in adapters.parked.find("p", "0", "1", 1)] == [ENTRIES[2].kind]


def test_an_entry_that_has_expired_stands_until_it_is_deleted() -> None:
    """A late second put still fails: DynamoDB has no put that replaces only expired items."""
    adapters = Adapters(None)
    adapters.messages.put_if_absent(ENTRIES)
    again = [LedgerEntry(entry.partition, entry.kind, "other", "h", 1, {}) for entry in ENTRIES]
    adapters.now_s = KEPT_S + LATE_S
    assert adapters.messages.put_if_absent(again) == ENTRIES
    adapters.now_s = AFTER_ALL_S
    assert adapters.messages.put_if_absent(again) == again


@given(st.integers(0, 10**6), st.integers(0, KEPT_S + LATE_S))
def test_what_is_put_over_stands_from_then_on_whatever_stood_there(seed: int, after_s: int) -> None:
    adapters = Adapters(seed)
    adapters.put()
    adapters.now_s = after_s
    later = [replace(entry, task_id="later") for entry in ENTRIES]
    adapters.messages.put_over(later)
    assert adapters.messages.get_entries(KEYS) == later
    adapters.now_s += KEPT_S
    assert adapters.messages.get_entries(KEYS) == later
    adapters.now_s += 1
    assert adapters.messages.get_entries(KEYS) == [None] * len(ENTRIES)
