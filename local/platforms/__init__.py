"""The simulated platforms, a module each, by the first part of the simulator's path."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from local.platforms import clevertap, generic, moengage, moengage_batch, standard, webengage
from local.platforms.reading import Entry, Post


class Receiver(NamedTuple):
    """A platform's functions to read a callback and to answer it.

    `read` returns the entries, or raises NotTaken. `answer` takes the entries and the number of
    entries at the end that the platform leaves unprocessed.
    """

    read: Callable[[Post], list[Entry]]
    answer: Callable[[Sequence[Entry], int], Any] = lambda entries, unused: {}


RECEIVERS = {
    "clevertap": Receiver(clevertap.read, clevertap.answer),
    "moengage": Receiver(moengage.read),
    "moengage_batch": Receiver(moengage_batch.read),
    "webengage": Receiver(webengage.read),
    "generic": Receiver(generic.read),
    "standard": Receiver(standard.read),
}
