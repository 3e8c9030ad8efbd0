"""The AWS usage of a message over its whole life, and the cost of a million messages."""

import json
import os

from tests.bench.accept import FAKE_AWS
from tests.bench.life import CASES, PRICES, SWEEP_UNITS, Life
from tests.bench.report import Row

# Lambda's durations cannot be measured here.
LABELS = {"gb_s": "gb_s (durations assumed)"}
SWEEPS_A_MONTH = 30 * 24 * 60


def measure() -> list[Row]:
    """Return the rows of this part."""
    os.environ.update(FAKE_AWS)
    used = [Life(case).run() for case in CASES]
    rows = []
    for case, amounts, calls, *_ in used:
        units = amounts["write_units"]
        rows.append(Row(f"DynamoDB write units, {case.name}", units, "a message", case.bar))
        rows.append(Row(f"AWS calls, {case.name}", calls, "a message"))
    prices = json.loads(PRICES.read_text())
    for region, price in prices["regions"].items():
        a_run = sum(number * price[name] for name, number in SWEEP_UNITS.items())
        rows.append(
            Row(
                f"sweep's own reads and cursors in {region}, whatever is sent",
                a_run * SWEEPS_A_MONTH,
                "USD a month, at most",
            )
        )
        for each in used:
            costs = {name: each.amounts[name] * price[name] * 1e6 for name in price}
            rows.append(
                Row(
                    f"a million messages in {region}, {each.case.name}",
                    sum(costs.values()),
                    "USD",
                    note=", ".join(
                        f"{LABELS.get(name, name)} {cost:.2f}" for name, cost in costs.items()
                    ),
                )
            )
    return rows
