"""Pauses between retries of a call that a table or queue was too busy for.

Pauses have full jitter: each is uniform between zero and a ceiling that doubles with each retry.
Full jitter spreads simultaneous clients best and needs the fewest calls for the same work (AWS
Architecture Blog, "Exponential Backoff And Jitter").
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from harkara.base.deadline import left_s

FIRST_S = 0.05
CEILING_S = 2.0
# The time reserved at the end of an invocation to answer, and to report failed batch items.
ANSWER_S = 2.0
# Limit of all pauses of one call together: a command at a terminal has no deadline.
PATIENCE_S = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """The retry timing of one kind of call; `luck` returns a random number in [0, 1)."""

    pause: Callable[[float], None] = time.sleep
    # SnapStart would restore the shared generator in the same state in every process.
    luck: Callable[[], float] = random.SystemRandom().random

    def tries(self) -> Iterator[None]:
        """Yield once for each try, pausing in between; end when the next pause would not fit."""
        paused_s = 0.0
        for number in itertools.count():
            yield
            pause_s = self.luck() * min(CEILING_S, FIRST_S * 2 ** min(number, 10))
            if pause_s > min(PATIENCE_S - paused_s, left_s() - ANSWER_S):
                return
            self.pause(pause_s)
            paused_s += pause_s

    def finish(self, rest: T, call: Callable[[T], T], limit: int | None = None) -> T:
        """Repeat a call with what it leaves undone; return what is left when all tries are over."""
        for _ in itertools.islice(self.tries(), limit):
            rest = call(rest)
            if not rest:
                break
        return rest
