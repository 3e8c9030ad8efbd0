"""The whole life of messages on a ledger: their AWS usage, by unit and by function.

The handlers run on the real services, adapters and SDK, from the request to the check 72 hours
after it; AWS is a ledger in memory. Carrier and platform answer at once, and accept everything.
"""

import io
import json
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harkara.model.callbacks import PostResult
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS
from harkara.runtime.logging import logger
from harkara.state.endpoint_health import Admission, Verdict
from tests.bench.ledger import Ledger
from tests.bench.logs import caught_log
from tests.bench.wiring import ACCOUNT, ENDPOINT, RECEIPT_WAIT_S, SECRET, TOKEN, Everything, wire
from tests.functions.invoking import Context, Event, http_event, sqs_event
from tests.template.reading import functions, memory_gb

PRICES = Path(__file__).parent / "prices.json"
ARRAY = 100
# Four runs a minute read the cursors and query their shards, then do both for another run's shards;
# after moving due tasks they move the cursor. This usage belongs to no message: it has its own row.
SWEEP_UNITS = {"read_units": 2 * (4 + SHARDS), "write_units": SHARDS}
MEMORY_GB = {name: memory_gb(name) for name in functions()}


class Case(NamedTuple):
    """A pattern of messages: `records` in a request, `receipts` in a POST of the carrier.

    `apart`: each POST is processed before the next comes, so no receipts wait to be coalesced.
    `past_api`: receipts come by a URL of the function (`ReceiptUrl`).
    """

    name: str
    requests: int
    records: int
    receipts: int
    bar: float
    apart: bool = False
    past_api: bool = False


CASES = (
    Case("in bulk, receipts in arrays", 2, 1_000, ARRAY, 1.5),
    Case("in bulk, receipts one by one", 2, 1_000, 1, 2.5),
    Case("in bulk, receipts one by one and far apart", 2, 1_000, 1, 2.5, apart=True),
    Case("one-message requests", 200, 1, 1, 6),
    Case("one-message requests, receipts far apart", 200, 1, 1, 6, apart=True),
    Case("one-message requests, receipts past the API", 200, 1, 1, 6, past_api=True),
)


class Used(NamedTuple):
    """The average usage of a message in a case."""

    case: Case
    amounts: Mapping[str, float]
    calls: float
    functions: Mapping[str, Counter[str]]
    """The counts of each function over all messages: its calls, `invocations` and `log_bytes`."""
    log: str


class Life:
    """The functions on a ledger, warm."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._ledger = Ledger()
        self._outside = Everything()
        self._offset_s = 0.0
        self._functions: dict[str, Counter[str]] = defaultdict(Counter)
        self._log = io.StringIO()
        self._api_requests = 0
        self._modules, self._endpoint_health = wire(self._ledger, self._outside, self._clock)

    def run(self) -> Used:
        case, ledger = self._case, self._ledger
        with caught_log() as log:
            self._log = log
            self._send("warm", 1)
            self._settle(1, apart=True)
            # Under steady traffic an endpoint's trust needs only one write in five minutes.
            acknowledged = Admission(Verdict.POST), PostResult(200, "")
            self._endpoint_health.report(ACCOUNT.id, ENDPOINT, *acknowledged)
            ledger.billed.clear()
            ledger.calls.clear()
            self._functions.clear()
            self._api_requests = 0
            log.seek(0)
            log.truncate()
            for number in range(case.requests):
                self._send(str(number), case.records)
            self._settle(case.receipts, apart=case.apart)
            logged = log.getvalue()
        _serve_as("bench")
        count = case.requests * case.records
        amounts = {name: amount / count for name, amount in ledger.billed.items()}
        amounts["read_units"] = amounts.pop("half_read_units") / 2
        assumed_ms = json.loads(PRICES.read_text())["assumed_ms"]
        amounts |= {
            "api_requests": self._api_requests / count,
            "invocations": sum(each["invocations"] for each in self._functions.values()) / count,
            "gb_s": sum(
                each["invocations"] * assumed_ms[name] / 1000 * MEMORY_GB[name]
                for name, each in self._functions.items()
            )
            / count,
            "log_gb": len(logged) / 1e9 / count,
        }
        return Used(case, amounts, sum(ledger.calls.values()) / count, self._functions, logged)

    def _send(self, name: str, count: int) -> None:
        records = [
            {
                "to": f"9198{number:08d}",
                "from": "ACMEBK",
                "smstext": f"Dear customer {number}, your order {name}.{number} was shipped.",
                "smsgid": f"{1_700_000_000 + number}.12000.{name}.20260101.0.wzrk_default.-1.",
            }
            for number in range(count)
        ]
        body = json.dumps({"user": "demo", "pass": SECRET, "smstosend": records})
        self._call("send", http_event("POST", "/datasend", body))

    def _settle(self, receipts: int, *, apart: bool) -> None:
        """Do all waiting work: submits, receipts, callbacks, and the checks three days later."""
        self._work("submit", QueueName.SUBMIT)
        taken, self._outside.taken = self._outside.taken, []
        for at in range(0, len(taken), receipts):
            entries = [{"smsgid": each, "status": "DELIVRD"} for each in taken[at : at + receipts]]
            body = json.dumps(entries if receipts > 1 else entries[0])
            self._call("receipt", http_event("POST", f"/receipts/sim/{TOKEN}", body))
            if apart:
                self._work("dlr", QueueName.RECEIPT)
        self._work("dlr", QueueName.RECEIPT)
        self._work("dlr", QueueName.CALLBACK)
        self._offset_s += RECEIPT_WAIT_S + 60
        self._sweep()
        self._work("dlr", QueueName.RECEIPT)
        assert not any(self._ledger.queues.values())

    def _sweep(self) -> None:
        """Sweep all shards in one run; subtract costs that do not depend on the number of tasks."""
        calls, billed = self._ledger.calls, self._ledger.billed
        moved = calls["UpdateItem"]
        self._call("sweep", {})
        moves = min(calls["UpdateItem"] - moved, SHARDS)
        calls.subtract({"GetItem": 1, "Query": SHARDS, "UpdateItem": moves})
        billed.subtract({"half_read_units": 2 * (1 + SHARDS), "write_units": moves})

    def _work(self, function: str, queue: QueueName) -> None:
        while bodies := self._ledger.receive(queue):
            event = sqs_event(*bodies)
            for record in event["Records"]:
                record["messageId"] = str(uuid.uuid4())  # ledger entries have it: the task id
            answer = self._call(function, event)
            assert answer == {"batchItemFailures": []}, answer

    def _call(self, function: str, event: Event) -> Any:
        if "rawPath" in event and not (function == "receipt" and self._case.past_api):
            self._api_requests += 1
        before, logged = self._calls(), self._log.tell()
        _serve_as(function)
        answer = self._modules[function].handler(event, Context())
        done = self._functions[function]
        done.update(self._calls() - before)
        done["invocations"] += 1
        done["tasks"] += len(event.get("Records", "1"))
        done["log_bytes"] += self._log.tell() - logged
        assert answer.get("statusCode", 200) == 200, answer
        return answer

    def _calls(self) -> Counter[str]:
        return self._ledger.calls + self._outside.calls

    def _clock(self) -> float:
        return time.time() + self._offset_s


def _serve_as(service: str) -> None:
    """Log under a function's name, as its own process does: metrics contain it."""
    logger.service = service
    logger.append_keys(service=service)
