"""AWS's documented limits, and their usage.

A slice of the system has its share of each limit. Limits on the items of one request (their
partition) stay whole: their usage does not grow with the traffic.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMITS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "limits.json").read_text())[
    "limits"
]
API, ACCOUNT, NEW = (
    "API Gateway, requests a second",
    "Lambda, concurrency of the account",
    "Lambda, new environments a second",
)
POLLERS = "Lambda, pollers of a queue at first"
IN_FLIGHT = "SQS, messages in flight"
PARTITION = {
    "write": "DynamoDB, writes of a partition",
    "read": "DynamoDB, reads of a partition",
}
TABLE = {"write": "DynamoDB, writes of a table", "read": "DynamoDB, reads of a table"}
# Usage is measured in windows of this length.
WINDOW_S = 10.0
# After this time an on-demand table accepts twice its highest traffic so far.
RAMP_S = 1800.0


@dataclass(slots=True)
class _Gauge:
    """The rest of a limit for one key, and its usage in this window."""

    left: float
    at_s: float
    window: int = 0
    used: float = 0.0


class Meter:
    """Admits or refuses calls; keeps the fullest window and the refusals of each limit."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._gauges: dict[tuple[str, str], _Gauge] = {}
        self.fullest: dict[str, tuple[float, str]] = {}
        self.refused: Counter[str] = Counter()
        self.first_refused_s: dict[str, float] = {}

    def take(
        self, limit: str, amount: float, per_s: float, burst: float = 0.0, key: str = ""
    ) -> bool:
        """Use an amount of a limit, as of a token bucket; return False if the bucket is empty.

        The bucket's capacity is `burst`, or else one second of the rate.
        """
        now_s, room = self._clock(), burst or per_s
        gauge = self._gauges.get((limit, key))
        if gauge is None:
            gauge = self._gauges[limit, key] = _Gauge(room, now_s)
        gauge.left = min(room, gauge.left + (now_s - gauge.at_s) * per_s)
        gauge.at_s = now_s
        if gauge.left <= 0:
            self.refuse(limit)
            return False
        gauge.left -= amount
        self._add(limit, gauge, amount, per_s, key)
        return True

    def hold(self, limit: str, for_s: float, most: float, key: str = "") -> None:
        """Record that one of `most` slots was occupied for this time."""
        gauge = self._gauges.setdefault((limit, key), _Gauge(0.0, 0.0))
        self._add(limit, gauge, for_s, most, key)

    def refuse(self, limit: str) -> None:
        self.refused[limit] += 1
        self.first_refused_s.setdefault(limit, self._clock())

    def _add(self, limit: str, gauge: _Gauge, amount: float, per_s: float, key: str) -> None:
        window = int(self._clock() / WINDOW_S)
        if window != gauge.window:
            gauge.window, gauge.used = window, 0.0
        gauge.used += amount
        share = gauge.used / (WINDOW_S * per_s)
        if share > self.fullest.get(limit, (0.0, ""))[0]:
            self.fullest[limit] = share, key


class Ramp:
    """The capacity of an on-demand table per second, as its traffic grows."""

    def __init__(self, first: float, most: float, clock: Callable[[], float]) -> None:
        self.per_s, self._most, self._clock = first, most, clock
        self._since_s, self._window, self._used, self._peak = clock(), 0, 0.0, 0.0

    def note(self, amount: float) -> float:
        """Record used units; return the table's present capacity per second."""
        now_s = self._clock()
        if (window := int(now_s / WINDOW_S)) != self._window:
            self._peak = max(self._peak, self._used / WINDOW_S)
            self._window, self._used = window, 0.0
        self._used += amount
        if now_s - self._since_s >= RAMP_S:
            self.per_s = min(self._most, max(self.per_s, 2 * self._peak))
            self._since_s = now_s
        return self.per_s
