"""When to try again: plain schedules in seconds, and a jitter that spreads a herd."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from harkara.base.time import DAY_S

# A message that a carrier did not take: soon at first, then every half hour. A quarter of an hour
# is no ceiling; what ends the tries is the message's validity.
SUBMIT_DELAYS_S = (1, 5, 15, 60, 300, 900, 1800)
# No try is made so shortly before a message ends, where its turn would come later.
LAST_TRY_S = 5
# A queue delays by a quarter of an hour at the most; a longer wait goes through the Due table.
QUEUE_DELAY_S = 900
DUE_DELAY_S = 960
# What an operator paused looks again after these; it polls, so no oftener.
PAUSE_DELAYS_S = (60, 120, 300, DUE_DELAY_S)
# What waits for its turn at an endpoint looks again after these.
WAIT_DELAYS_S = (2, 4, 8, 15)
# The least wait of a task that went so many rounds through its queue and got no further.
ROUND_DELAYS_S = (0, 0, 0, 10, 20, 40, 80, DUE_DELAY_S)
# What AWS was too busy for comes back after these or up to twice as much; the sixth time, and from
# then on, after its queue's visibility time-out: dead letters take more than an hour.
RETURN_DELAYS_S = (10, 20, 40, 80, 160)
# AWS asks for a visibility time-out of so many time-outs of the function.
_VISIBLE_AFTER = 6
# `sweep` enqueues a row up to a minute after its time, and may be behind.
_DUE_LATE_S = 120
JITTER = 0.2
REFUSAL_LIMIT = 3
"""So often is a callback posted whose answers refuse it."""
# What 4xx says nothing of the callback itself: 408 Request Timeout, 425 Too Early, 429 Too Many
# Requests; 404 Not Found and 405 Method Not Allowed while a platform's URL is being deployed.
_PASSING = frozenset({404, 405, 408, 425, 429})


class Round(NamedTuple):
    """A task's next passage through its queue: after how long, and how many came before it."""

    rounds: int
    delay_s: float


def next_round(rounds: int, delay_s: float, left_s: float = math.inf) -> Round:
    """Return the next round of a task that got no further in `rounds` of them and the present one.

    Where a round would come after its message's end, which is in `left_s`, the message has a last
    try, or hears that it is over.

    Lambda counts how often a function is invoked by what it enqueued itself, and takes 16 in a row
    for a loop (AWS Lambda Developer Guide, "Recursive loop detection"). What comes by the Due table
    begins anew there, and so it does here.
    """
    least_s: float = ROUND_DELAYS_S[min(rounds, len(ROUND_DELAYS_S) - 1)]
    if _latest_s(least_s) > left_s:
        has_a_try = left_s >= 2 * LAST_TRY_S
        least_s = min(left_s - LAST_TRY_S, QUEUE_DELAY_S) if has_a_try else max(0.0, left_s) + 1
    delay_s = max(delay_s, least_s)
    return Round(0 if delay_s >= DUE_DELAY_S else rounds + 1, delay_s)


def wait_for_turn(wait_s: float) -> float:
    """Return how long to wait before the next look where a turn comes in `wait_s`.

    The Due table is not exact: what goes through it comes before its turn, and waits for the rest
    in a queue.
    """
    return wait_s if wait_s <= QUEUE_DELAY_S else max(QUEUE_DELAY_S, wait_s - _DUE_LATE_S)


def with_jitter(delay_s: float, luck: float) -> float:
    """Return the delay and up to a fifth more, never less; `luck` is uniform in [0, 1)."""
    return delay_s * (1 + JITTER * luck)


def delay_after(failures: int, delays_s: Sequence[int]) -> int | None:
    """Return the pause after one more failure than `failures`; None: no more attempts."""
    return delays_s[failures] if failures < len(delays_s) else None


def limit_s(delays_s: Sequence[int]) -> float:
    """Return how long a schedule may take at the most, with what an endpoint asks to wait."""
    return sum(delays_s) * (1 + JITTER) + DAY_S


def is_refusal(status: int) -> bool:
    """Whether an HTTP status says that the same request will do no better later."""
    return 400 <= status < 500 and status not in _PASSING


def wait_delay(waits: int) -> int:
    """Return when a callback looks again whose turn it was not, `waits` times in a row."""
    return WAIT_DELAYS_S[min(waits, len(WAIT_DELAYS_S) - 1)]


def return_delay(receives: int, left_s: float, budget_s: float, luck: float) -> int | None:
    """Return after how many seconds a queue message comes back that was received so often.

    It comes once the invocation is over (`left_s` of its `budget_s` are left): until then what it
    put down holds. None: not before the visibility time-out of the queue. `luck` is uniform in
    [0, 1).
    """
    if receives > len(RETURN_DELAYS_S):
        return None
    delay_s = math.ceil(max(0.0, left_s)) + 1 + int(RETURN_DELAYS_S[receives - 1] * (1 + luck))
    return delay_s if delay_s < budget_s * _VISIBLE_AFTER else None


def submit_delay(attempt: int, retry_after_s: float, left_s: float) -> float:
    """Return the pause after try `attempt` (1 is the first) was not taken by the carrier.

    `left_s` is how long the message is still valid.
    """
    pause_s = max(SUBMIT_DELAYS_S[min(attempt, len(SUBMIT_DELAYS_S)) - 1], retry_after_s)
    return within_validity(pause_s, left_s)


def within_validity(wait_s: float, left_s: float) -> float:
    """Return a wait as it is if it leaves time for a try, jitter included.

    Else half of what is left, so that a carrier that is well again gets the message; at the very
    end a second more than what is left: the message then hears that it is over.
    """
    if _latest_s(wait_s * (1 + JITTER)) <= left_s - LAST_TRY_S:
        return wait_s
    half_s = left_s / 2
    return half_s if half_s >= LAST_TRY_S else max(0.0, left_s) + 1


def _latest_s(delay_s: float) -> float:
    """Return after how long what waits so long comes, at the latest."""
    return delay_s if delay_s <= QUEUE_DELAY_S else delay_s + _DUE_LATE_S


def pause_delay(waits: int) -> int:
    """Return when to look again at what is paused, having looked `waits` times in a row."""
    return PAUSE_DELAYS_S[min(waits, len(PAUSE_DELAYS_S) - 1)]
