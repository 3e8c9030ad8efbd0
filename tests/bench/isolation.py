"""20,000 callbacks to a hundred endpoints, ten of them bad: the effect on the others."""

import asyncio

from tests.bench.report import Row
from tests.support import isolation

COUNT, RATE_PER_S = 20_000, 100


def measure() -> list[Row]:
    """Return the row of this part; any lost, doubled or unparked callback counts as a flaw."""
    compared = asyncio.run(isolation.run(COUNT, RATE_PER_S))
    flaws = compared.flaws()
    p95_ms = [result.p95_s * 1000 for result in compared]
    note = f"{p95_ms[0]:.0f} and {p95_ms[1]:.0f} ms"
    return [
        Row(
            "95th percentile to 90 good endpoints, with 10 bad ones beside",
            compared.ratio,
            "times that without",
            isolation.RATIO_BAR,
            note=note,
        ),
        Row("the same: kinds of flaws", len(flaws), "of 7", 0, note="; ".join(flaws)),
    ]
