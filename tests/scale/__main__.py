"""`make scale`: prints what a million messages cost on AWS, by part, and what was counted."""

import json
import os

from tests.bench.accept import FAKE_AWS
from tests.bench.life import CASES, PRICES, Life
from tests.scale.costs import PARTS, REGION, duration_ms, metrics_of, usd_a_million


def main() -> None:
    """Print the tables."""
    os.environ.update(FAKE_AWS)
    used = [Life(case).run() for case in CASES]
    costs = [usd_a_million(each) for each in used]
    print(f"USD a million messages, {REGION}")
    for number, case in enumerate(CASES, 1):
        print(f"  ({number}) {case.name}")
    print(f"\n{'part':<30}" + "".join(f"{f'({number})':>9}" for number in range(1, len(used) + 1)))
    for part in PARTS:
        print(f"{part:<30}" + "".join(f"{each[part]:>9.2f}" for each in costs))
    print(f"{'all':<30}" + "".join(f"{sum(each.values()):>9.2f}" for each in costs))
    metrics = [len(metrics_of(each.log)) for each in used]
    monthly = json.loads(PRICES.read_text())["custom_metric_month"]
    print(f"\nwhatever is sent: {max(metrics)} custom metrics with one carrier,", end=" ")
    print(f"{max(metrics) * monthly:.2f} USD a month")
    for each in used:
        count = each.case.requests * each.case.records
        print(f"\n{each.case.name}: a message ({count} were sent)")
        for function, done in each.functions.items():
            rates = ", ".join(f"{name} {number / count:.3f}" for name, number in done.items())
            print(f"  {function:<8}{rates}; {duration_ms(function, done):.0f} ms modelled")


if __name__ == "__main__":
    main()
