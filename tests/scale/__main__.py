"""`make scale`: prints AWS's limits under simulated traffic, and the costs of messages."""

import multiprocessing
import os

from tests.bench.accept import FAKE_AWS
from tests.bench.life import CASES, Life
from tests.scale.costs import PARTS, REGION, duration_ms, fixed_usd, metrics_of, usd_a_million
from tests.scale.report import table
from tests.scale.rows import ROWS, simulate


def main() -> None:
    """Print the tables. The rows are simulated in two processes."""
    os.environ.update(FAKE_AWS)
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
        print("\n".join(table(pool.map(simulate, range(len(ROWS)), chunksize=1))))
    used = [Life(case).run() for case in CASES]
    costs = [usd_a_million(each) for each in used]
    print(f"\nUSD a million messages, {REGION}")
    for number, case in enumerate(CASES, 1):
        print(f"  ({number}) {case.name}")
    print(f"\n{'part':<30}" + "".join(f"{f'({number})':>9}" for number in range(1, len(used) + 1)))
    for part in PARTS:
        print(f"{part:<30}" + "".join(f"{each[part]:>9.2f}" for each in costs))
    print(f"{'all':<30}" + "".join(f"{sum(each.values()):>9.2f}" for each in costs))
    print(f"\nUSD a month, whatever is sent, {REGION}")
    metrics = max(len(metrics_of(each.log)) for each in used)
    existing = fixed_usd(metrics)
    for part, usd in existing.items():
        print(f"{part:<44}{usd:>9.2f}")
    print(f"{'all':<44}{sum(existing.values()):>9.2f}")
    for each in used:
        count = each.case.requests * each.case.records
        print(f"\n{each.case.name}: a message ({count} were sent)")
        for function, done in each.functions.items():
            rates = ", ".join(f"{name} {number / count:.3f}" for name, number in done.items())
            print(f"  {function:<8}{rates}; {duration_ms(function, done):.0f} ms modelled")


if __name__ == "__main__":
    main()
