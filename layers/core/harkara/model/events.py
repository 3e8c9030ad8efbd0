"""The events that platforms get: final states, replies and clicks of messages."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from harkara.model.messages import State


class EventKind(StrEnum):
    """The kind of an event: a final state, a reply from the phone, a click on a link."""

    STATUS = "status"
    REPLIED = "replied"
    CLICKED = "clicked"


class Dlr(NamedTuple):
    """A message's final state; `client_ref` is the customer's `smsgid`, `to` an msisdn."""

    mid: str
    client_ref: str
    state: State
    at_s: int
    code: str = ""
    to: str = ""
    segment_count: int = 0


class Reply(NamedTuple):
    """A phone's reply to a message: `sender` is the phone, `receiver` the number or code used."""

    mid: str
    client_ref: str
    at_s: int
    sender: str
    receiver: str
    text: str


class Click(NamedTuple):
    """A visit of a message's link to `url`; `short_url` is the link as in the text."""

    mid: str
    client_ref: str
    at_s: int
    to: str
    url: str
    short_url: str


Event = Dlr | Reply | Click

_KINDS: dict[EventKind, type[Event]] = {
    EventKind.STATUS: Dlr,
    EventKind.REPLIED: Reply,
    EventKind.CLICKED: Click,
}


def kind_of(event: Event) -> EventKind:
    """Return the kind of an event."""
    return next(kind for kind, made in _KINDS.items() if isinstance(event, made))


def row_of(event: Event) -> list[Any]:
    """Return an event as a row of JSON."""
    return [kind_of(event), *event]


def event_of(row: Sequence[Any]) -> Event:
    """Return the event in a row made by `row_of`. Raises ValueError for any other row."""
    kind, *fields = row
    event = _KINDS[EventKind(kind)]._make(fields)
    return event._replace(state=State(event.state)) if isinstance(event, Dlr) else event
