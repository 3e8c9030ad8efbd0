"""The metrics in a line of the log."""

from typing import Any

from harkara.runtime.metrics import COUNTS, DELAYS, SHARES

_UNITS = {
    name: unit
    for unit, table in (("Count", COUNTS), ("Milliseconds", DELAYS), ("Percent", SHARES))
    for names in table.values()
    for name in names
}


def metrics_of(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line's metrics, after a check of their units."""
    if "_aws" not in line:
        return {}
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    for metric in directive["Metrics"]:
        assert metric["Unit"] == _UNITS[metric["Name"]]
    return {metric["Name"]: line[metric["Name"]][0] for metric in directive["Metrics"]}
