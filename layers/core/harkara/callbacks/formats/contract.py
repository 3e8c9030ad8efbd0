"""The contract of callback formats: what a format's module defines as `FORMAT`."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import Event, EventKind

Unprocessed = tuple[tuple[str, str], ...]
"""Messages that a platform accepted but could not use: client_ref, and the platform's code."""

STATUS_ONLY = frozenset({EventKind.STATUS})
ALL_KINDS = frozenset(EventKind)


class Format(NamedTuple):
    """A platform's format: the body of a callback, and how many events of which kinds it holds.

    `render` raises nothing for events of these kinds. `host` is the domain of the only platform
    that reads the format, "" if there are several. `unprocessed` reads the answer of a platform
    that reports single failures inside a 2xx. `one_by_one`: a body holds one event, unless the
    callback wants an array. `without_message`: it can report a reply that belongs to no message.
    """

    render: Callable[[Sequence[Event], CallbackEndpoint], bytes]
    member_limit: int
    kinds: frozenset[EventKind]
    host: str = ""
    unprocessed: Callable[[bytes], Unprocessed] = lambda answer: ()
    one_by_one: bool = False
    without_message: bool = False
