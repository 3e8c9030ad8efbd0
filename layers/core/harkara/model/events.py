"""What platforms are told: an event for each thing that happened to a message."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from harkara.model.messages import State


class EventKind(StrEnum):
    """What an event tells of: a final state, an answer of the phone's, a click on a link."""

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
    """What a phone (`sender`) answered to a message, at the number or code that it wrote to."""

    mid: str
    client_ref: str
    at_s: int
    sender: str
    receiver: str
    text: str


class Click(NamedTuple):
    """A visit of the link in a message that leads to `url`; `short_url` is as the text had it."""

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
    """Return what an event tells of."""
    return next(kind for kind, made in _KINDS.items() if isinstance(event, made))


def row_of(event: Event) -> list[Any]:
    """Return an event as a row of JSON."""
    return [kind_of(event), *event]


def event_of(row: Sequence[Any]) -> Event:
    """Return the event in a row of `row_of`. Raises ValueError for another row."""
    kind, *fields = row
    event = _KINDS[EventKind(kind)]._make(fields)
    return event._replace(state=State(event.state)) if isinstance(event, Dlr) else event
