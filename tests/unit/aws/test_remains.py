"""Batches that AWS processes in part: the rest is done after a pause (`tests.support.caprices`)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.clients import CEILING_S
from harkara.aws.messages import DynamoDeadLetterStore, DynamoLastMessages, DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.registry import DynamoRegistry
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.base.time import Deadline
from harkara.model.accounts import Sender
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import Category
from harkara.model.suppressions import opt_out
from harkara.model.tasks import QueueName
from tests.support import caprices
from tests.support.dynamo import ACCOUNTS, MESSAGES, Dynamo
from tests.support.limits import Sqs

COUNT = 130
NUMBERS = [f"9198765{number:05d}" for number in range(COUNT)]
ENTRIES = [
    LedgerEntry("p", f"{number:013d}", "task_id", "worker_id", 1, {}) for number in range(COUNT)
]
KEYS = [entry.key for entry in ENTRIES]
SENDERS = [Sender(header=f"S{number:05d}", categories=tuple(Category)) for number in range(COUNT)]


class Adapters:
    """The adapters that make calls in batches, with their pauses recorded."""

    def __init__(self, seed: int) -> None:
        self.paused: list[float] = []
        dynamo = Dynamo(lambda: 0.0, seed)
        signer, pause = ReferenceSigner(b"key"), self.paused.append
        self.messages = DynamoMessageStore(dynamo, MESSAGES, 9, lambda: 0.0, pause)
        self.parked = DynamoDeadLetterStore(dynamo, MESSAGES, self.messages, lambda: 0.0, pause)
        self.last = DynamoLastMessages(dynamo, MESSAGES, signer, 9, lambda: 0.0, pause)
        self.lists = DynamoSuppressionList(dynamo, ACCOUNTS, pause)
        self.registry = DynamoRegistry(dynamo, ACCOUNTS, pause)
        account = {"pk": {"S": "account#acme"}, "sk": {"S": "account"}, "version": {"N": "1"}}
        dynamo.put_item(TableName=ACCOUNTS, Item=account)
        self.dynamo = dynamo


def entries(adapters: Adapters) -> None:
    assert adapters.messages.put_if_absent(ENTRIES[::2]) == ENTRIES[::2]
    other = [LedgerEntry(*entry.key, "other", "h", 1, {}) for entry in ENTRIES]
    existing = adapters.messages.put_if_absent(other)
    assert existing[::2] == ENTRIES[::2]
    assert existing[1::2] == other[1::2]
    assert adapters.messages.get_entries(KEYS) == existing


def parked(adapters: Adapters) -> None:
    adapters.messages.put_if_absent(ENTRIES)
    adapters.parked.remove(KEYS[1:])
    assert adapters.parked.get_entries(KEYS) == [ENTRIES[0], *[None] * (COUNT - 1)]


def last_messages(adapters: Adapters) -> None:
    adapters.last.put("acme", {number: f"mid-{number}" for number in NUMBERS})
    assert all(adapters.last.find("acme", number) == f"mid-{number}" for number in NUMBERS)


def suppressions(adapters: Adapters) -> None:
    entries = [opt_out(number, 1) for number in NUMBERS]
    for entry in entries:
        adapters.lists.put("acme", entry)
    found = adapters.lists.entries("acme", NUMBERS)
    assert sorted(entry.number for entry in found) == NUMBERS


def parts(adapters: Adapters) -> None:
    adapters.registry.put_all("acme", SENDERS, Deadline(lambda: 60.0))
    found = adapters.registry.find("acme", Sender)
    assert sorted(each.header for each in found) == sorted(each.header for each in SENDERS)


@pytest.mark.parametrize("use", [entries, parked, last_messages, suppressions, parts])
def test_what_remains_of_a_batch_is_done(
    use: Callable[[Adapters], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amazon DynamoDB API Reference, BatchWriteItem: "an exponential backoff algorithm"."""
    monkeypatch.setattr(caprices, "IN_PART_ONE_IN", 3)
    paused = 0
    for seed in range(1, 13):
        adapters = Adapters(seed)
        use(adapters)
        paused += len(adapters.paused)
        assert all(0 <= pause_s < CEILING_S for pause_s in adapters.paused)
    assert paused


@given(st.integers(0, 10**6), st.integers(1, 25))
def test_what_remains_of_a_batch_of_tasks_is_sent_once(seed: int, count: int) -> None:
    """Amazon SQS API Reference, SendMessageBatch: each message succeeds or fails by itself."""
    dynamo, taken = Dynamo(seed=seed), list[str]()

    def failing(entries: Any) -> set[str]:
        return {entry["Id"] for entry in entries[dynamo.caprices.done_of(entries) :]}

    sqs = Sqs(lambda _, entry: taken.append(entry["MessageBody"]), failing)
    queues = SqsTaskQueues(sqs, {QueueName.SUBMIT: "queue"}, pause=lambda pause_s: None)
    bodies = [f"body {number}" for number in range(count)]
    sent = queues.send(QueueName.SUBMIT, bodies)
    assert sorted(taken) == sorted(body for body, is_in in zip(bodies, sent, strict=True) if is_in)
