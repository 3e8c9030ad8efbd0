"""What platforms take of a callback, a module each, by the first part of the simulator's path."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from local.platforms import clevertap, generic, moengage, moengage_batch, standard, webengage
from local.platforms.reading import Entry, Post


class Receiver(NamedTuple):
    """How a platform reads a callback and answers it.

    `read` returns the entries, or raises NotTaken. `answer` is to so many entries, of which the
    platform has no use for the last few.
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
