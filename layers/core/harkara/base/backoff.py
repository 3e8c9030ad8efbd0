"""Pauses between tries of what a table or queue was too busy for.

They have full jitter, which spreads a herd best and does the same work with the fewest calls (AWS
Architecture Blog, "Exponential Backoff And Jitter"): each is uniform between nothing and a ceiling
that doubles.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harkara.base.deadline import left_s

FIRST_S = 0.05
CEILING_S = 2.0
# What an invocation keeps to answer in, and to say what comes back.
ANSWER_S = 2.0
# All pauses of one call at the most: a command at a terminal has no deadline.
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """How tries of one kind of call are spread; `luck` is uniform in [0, 1)."""

    pause: Callable[[float], None] = time.sleep
    # A snapshot would hold the state of the shared generator, for all processes.
    luck: Callable[[], float] = random.SystemRandom().random

    def tries(self) -> Iterator[None]:
        """Yield for each try, pausing in between; end before a pause that time is too short for."""
        paused_s = 0.0
        for number in itertools.count():
            yield
            pause_s = self.luck() * min(CEILING_S, FIRST_S * 2 ** min(number, 10))
            if pause_s > min(PATIENCE_S - paused_s, left_s() - ANSWER_S):
                return
            self.pause(pause_s)
            paused_s += pause_s
