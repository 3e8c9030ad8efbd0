"""Messages are found by what happened to them: clicks, machines' visits, replies, corrections."""

import pytest

from harkara.activity.happenings import EVENTS
from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.model.ledger import Lease
from harkara.model.messages import unpack
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
        "clicked": [(batch_id, f"click#{index:04d}#{at}") for at in (0, 11)],
        "opened_by_machine": [(batch_id, f"bot#{index:04d}#0")],
        "replied": [(f"replies#{batch_id}", f"reply#{index:04d}#reply-{at}") for at in (0, 1)],
        "corrected": [(batch_id, f"corrected#{index:04d}")],
    }
    entries = [
        LEASE.entry(*key, at=0) for event in EVENTS if happens(event, number) for key in keys[event]
    ]
    lists.store.put_if_absent(entries)


@pytest.fixture(scope="module")
def lists() -> Lists:
    """The same messages in one request and alone, each with another set of events."""
    lists = Lists()
    for sent in ({"messages": MESSAGES}, *MESSAGES):
        assert lists.call("send", post("/v1/messages", sent))["statusCode"] == 200
    for batch in [unpack(*row) for row in lists.store.packed.items()]:
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
