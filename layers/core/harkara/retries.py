"""When to try again: plain schedules in seconds, and a jitter that spreads a herd."""

from collections.abc import Sequence

# A message that a carrier did not take: soon at first, then every half hour. A quarter of an hour
# is no ceiling; what ends the tries is the message's validity.
SUBMIT_DELAYS_S = (1, 5, 15, 60, 300, 900, 1800)
# What an operator paused looks again after these; it polls, so no oftener.
PAUSE_DELAYS_S = (60, 120, 300)
JITTER = 0.2


def with_jitter(delay_s: float, luck: float) -> float:
    """Return the delay and up to a fifth more, never less; `luck` is uniform in [0, 1)."""
    return delay_s * (1 + JITTER * luck)


def delay_after(failures: int, delays_s: Sequence[int]) -> int | None:
    """Return the pause after one more failure than `failures`; None: no more attempts."""
    return delays_s[failures] if failures < len(delays_s) else None


def submit_delay(attempt: int, retry_after_s: int) -> int:
    """Return the pause after try `attempt` (1 is the first) was not taken by the carrier."""
    return max(SUBMIT_DELAYS_S[min(attempt, len(SUBMIT_DELAYS_S)) - 1], retry_after_s)


def pause_delay(waits: int) -> int:
    """Return when to look again at what is paused, having looked `waits` times in a row."""
    return PAUSE_DELAYS_S[min(waits, len(PAUSE_DELAYS_S) - 1)]
