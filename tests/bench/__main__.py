"""`make bench`: prints what things cost, as ratios of things measured beside them in one run."""

import platform
import sys
from datetime import UTC, datetime

from tests.bench import accept, cold, dlt, units, way


def main() -> int:
    """Run all parts; return 1 when a bar of the project is missed."""
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}")
    rows = [
        *accept.measure(),
        *dlt.measure(),
        *cold.measure(),
        *units.measure(),
        *way.measure(),
    ]
    for row in rows:
        print(row)
    missed = [row for row in rows if not row.met]
    print(f"{len(rows) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
