"""Messages are found by what happened to them: a carrier's answer, clicks, replies, ..."""

from typing import Any

import pytest

from harkara.activity.happenings import EVENTS
from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.model.ledger import (
    SHARED_KIND,
    Lease,
    claim_kind,
    outcome_kind,
    shared_partition,
)
from harkara.model.messages import MessageBatch, unpack
from tests.functions.listing import Lists
from tests.functions.sending import MESSAGE, post

COUNT = 1 << len(EVENTS)
LEASE = Lease("task", "worker", 0)
MESSAGES = [{**MESSAGE, "to": f"9876500{at:03d}", "client_ref": str(at)} for at in range(COUNT)]


def happens(event: str, number: int) -> bool:
    """Return whether an event happened to the message of a number: each has another set of them."""
    return bool(number >> EVENTS.index(event) & 1)


def happen(lists: Lists, mid: str, number: int) -> None:
    batch_id, index = split_mid(mid)
    keys = {
        "submitted": [],
        "clicked": [(batch_id, f"click#{index:04d}#{at}") for at in (0, 11)],
        "opened_by_machine": [(batch_id, f"bot#{index:04d}#0")],
        "replied": [(f"replies#{batch_id}", f"reply#{index:04d}#reply-{at}") for at in (0, 1)],
        "corrected": [(batch_id, f"corrected#{index:04d}")],
    }
    entries = [
        LEASE.entry(*key, at=0) for event in EVENTS if happens(event, number) for key in keys[event]
    ]
    lists.store.put_if_absent(entries)


def submit(lists: Lists, batch: MessageBatch) -> None:
    """Claim a batch; its first attempt's outcome is its own or, of a single message, shared."""
    numbers = [int(message.client_ref) for message in batch.messages]
    taken = [index for index, number in enumerate(numbers) if happens("submitted", number)]
    others = [index for index in range(len(numbers)) if index not in taken]
    claim: dict[str, Any] = {"indexes": list(range(len(numbers)))}
    first = {"taken": [(index, "C1") for index in taken[1:]], "not_taken": others}
    if len(numbers) == 1:
        claim["shared"] = shared_partition("worker")
    entries = [LEASE.entry(batch.id, claim_kind(1, 0), **claim)]
    if others or len(numbers) > 1:
        entries.append(LEASE.entry(batch.id, outcome_kind(1, 0), **first))
    if len(numbers) > 1:  # a second carrier took one of those that the first did not take
        second = {"indexes": [taken[0], others[0]]}
        ends = {"taken": [(taken[0], "C2")], "in_doubt": [others[0]]}
        entries.append(LEASE.entry(batch.id, claim_kind(2, 0), **second))
        entries.append(LEASE.entry(batch.id, outcome_kind(2, 0), **ends))
    lists.store.put_if_absent(entries)


@pytest.fixture(scope="module")
def lists() -> Lists:
    """The same messages in one request and alone, each with another set of events."""
    lists = Lists()
    for sent in ({"messages": MESSAGES}, *MESSAGES):
        assert lists.call("send", post("/v1/messages", sent))["statusCode"] == 200
    batches = [unpack(*row) for row in lists.store.packed.items()]
    singles = [each for each in batches if len(each.messages) == 1]
    shared = {
        each.id: "C1" for each in singles if happens("submitted", int(each.messages[0].client_ref))
    }
    entry = LEASE.entry(shared_partition("worker"), SHARED_KIND, at=0, taken=shared)
    lists.store.put_if_absent([entry])
    for batch in batches:
        submit(lists, batch)
        for index, message in enumerate(batch.messages):
            happen(lists, batch.mid(index), int(message.client_ref))
    lists.now += 1
    lists.settle()
    return lists


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("more", [{}, {"client_ref": "15"}, {"number": "9876500007", "limit": "1"}])
def test_a_message_is_found_by_what_happened_to_it(
    event: str, more: dict[str, str], lists: Lists
) -> None:
    without = [each for each in lists.all(**more) if happens(event, int(each["client_ref"]))]
    assert lists.all(event=event, **more) == without
    assert lists.all("other", event=event) == []
    if not more:
        assert len(without) == COUNT


def test_a_refused_record_has_no_events_and_an_unknown_event_is_refused(lists: Lists) -> None:
    assert lists.all(event="clicked", state="refused") == []
    status, answer = lists.get("/v1/messages", event="read")
    assert (status, answer["Error"]) == (400, Code.UNKNOWN_FILTER)
