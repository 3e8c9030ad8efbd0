"""Percentiles of delays, from counts in powers of two seconds."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

Count = Annotated[int, Field(ge=0)]


class Delay(TypedDict):
    """How long messages took from their send time to their delivery, in seconds.

    Percentiles are estimated from counts: evenly within a range, as `histogram_quantile` of
    Prometheus does. So they are off by less than a factor of two, or by a second.
    """

    p50: float
    p95: float
    counts: Annotated[
        Mapping[str, Count],
        Field(
            description="How many took less than so many seconds, and no less than half of that.",
            examples=[{"4": 812, "8": 96}],
        ),
    ]


def delay_by_exponent(histogram: Mapping[str, int]) -> Delay | None:
    """Return percentiles from counts of delays by n, of less than 2^n s."""
    return delay_of({str(1 << n): histogram[str(n)] for n in sorted(map(int, histogram))})


def delay_of(counts: Mapping[str, int]) -> Delay | None:
    """Return percentiles from counts of delays by their upper bounds in seconds; None of none."""
    total = sum(counts.values())
    if not total:
        return None
    p50, p95 = (_percentile(counts, total * share) for share in (0.5, 0.95))
    return {"p50": p50, "p95": p95, "counts": counts}


def _percentile(counts: Mapping[str, int], rank: float) -> float:
    before = 0
    for high in sorted(map(int, counts)):
        count = counts[str(high)]
        if before + count >= rank:
            low = high // 2
            return round(low + (high - low) * (rank - before) / count, 1)
        before += count
    return 0.0
