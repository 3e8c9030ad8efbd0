"""The time until `harkara --help` ends, in a fresh process."""

import statistics
import subprocess
import sys
import time

from local.settings import ROOT
from tests.bench.report import Row

ROUNDS = 15


def measure() -> list[Row]:
    """Return the row of this part."""
    took_s = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "cli", "--help"], cwd=ROOT, capture_output=True, check=True
        )
        took_s.append(time.perf_counter() - began_s)
    median_s = statistics.median(took_s)
    return [Row("harkara --help", median_s, "s", 0.5, note=f"median of {ROUNDS}")]
