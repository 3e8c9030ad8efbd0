"""`make bench`: prints measured costs, as ratios to references measured in the same run.

`python -m tests.bench cold accept` runs only these of its parts.
"""

import platform
import sys
from datetime import UTC, datetime

from tests.bench import (
    accept,
    callbacks,
    cold,
    command,
    console,
    dlt,
    isolation,
    kannel,
    lanes,
    links,
    restore,
    units,
    way,
)

PARTS = {
    "accept": accept.measure,
    "dlt": dlt.measure,
    "links": links.measure,
    "callbacks": callbacks.measure,
    "cold": cold.measure,
    "command": command.measure,
    "console": console.measure,
    "restore": restore.measure,
    "isolation": isolation.measure,
    "lanes": lanes.measure,
    "units": units.measure,
    "way": way.measure,
    "kannel": kannel.measure,
}


def main(*names: str) -> int:
    """Run these parts, or all; return 1 when a bar of the project is missed."""
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}")
    rows = [row for name in names or PARTS for row in PARTS[name]()]
    for row in rows:
        print(row)
    missed = [row for row in rows if not row.met]
    print(f"{len(rows) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
