"""Say what happened to messages, for the log and its metrics."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Note(NamedTuple):
    """What happened to messages, for the log and its metrics (`harkara.runtime.metrics`).

    `about` says to which: a chunk's id, never a number, a text or a reference. `carrier` is one
    that is set up, empty where none has to do with it. `shares` are in [0, 1].

    `listed` names what of `about` tells it from others of a batch that went as it should; these are
    logged as one line. A note that somebody has to look into names nothing, and has its own.
    """

    what: str
    about: Mapping[str, Any]
    counts: Mapping[str, int]
    delays_s: Mapping[str, float] = {}
    carrier: str = ""
    shares: Mapping[str, float] = {}
    queue: str = ""
    listed: tuple[str, ...] = ()


Notes = Callable[[Note], None]
"""Takes notes. Raises nothing."""
