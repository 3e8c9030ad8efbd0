"""The contract of callback formats (`FORMAT` in each module), and the words that they share."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.base.codes import MEANINGS, Code, Meaning
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import ON_REQUEST, Dlr, Event, EventKind
from harkara.model.messages import State

Unprocessed = tuple[tuple[str, str], ...]
"""Messages that a platform accepted but could not use: client_ref, and the platform's code."""

STATUS_ONLY = frozenset({EventKind.STATUS})
ALL_KINDS = frozenset(EventKind)
USUAL_KINDS = ALL_KINDS - ON_REQUEST


class Format(NamedTuple):
    """A platform's format: the body of a callback, and how many events of which kinds it holds.

    `render` raises nothing for events of these kinds. `host` is the domain of the only platform
    that reads the format, "" if there are several. `unprocessed` reads the answer of a platform
    that reports single failures inside a 2xx. `one_by_one`: a body holds one event, unless the
    callback wants an array. `without_message`: it can report a reply that belongs to no message.
    `retry_delays_s` is the platform's own schedule of retries, the default of a new callback.
    """

    render: Callable[[Sequence[Event], CallbackEndpoint], bytes]
    member_limit: int
    kinds: frozenset[EventKind]
    host: str = ""
    unprocessed: Callable[[bytes], Unprocessed] = lambda answer: ()
    one_by_one: bool = False
    without_message: bool = False
    retry_delays_s: tuple[int, ...] = ()


EXCERPT_LENGTH = 200


def excerpt_of(body: bytes) -> str:
    """Return the beginning of a body as one line of text. It may hold personal data."""
    # A character has four bytes at most; the other half is room for characters left out.
    text = body[: 8 * EXCERPT_LENGTH].decode(errors="replace")
    visible = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    return " ".join(visible.split())[:EXCERPT_LENGTH]


def reference_of(event: Event) -> str:
    """Return the customer's reference for a message, or its mid if there is none."""
    return event.client_ref or event.mid


def meaning_of(dlr: Dlr) -> Meaning | None:
    """Return the meaning of the code of an undelivered message, None for a delivered one."""
    return None if dlr.state is State.DELIVERED else MEANINGS[Code(dlr.code)]


def advice_of(dlr: Dlr) -> str:
    """Return in a sentence why a message was not delivered, "" for a delivered one."""
    meaning = meaning_of(dlr)
    return meaning.advice if meaning else ""
