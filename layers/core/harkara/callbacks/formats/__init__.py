"""Render callbacks as platforms expect them, one module per format."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from harkara.callbacks.formats import (
    clevertap,
    generic,
    moengage,
    moengage_batch,
    standard,
    webengage,
)
from harkara.model.callback_urls import is_among
from harkara.model.callbacks import CallbackEndpoint, Destination
from harkara.model.events import Dlr, Event, EventKind, kind_of
from harkara.model.messages import Endpoint

Unprocessed = tuple[tuple[str, str], ...]
"""Messages that a platform accepted but could not use: client_ref, and the platform's code."""


class Format(NamedTuple):
    """A platform's format: the body of a callback, and how many events of which kinds it holds.

    `render` raises nothing for events of these kinds. `unprocessed` reads the answer of a platform
    that reports single failures inside a 2xx. `one_by_one`: a body holds one event, unless the
    callback wants an array. `without_message`: it can report a reply that belongs to no message.
    """

    render: Callable[[Sequence[Event], CallbackEndpoint], bytes]
    member_limit: int
    kinds: frozenset[EventKind]
    unprocessed: Callable[[bytes], Unprocessed] = lambda answer: ()
    one_by_one: bool = False
    without_message: bool = False


_STATUS = frozenset({EventKind.STATUS})
_ALL = frozenset(EventKind)

FORMATS: dict[str, Format] = {
    "clevertap": Format(clevertap.render, clevertap.MEMBER_LIMIT, _ALL, clevertap.unprocessed),
    "moengage": Format(moengage.render, 1, _STATUS),
    "moengage_batch": Format(moengage_batch.render, moengage_batch.MEMBER_LIMIT, _STATUS),
    "webengage": Format(webengage.render, 1, _STATUS),
    "generic": Format(
        generic.render, generic.MEMBER_LIMIT, _ALL, one_by_one=True, without_message=True
    ),
    "standard": Format(standard.render, 1, _ALL, without_message=True),
}

PLATFORM_FORMATS = {
    "clevertap.com": ("clevertap",),
    "moengage.com": ("moengage", "moengage_batch"),
    "webengage.com": ("webengage",),
}
"""The formats that platforms read, by their hosts; the first is the default."""


def group_limit(endpoint: Endpoint) -> int:
    """Return how many events go to an endpoint in one callback at most."""
    used = FORMATS[endpoint.format]
    return 1 if used.one_by_one and not endpoint.as_array else used.member_limit


def format_of(url: str, usual: str) -> str:
    """Return the format of an unregistered URL: the usual one, if its platform reads that."""
    host = urlsplit(url).hostname or ""
    read = (forms for name, forms in PLATFORM_FORMATS.items() if is_among(host, (name,)))
    forms = next(read, (usual,))
    return usual if usual in forms else forms[0]


def wants(destination: Destination, event: Event) -> bool:
    """Whether a destination gets an event: its format has the kind, and its settings select it."""
    settings = destination.settings
    if settings.events and kind_of(event) not in settings.events:
        return False
    if isinstance(event, Dlr) and settings.states and event.state not in settings.states:
        return False
    carrying = FORMATS[settings.format]
    return kind_of(event) in carrying.kinds and bool(event.mid or carrying.without_message)
