"""The events that each destination gets."""

from typing import Any

import pytest

from harkara.callbacks.formats import FORMATS, PLATFORM_FORMATS, format_of, wants
from harkara.model.accounts import PLATFORM_HOSTS
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.events import (
    ON_REQUEST,
    Click,
    Corrected,
    Dlr,
    Event,
    EventKind,
    Read,
    Reply,
    Submitted,
)
from harkara.model.messages import State

DELIVERED = Dlr("M0", "ref", State.DELIVERED, 1)
EXPIRED = Dlr("M0", "ref", State.EXPIRED, 1, "EXPIRED")
REPLY = Reply("M0", "ref", 1, "919876543210", "56161", "stop")
CLICK = Click("M0", "ref", 1, "919876543210", "https://acme.example", "https://a.co/1")
EVENTS: dict[EventKind, Event] = {
    EventKind.STATUS: DELIVERED,
    EventKind.REPLIED: REPLY,
    EventKind.CLICKED: CLICK,
    EventKind.SUBMITTED: Submitted("M0", "ref", 1, "919876543210", 1),
    EventKind.CORRECTED: Corrected("M0", "ref", 1, "919876543210", 1, "failed"),
    EventKind.READ: Read("M0", "ref", 1, "919876543210"),
}


def required(event: Event, **fields: Any) -> bool:
    settings = CallbackEndpoint(id="main", url="https://acme.example/dlr", **fields)
    return wants(Destination(settings, CallbackSecrets()), event)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", EventKind)
def test_who_asks_for_nothing_hears_of_all_that_the_format_carries_and_not_on_request(
    name: str, kind: EventKind
) -> None:
    assert required(EVENTS[kind], format=name) is (kind in FORMATS[name].kinds - ON_REQUEST)
    assert required(EVENTS[kind], format=name, events=(kind,)) is (kind in FORMATS[name].kinds)


@pytest.mark.parametrize(("name", "expected"), [("clevertap", False), ("generic", True)])
def test_a_reply_to_no_message_goes_where_it_can_be_told(name: str, expected: bool) -> None:
    assert required(REPLY._replace(mid="", client_ref=""), format=name) is expected


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
    assert required(event, **fields) is expected


@pytest.mark.parametrize(
    ("url", "usual", "expected"),
    [
        pytest.param("https://hooks.acme.example/x", "generic", "generic", id="nobody's"),
        pytest.param("https://api-01.moengage.com/x", "clevertap", "moengage", id="MoEngage's"),
        pytest.param("https://moengage.com/x", "generic", "moengage", id="its own name"),
        pytest.param("https://api.moengage.com/x", "moengage_batch", "moengage_batch", id="usual"),
        pytest.param("https://eu1.clevertap.com/x", "moengage", "clevertap", id="CleverTap's"),
        pytest.param("https://st.webengage.com/x", "standard", "webengage", id="WebEngage's"),
        pytest.param("https://notmoengage.com/x", "standard", "standard", id="a name alike"),
        pytest.param("https://moengage.com.acme.example/", "generic", "generic", id="as a label"),
    ],
)
def test_a_url_that_a_request_names_has_a_format_that_its_platform_reads(
    url: str, usual: str, expected: str
) -> None:
    assert format_of(url, usual) == expected


def test_a_format_is_known_of_each_platform_whose_host_is_allowed_from_the_start() -> None:
    assert set(PLATFORM_FORMATS) == set(PLATFORM_HOSTS)
    assert {name for names in PLATFORM_FORMATS.values() for name in names} <= set(FORMATS)
