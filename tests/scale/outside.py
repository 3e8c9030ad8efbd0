"""The peers of the system: platforms that send and are called back, a carrier and its receipts."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harkara.base.ids import accepted_at_ms
from harkara.carriers.contract import NotTaken, Outcome, Revocation, Submission, Taken
from harkara.model.callbacks import Destination, PostResult
from harkara.model.events import Dlr
from harkara.model.tasks import CallbackTask
from tests.bench.wiring import SECRET, TOKEN
from tests.scale.cloud import MODEL, Cloud
from tests.scale.lambdas import Gateway

# Number of a client's attempts after refusals, the first pause up to a second, then doubled; a
# carrier retries for hours.
TRIES = 8
_PAUSE_LIMIT_S = 60.0
# Time in which a stream grows to its rate.
_RAMP_S = 60.0


@dataclass(frozen=True)
class Stream:
    """One tenant's traffic: requests of `records` messages each, at a steady rate."""

    tenant: str
    messages: int
    rate_per_s: float
    records: int = 1
    begins_after_s: float = 0.0


@dataclass
class Heard:
    """The outcomes of a tenant's messages, and the durations in seconds."""

    accepted: set[str] = field(default_factory=set)
    refused: int = 0
    reported: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    accept_s: list[float] = field(default_factory=list)
    submit_s: list[float] = field(default_factory=list)
    callback_s: list[float] = field(default_factory=list)


class Outside:
    """Platforms and a carrier. During `down` (seconds from the start) the carrier is down.

    With `gather` its receipts of a block come in one array.
    """

    timeout_s = 10.0

    def __init__(
        self,
        cloud: Cloud,
        *,
        gather: bool,
        down: tuple[float, float] = (0.0, 0.0),
        due_after_s: float = 0.0,
    ) -> None:
        self._cloud, self._threads = cloud, cloud.threads
        self._gather, self._down = gather, down
        self._due_s = cloud.threads.clock() + due_after_s
        self.gateway: Gateway
        self.under_way = 0
        self.received: dict[str, Heard] = {}
        self.taken: Counter[str] = Counter()
        self._tenants: dict[str, str] = {}
        self._reported_by_carrier_s: dict[str, float] = {}

    def send(self, stream: Stream) -> None:
        """Start a tenant's traffic."""
        self.under_way += 1
        self.received.setdefault(stream.tenant, Heard())
        self._threads.start(partial(self._send, stream), after_s=stream.begins_after_s)

    def _send(self, stream: Stream) -> None:
        # Streams start at random moments, and grow to their rates.
        began_s = self._threads.now_s
        pause_s = stream.records / stream.rate_per_s
        self._threads.sleep(self._cloud.rng.random() * pause_s)
        for number in range(0, stream.messages, stream.records):
            self.under_way += 1
            count = min(stream.records, stream.messages - number)
            self._threads.start(partial(self._request, stream.tenant, number, count))
            since_s = self._threads.now_s - began_s
            slower = max(1.0, _RAMP_S / (since_s + _RAMP_S / 10))
            self._threads.sleep(pause_s * slower * 2 * self._cloud.rng.random())
        self.under_way -= 1

    def _request(self, tenant: str, first: int, count: int) -> None:
        received, began_s = self.received[tenant], self._threads.now_s
        records = [
            {
                "to": f"9198{number % 10**8:08d}",
                "from": "ACMEBK",
                "smstext": f"Dear customer {number}, your order {tenant}.{number} was shipped.",
                "smsgid": f"{1_700_000_000 + number}.12000.{tenant}.20260101.0.wzrk_default.-1.",
            }
            for number in range(first, first + count)
        ]
        body = json.dumps({"user": tenant, "pass": SECRET, "smstosend": records})
        answer = self._post("/datasend", body, TRIES)
        if answer is None:
            received.refused += count
        else:
            received.accept_s.append(self._threads.now_s - began_s)
            mids = {row["mid"] for row in answer}
            assert len(mids) == count
            received.accepted |= mids
        self.under_way -= 1

    def _post(self, path: str, body: str, attempts: int) -> Any:
        """Post until accepted; return the answer's body, or None after all attempts."""
        for number in range(attempts):
            status, answer = self.gateway.post(path, body)
            if status == 200:
                return answer or ()
            assert status in (429, 503), (status, answer)
            self._cloud.calls[f"HTTP {status}"] += 1
            most_s = min(_PAUSE_LIMIT_S, 2.0**number)
            self._threads.sleep(most_s * (0.5 + self._cloud.rng.random() / 2))
        return None

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        await self._wait("carrier")
        if self._down[0] <= self._threads.now_s < self._down[1]:
            return [NotTaken(failed=True) for _ in submissions]
        for each in submissions:
            self._take(each)
        receipts = [each.reference for each in submissions]
        size = len(receipts) if self._gather else 1
        for at in range(0, len(receipts), size):
            self.under_way += 1
            self._threads.start(
                partial(self._receipt, receipts[at : at + size]),
                after_s=self._cloud.latency_s("receipt"),
            )
        return [Taken(each.reference[-20:]) for each in submissions]

    def _take(self, submission: Submission) -> None:
        mid = submission.reference.split(".")[0]
        self.taken[mid] += 1
        self._tenants[mid] = submission.account_id
        since_s = max(accepted_at_ms(mid) / 1000, self._due_s)
        self.received[submission.account_id].submit_s.append(self._threads.clock() - since_s)

    def _receipt(self, references: Sequence[str]) -> None:
        now_s = self._threads.now_s
        self._reported_by_carrier_s |= {each.split(".")[0]: now_s for each in references}
        entries = [{"smsgid": each, "status": "DELIVRD"} for each in references]
        body = json.dumps(entries if len(entries) > 1 else entries[0])
        assert self._post(f"/receipts/sim/{TOKEN}", body, 200) is not None
        self.under_way -= 1

    async def revoke(self, submission: Submission, within_s: float) -> Revocation:
        return Revocation.KEPT

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        await self._wait("platform")
        now_s = self._threads.now_s
        received = self.received[callback.account_id]
        for member in callback.members:
            assert isinstance(member, Dlr)
            received.reported[member.mid] += 1
            received.states[member.state] += 1
            reported_s = self._reported_by_carrier_s.pop(member.mid, None)
            if reported_s is not None:
                received.callback_s.append(now_s - reported_s)
        return PostResult(200, "", duration_ms=60)

    async def _wait(self, what: str) -> None:
        """Use the CPU of a call, and wait for its latency."""
        cloud = self._cloud
        cloud.calls[what] += 1
        waits_s = self._threads.current.owner.cpu(MODEL["cpu_ms_a_call"] / 1000)
        await asyncio.sleep(waits_s + cloud.latency_s(what))
