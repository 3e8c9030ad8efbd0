"""Retry schedules of messages, callbacks and their tasks, in seconds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from harkara.base.time import DAY_S

# Pauses between submit attempts; the last one repeats until the message's validity ends. Pauses
# longer than `QUEUE_DELAY_S` go through the Due table.
SUBMIT_DELAYS_S = (1, 5, 15, 60, 300, 900, 1800)
# The last submit attempt is planned at least this long before the message's validity ends.
LAST_TRY_S = 5
# A queue delays by 15 minutes at most; a longer wait goes through the Due table.
QUEUE_DELAY_S = 900
DUE_DELAY_S = 960
# Pauses between checks whether the operator has resumed paused work: polling costs calls.
PAUSE_DELAYS_S = (60, 120, 300, DUE_DELAY_S)
# Pauses between a callback's attempts to acquire a busy endpoint.
WAIT_DELAYS_S = (2, 4, 8, 15)
# The shortest wait of a task, by the number of passes through its queue without progress.
ROUND_DELAYS_S = (0, 0, 0, 10, 20, 40, 80, DUE_DELAY_S)
# When AWS was too busy, the queue message returns after these or up to twice as long. From the
# sixth receive on it returns after the queue's visibility time-out, so that it takes more than an
# hour to become a dead letter.
RETURN_DELAYS_S = (10, 20, 40, 80, 160)
# AWS recommends a visibility time-out of this many time-outs of the function.
_VISIBLE_AFTER = 6
# `sweep` enqueues a row up to a minute after its time, and may be behind.
_DUE_LATE_S = 120
# The longest schedule that a callback may have. The check counts on it: a later callback is lost.
SCHEDULE_LIMIT_S = 27 * 3600
JITTER = 0.2
REFUSAL_LIMIT = 3
"""A callback is given up after this many refusing answers."""
# The 4xx statuses that may pass, since they do not refuse the callback itself: 408 Request Timeout,
# 425 Too Early, 429 Too Many Requests; 404 Not Found and 405 Method Not Allowed while a platform's
# URL is being deployed.
_PASSING = frozenset({404, 405, 408, 425, 429})


class Round(NamedTuple):
    """A task's next pass through its queue: how many passes preceded it, and the delay."""

    rounds: int
    delay_s: float


def next_round(rounds: int, delay_s: float, left_s: float = math.inf) -> Round:
    """Return the next round of a task without progress in `rounds` rounds and the present one.

    `left_s` is how long the message is still valid. If the minimum wait could end later than that,
    it is shortened to allow a last attempt, or, if too little time is left for one, set to end just
    after the validity, when the message is found expired.

    Lambda counts how often in a row a function is invoked by messages that it enqueued itself, and
    takes 16 for a loop (AWS Lambda Developer Guide, "Recursive loop detection"). A pass through the
    Due table resets that count, and so it resets `rounds`.
    """
    least_s: float = ROUND_DELAYS_S[min(rounds, len(ROUND_DELAYS_S) - 1)]
    if _latest_s(least_s) > left_s:
        has_a_try = left_s >= 2 * LAST_TRY_S
        least_s = min(left_s - LAST_TRY_S, QUEUE_DELAY_S) if has_a_try else max(0.0, left_s) + 1
    delay_s = max(delay_s, least_s)
    return Round(0 if delay_s >= DUE_DELAY_S else rounds + 1, delay_s)


def wait_for_turn(wait_s: float) -> float:
    """Return how long to delay a task that may start in `wait_s`.

    The Due table may be late by up to two minutes, so a task that goes through it is due that much
    earlier, and waits for the rest in a queue.
    """
    return wait_s if wait_s <= QUEUE_DELAY_S else max(QUEUE_DELAY_S, wait_s - _DUE_LATE_S)


def with_jitter(delay_s: float, fraction: float) -> float:
    """Return the delay plus up to a fifth, never less; `fraction` is random, uniform in [0, 1)."""
    return delay_s * (1 + JITTER * fraction)


def delay_after(failures: int, delays_s: Sequence[int]) -> int | None:
    """Return the pause after a failure that follows `failures` others; None: no more attempts."""
    return delays_s[failures] if failures < len(delays_s) else None


def limit_s(delays_s: Sequence[int]) -> float:
    """Return how long a schedule may take at most, with a day for an endpoint's Retry-After."""
    return sum(delays_s) * (1 + JITTER) + DAY_S


def is_refusal(status: int) -> bool:
    """Return whether an HTTP status means that the same request will not succeed later."""
    return 400 <= status < 500 and status not in _PASSING


def wait_delay(waits: int) -> int:
    """Return the pause of a callback that found its endpoint busy after `waits` earlier waits."""
    return WAIT_DELAYS_S[min(waits, len(WAIT_DELAYS_S) - 1)]


def return_delay(receives: int, left_s: float, budget_s: float, fraction: float) -> int | None:
    """Return the seconds until a queue message returns that was received `receives` times.

    It returns only after the present invocation has ended (`left_s` of its `budget_s` are left),
    because leases of this invocation hold until then. None means the queue's own visibility
    time-out. `fraction` is random, uniform in [0, 1).
    """
    if receives > len(RETURN_DELAYS_S):
        return None
    delay_s = math.ceil(max(0.0, left_s)) + 1 + int(RETURN_DELAYS_S[receives - 1] * (1 + fraction))
    return delay_s if delay_s < budget_s * _VISIBLE_AFTER else None


def submit_delay(attempt: int, retry_after_s: float, left_s: float) -> float:
    """Return the pause after the carrier did not accept submit attempt `attempt` (from 1).

    `left_s` is how long the message is still valid.
    """
    pause_s = max(SUBMIT_DELAYS_S[min(attempt, len(SUBMIT_DELAYS_S)) - 1], retry_after_s)
    return within_validity(pause_s, left_s)


def within_validity(wait_s: float, left_s: float) -> float:
    """Return the wait unchanged if it, jitter included, leaves time for another submit attempt.

    Otherwise return half of the remaining time, so that a carrier that has recovered gets the
    message; at the very end, a second more than the remaining time, when the message is found
    expired.
    """
    if _latest_s(wait_s * (1 + JITTER)) <= left_s - LAST_TRY_S:
        return wait_s
    half_s = left_s / 2
    return half_s if half_s >= LAST_TRY_S else max(0.0, left_s) + 1


def _latest_s(delay_s: float) -> float:
    """Return the longest time that a wait of `delay_s` may take in fact."""
    return delay_s if delay_s <= QUEUE_DELAY_S else delay_s + _DUE_LATE_S


def pause_delay(waits: int) -> int:
    """Return the pause before paused work is checked again, after `waits` checks in a row."""
    return PAUSE_DELAYS_S[min(waits, len(PAUSE_DELAYS_S) - 1)]
