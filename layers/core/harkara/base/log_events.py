"""Log events about messages: the source of log lines and metrics."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class LogEvent(NamedTuple):
    """A log event about messages, for the log and its metrics (`harkara.runtime.metrics`).

    `what` names the event. `about` identifies the messages, for example by a batch's id; it never
    holds a number, a text or a reference. `carrier` is the name of a configured carrier, empty if
    none is involved. `shares` are in [0, 1].

    `listed` names the keys of `about` that differ between the routine events of a batch, which are
    logged together as one line. It is empty for an event that somebody has to look into, which gets
    a line of its own.
    """

    what: str
    about: Mapping[str, Any]
    counts: Mapping[str, int]
    delays_s: Mapping[str, float] = {}
    carrier: str = ""
    shares: Mapping[str, float] = {}
    queue: str = ""
    listed: tuple[str, ...] = ()


EventSink = Callable[[LogEvent], None]
"""An event sink. Raises nothing."""
