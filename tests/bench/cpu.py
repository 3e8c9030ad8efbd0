"""CPU times as ratios of one another."""

import statistics
import time
from collections.abc import Callable

ROUNDS = 60
Work = Callable[[], object]


def ratio(work: Work, unit: Work) -> float:
    """Return the median ratio of CPU times, pair by pair: the machine's speed drifts."""
    ratios = []
    for _ in range(ROUNDS):
        # The smallest of three: one `orjson.loads` is so short that an interrupt doubles it.
        base = min(_cpu_s(unit) for _ in range(3))
        ratios.append(_cpu_s(work) / base)
    return statistics.median(ratios)


def _cpu_s(work: Work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
