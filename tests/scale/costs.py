"""The cost of a million messages on AWS, by part: counted units and calls, list prices.

Units, calls and bytes are counted on the real services; durations are modelled from the counted
calls (`latencies.json`), and prices are read from `tests/bench/prices.json`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.life import MEMORY_GB, PRICES, Used
from tests.scale.meter import LIMITS, POLLERS
from tests.template.reading import functions, resources

REGION = "us-east-1"
MODEL = json.loads((Path(__file__).parent / "latencies.json").read_text())
MONTH_S = 30 * 86_400
# Duration of a long poll on an empty queue.
POLL_S = 20
BATCHED = ("submit", "dlr")
PARTS = {
    "DynamoDB, written": "write_units",
    "DynamoDB, read": "read_units",
    "SQS requests": "sqs_requests",
    "API Gateway requests": "api_requests",
    "Lambda requests": "invocations",
    "Lambda durations (modelled)": "gb_s",
    "logs": "log_gb",
}


def duration_ms(function: str, done: Counter[str]) -> float:
    """Return the mean duration of an invocation; the tasks of one batch wait at the same time."""
    count = done["invocations"]
    calls = {name: number for name, number in done.items() if name in MODEL["call_ms"]}
    tasks = done["tasks"] / count if function in BATCHED else 1
    waits_ms = sum(number * MODEL["call_ms"][name] for name, number in calls.items()) / count
    cpu_ms = MODEL["cpu_ms_a_task"] * tasks + MODEL["cpu_ms_a_call"] * sum(calls.values()) / count
    return float(cpu_ms + waits_ms / tasks)


def usd_a_million(used: Used) -> Mapping[str, float]:
    """Return the cost of a million messages, by part."""
    price = json.loads(PRICES.read_text())["regions"][REGION]
    count = used.case.requests * used.case.records
    gb_s = sum(
        done["invocations"] * duration_ms(function, done) / 1000 * MEMORY_GB[function]
        for function, done in used.functions.items()
    )
    amounts = {**used.amounts, "gb_s": gb_s / count}
    return {part: amounts[unit] * price[unit] * 1e6 for part, unit in PARTS.items()}


def fixed_usd(metrics: int) -> Mapping[str, float]:
    """Return the monthly cost of an idle stack, by part."""
    price = json.loads(PRICES.read_text())
    month = price["month"]
    request = price["regions"][REGION]["sqs_requests"]
    pollers = LIMITS[POLLERS]["value"] * len(mappings())
    snapshot_gb = sum(
        properties["MemorySize"] / 1024
        for properties in functions().values()
        if "SnapStart" in properties
    )
    # Only resources that exist with default parameters. An alarm is billed by its metrics.
    alarms = sum(
        sum("MetricStat" in metric for metric in alarm["Properties"].get("Metrics", [])) or 1
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if "Condition" not in alarm
    )
    dashboards, secrets, keys = (
        sum("Condition" not in resource for resource in resources(kind).values())
        for kind in (
            "AWS::CloudWatch::Dashboard",
            "AWS::SecretsManager::Secret",
            "AWS::KMS::Key",
        )
    )
    return {
        f"{pollers} pollers of idle queues": pollers * MONTH_S / POLL_S * request,
        f"{metrics} custom metrics (one carrier)": metrics * price["custom_metric_month"],
        f"snapshots of {snapshot_gb:g} GB of functions": snapshot_gb
        * MONTH_S
        * month["snapshot_gb_s"],
        f"{alarms} metrics of alarms": alarms * month["alarm"],
        f"{dashboards} dashboard": dashboards * month["dashboard"],
        f"{secrets} secrets": secrets * month["secret"],
        f"{keys} key": keys * month["key"],
    }


def mappings() -> Sequence[Mapping[str, Any]]:
    """Return the queues that Lambda polls, from the template."""
    return [
        event["Properties"]
        for properties in functions().values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


def metrics_of(log: str) -> set[tuple[str, ...]]:
    """Return the custom metrics in a log: CloudWatch bills each name with each set of values."""
    return {key for line in log.splitlines() for key in _metrics_in(json.loads(line))}


def _metrics_in(line: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    emf = line.get("_aws")
    if not isinstance(emf, dict):
        return
    for directive in emf["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            values = [f"{name}={line[name]}" for name in sorted(names)]
            for metric in directive["Metrics"]:
                yield directive["Namespace"], metric["Name"], *values
