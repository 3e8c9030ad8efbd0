"""What we post to platforms, one module a format."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.callback_settings import CallbackEndpoint
from harkara.callbacks import clevertap
from harkara.events import Event, EventKind


class Format(NamedTuple):
    """A platform's format: the body of a callback, how many events one holds, and of which kinds.

    `render` raises nothing for events of these kinds.
    """

    render: Callable[[Sequence[Event], CallbackEndpoint], bytes]
    member_limit: int
    kinds: frozenset[EventKind]


FORMATS: dict[str, Format] = {
    # Its documents say 100.
    "clevertap": Format(clevertap.render, 100, frozenset({EventKind.STATUS})),
}
