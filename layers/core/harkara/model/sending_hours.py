"""The hours for promotional messages in India: 10:00 to 21:00 IST (TRAI's TCCCPR)."""

from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.messages import Category, MessageBatch

OPENS_S = 10 * 3600
CLOSES_S = 21 * 3600

# Operators treat Service Explicit as promotional.
DAYTIME_CATEGORIES = frozenset({Category.PROMOTIONAL, Category.SERVICE_EXPLICIT})


def next_open_s(at_s: float) -> float:
    """Return the first time (Unix) from `at_s` on at which promotional messages may be sent."""
    of_day_s = (at_s + IST_OFFSET_S) % DAY_S
    if OPENS_S <= of_day_s < CLOSES_S:
        return at_s
    wait_s = OPENS_S - of_day_s
    return at_s + (wait_s if wait_s > 0 else wait_s + DAY_S)


def ready_s(batch: MessageBatch, at_s: float) -> float:
    """Return the first time (Unix) from `at_s` on at which a batch's messages may be sent."""
    begins_s = max(at_s, batch.begins_ms / 1000)
    return next_open_s(begins_s) if batch.daytime_only else begins_s
