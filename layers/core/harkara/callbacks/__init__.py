"""What we post to platforms, one module a format."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.callback_settings import CallbackEndpoint, Destination
from harkara.callbacks import clevertap
from harkara.events import Dlr, Event, EventKind, kind_of

Unprocessed = tuple[tuple[str, str], ...]
"""Messages that a platform took and could not use: client_ref, and the platform's code."""


class Format(NamedTuple):
    """A platform's format: the body of a callback, how many events one holds, and of which kinds.

    `render` raises nothing for events of these kinds. `unprocessed` reads the answer of a platform
    that says so of single events inside a 2xx.
    """

    render: Callable[[Sequence[Event], CallbackEndpoint], bytes]
    member_limit: int
    kinds: frozenset[EventKind]
    unprocessed: Callable[[bytes], Unprocessed] | None = None


FORMATS: dict[str, Format] = {
    # Its documents say 100.
    "clevertap": Format(
        clevertap.render, 100, frozenset({EventKind.STATUS}), clevertap.unprocessed
    ),
}


def wants(destination: Destination, event: Event) -> bool:
    """Whether a destination is to hear of an event: its format carries it, and it asked for it."""
    settings = destination.settings
    if settings.events and kind_of(event) not in settings.events:
        return False
    if isinstance(event, Dlr) and settings.states and event.state not in settings.states:
        return False
    return kind_of(event) in FORMATS[settings.format].kinds
