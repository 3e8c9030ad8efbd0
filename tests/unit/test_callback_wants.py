"""Which destination hears of which event."""

from typing import Any

import pytest

from harkara.callback_settings import CallbackEndpoint, CallbackSecrets, Destination
from harkara.callbacks import FORMATS, wants
from harkara.events import Click, Dlr, Event, EventKind, Reply
from harkara.messages import State

DELIVERED = Dlr("M0", "ref", State.DELIVERED, 1)
EXPIRED = Dlr("M0", "ref", State.EXPIRED, 1, "EXPIRED")
REPLY = Reply("M0", "ref", 1, "919876543210", "56161", "stop")
CLICK = Click("M0", "ref", 1, "919876543210", "https://acme.example", "https://a.co/1")
EVENTS: dict[EventKind, Event] = {
    EventKind.STATUS: DELIVERED,
    EventKind.REPLIED: REPLY,
    EventKind.CLICKED: CLICK,
}


def wanted(event: Event, **fields: Any) -> bool:
    settings = CallbackEndpoint(id="main", url="https://acme.example/dlr", **fields)
    return wants(Destination(settings, CallbackSecrets()), event)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", EventKind)
def test_who_asks_for_nothing_hears_of_all_that_the_format_carries(
    name: str, kind: EventKind
) -> None:
    assert wanted(EVENTS[kind], format=name) is (kind in FORMATS[name].kinds)


@pytest.mark.parametrize(("name", "expected"), [("clevertap", False), ("generic", True)])
def test_a_reply_to_no_message_goes_where_it_can_be_told(name: str, expected: bool) -> None:
    assert wanted(REPLY._replace(mid="", client_ref=""), format=name) is expected


@pytest.mark.parametrize(
    ("event", "fields", "expected"),
    [
        pytest.param(DELIVERED, {"states": (State.DELIVERED,)}, True, id="the state"),
        pytest.param(EXPIRED, {"states": (State.DELIVERED,)}, False, id="another state"),
        pytest.param(DELIVERED, {"events": (EventKind.STATUS,)}, True, id="the kind"),
        pytest.param(DELIVERED, {"events": (EventKind.CLICKED,)}, False, id="another kind"),
    ],
)
def test_who_asks_for_some_hears_of_those(
    event: Event, fields: dict[str, Any], expected: bool
) -> None:
    assert wanted(event, **fields) is expected
