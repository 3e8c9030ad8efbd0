"""Processes that post callbacks, and the health of their endpoints."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harkara.model.callbacks import CallbackEndpoint, PostResult
from harkara.model.messages import Endpoint
from harkara.state.endpoint_health import Admission, EndpointHealth, Verdict
from harkara.state.endpoint_health_record import QUICK_MS
from harkara.state.rates import RateLimiter
from tests.support.fakes import FakeLimitStore, Faults, trust

POST, WAIT, FAILING, GONE = Verdict.POST, Verdict.WAIT, Verdict.FAILING, Verdict.GONE
ENDPOINT = Endpoint("https://acme.example/dlr", "clevertap", "main")
START_S = 1_767_258_000.0
LEASE_S = 13.0
TAKEN = PostResult(200, "HTTP 200")
FAILED = PostResult(500, "HTTP 500")
SLOW = replace(TAKEN, duration_ms=QUICK_MS + 1)


class Street:
    """Processes that post to one endpoint, with a manual clock."""

    def __init__(self, processes: int = 1, **fields: Any) -> None:
        self.now_s = START_S
        self.faults = Faults()
        self.store = FakeLimitStore(self.faults)
        self.settings = CallbackEndpoint(id="main", url=ENDPOINT.url, **fields)
        self.processes = [
            EndpointHealth(self.store, RateLimiter(self.store, self.clock, lambda: 0.5), self.clock)
            for _ in range(processes)
        ]
        self.leases = iter(range(1_000_000))

    def clock(self) -> float:
        return self.now_s

    def acquire(self, process: int = 0, *, at_once: bool = False) -> Admission:
        endpoint_health, lease = self.processes[process], str(next(self.leases))
        return endpoint_health.acquire(
            "acme", ENDPOINT, self.settings, lease, LEASE_S, at_once=at_once
        )

    def report(self, admission: Admission, result: PostResult, process: int = 0) -> None:
        self.processes[process].report("acme", ENDPOINT, admission, result)

    def post(self, result: PostResult, process: int = 0) -> None:
        """Acquire, post and release: the endpoint must allow the post."""
        admission = self.acquire(process)
        assert admission.verdict is POST
        self.report(admission, result, process)

    def trust(self) -> None:
        trust(self.store, "acme", ENDPOINT, self.now_s)


def verdicts(entries: Sequence[Admission]) -> list[Verdict]:
    return [admission.verdict for admission in entries]
