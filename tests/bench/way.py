"""The whole way on the local stack: messages a second end to end, and one message's latency.

The emulator is one thread on the same cores, so the throughput is compared to its own raw write
rate, measured in the same run.
"""

import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from harkara.aws.carriers import DynamoCarrierStore
from local.carrier import CarrierSettings
from local.stack import Stack, StackSettings
from tests.bench.report import Row

CAMPAIGN = 5_000
RECORDS = 1_000
CAMPAIGNS = 3
SUBMITTING = 3
SINGLES = 20
RAW_ITEMS = 5_000
DEADLINE_S = 120
SANDBOX = {"user": "sandbox", "pass": "sandbox-secret"}


def measure() -> list[Row]:
    """Return the rows of this part."""
    settings = StackSettings(
        carrier=CarrierSettings(answer_delay_s=0.05, receipt_delay_s=0, gather_s=0.05),
        # A large campaign needs this on AWS too: its requests spread over executions.
        parameters={"SubmitConcurrency": str(SUBMITTING), "SubmitBatchSize": "1"},
        warm_workers=SUBMITTING,
    )
    with Stack(settings) as stack, httpx.Client(timeout=60) as http:
        _end_two_way(stack)
        _campaign(stack, http)  # warm
        rates = [_campaign(stack, http) for _ in range(CAMPAIGNS)]
        raw = _raw_writes_a_second(stack)
        http.post(
            f"{stack.carrier_url}/settings", json={"answer_delay_s": 0, "gather_s": 0}
        ).raise_for_status()
        _single_ms(stack, http)
        latencies = [_single_ms(stack, http) for _ in range(SINGLES)]
        repeated = http.get(f"{stack.carrier_url}/submissions").json()["repeated"]
    rate = statistics.median(rates)
    return [
        Row(
            "end to end, POST to callback",
            rate,
            "messages/s",
            1_000,
            at_least=True,
            note=f"median of {', '.join(f'{each:.0f}' for each in rates)}",
        ),
        Row("the emulator's raw write rate", raw, "items/s", note="25 a call, one client"),
        Row("end to end / raw writes", rate / raw, "x"),
        Row(
            "a single message on an idle stack, POST to callback",
            statistics.median(latencies),
            "ms",
            150,
            note=f"median of {SINGLES}",
        ),
        Row("messages that the carrier got twice", len(repeated), "", 0),
    ]


def _end_two_way(stack: Stack) -> None:
    """Disable replies, as by default: they cost a write for each message."""
    store = DynamoCarrierStore(stack.client("dynamodb"), stack.outputs["AccountsTableName"])
    account = store.account("sandbox")
    assert account
    store.put_account(account.model_copy(update={"two_way": False}))


def records(run: str, start: int, count: int) -> list[dict[str, str]]:
    """Return the records of a campaign, or a part of them."""
    return [
        {
            "to": f"9198{n:08d}",  # none of the carrier's magic numbers
            "from": "HARKAR",
            "smstext": f"Dear customer {n}, your order {run} was shipped.",
            "smsgid": f"{run}.{n}",
        }
        for n in range(start, start + count)
    ]


def _campaign(stack: Stack, http: httpx.Client) -> float:
    """Send a campaign; return messages a second from the first POST to the last callback."""
    http.delete(f"{stack.platform_url}/callbacks").raise_for_status()
    run = uuid.uuid4().hex[:8]
    requests = [
        {**SANDBOX, "smstosend": records(run, start, RECORDS)}
        for start in range(0, CAMPAIGN, RECORDS)
    ]
    began = time.perf_counter()
    for request in requests:
        http.post(f"{stack.endpoint}/datasend", json=request).raise_for_status()
    _wait(lambda: _delivered(stack, http) >= CAMPAIGN)
    return CAMPAIGN / (time.perf_counter() - began)


def _single_ms(stack: Stack, http: httpx.Client) -> float:
    before = _delivered(stack, http)
    record = {"to": "919812345678", "from": "HARKAR", "smstext": "Hi", "smsgid": uuid.uuid4().hex}
    began = time.perf_counter()
    http.post(f"{stack.endpoint}/datasend", json={**SANDBOX, "smstosend": [record]})
    _wait(lambda: _delivered(stack, http) > before, pause_s=0.002)
    return (time.perf_counter() - began) * 1000


def _delivered(stack: Stack, http: httpx.Client) -> int:
    summary: dict[str, Any] = http.get(f"{stack.platform_url}/callbacks?summary=1").json()
    return int(summary["delivered"])


def _raw_writes_a_second(stack: Stack) -> float:
    client, table = stack.client("dynamodb"), stack.outputs["MessagesTableName"]
    began = time.perf_counter()
    for start in range(0, RAW_ITEMS, 25):
        client.batch_execute_statement(
            Statements=[
                {
                    "Statement": f"INSERT INTO \"{table}\" VALUE {{'pk':?,'sk':?,'data':?}}",
                    "Parameters": [{"S": "bench"}, {"S": uuid.uuid4().hex}, {"S": "x" * 100}],
                }
                for _ in range(start, start + 25)
            ]
        )
    return RAW_ITEMS / (time.perf_counter() - began)


def _wait(done: Callable[[], bool], pause_s: float = 0.1) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError("the stack did not finish in time: see its log")
        time.sleep(pause_s)
