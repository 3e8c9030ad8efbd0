"""One account's campaign at a carrier of limited rate does not delay another account's OTP.

SQS' fair queues, which on AWS keep accounts apart within a lane, are not in the emulator: here the
lanes and their shares of the carrier's rate do it alone. The stack is one of its own, and stops
with the campaign in it.
"""

import math
import os
import statistics
import time
import uuid
from collections.abc import Iterator

import httpx
import pytest

from local.carrier import CarrierSettings
from local.stack import Stack, StackSettings

pytestmark = pytest.mark.stack

BULK = int(os.environ.get("BULK_MESSAGES", "10000"))
RECORDS = 1_000
OTPS = 9
ROUNDS = 3
ROUNDS_BESIDE = 10
RATE = 100
SUBMITTED_WITHIN_S = 20
FLOWS_WITHIN_S = 20
TEXT = "{} is your one-time password. Tell it to nobody. HARKARA"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    settings = StackSettings(
        carrier=CarrierSettings(answer_delay_s=0.02),
        carrier_fields={"timeout_s": 5, "rate_segments_per_s": RATE},
    )
    with Stack(settings) as stack:
        yield stack


def send_bulk(stack: Stack, http: httpx.Client) -> None:
    for start in range(0, BULK, RECORDS):
        records = [
            {
                "to": f"9198{number:08d}",
                "from": "HARKAR",
                "smstext": f"Dear customer {number}, your order was shipped.",
                "smsgid": f"bulk-{number}",
            }
            for number in range(start, start + RECORDS)
        ]
        body = {"user": "sandbox", "pass": "sandbox-secret", "smstosend": records}
        http.post(f"{stack.endpoint}/datasend", json=body).raise_for_status()


def otp_s(stack: Stack, http: httpx.Client) -> float:
    """Return how long an OTP of the account `demo` takes from its POST to the carrier."""
    record = {
        "to": "919812345678",
        "from": "HKROTP",
        "smstext": TEXT.format(uuid.uuid4().int % 1_000_000),
        "smsgid": uuid.uuid4().hex,
        "templateid": "1107161234567890002",
    }
    body = {"user": "demo", "pass": "demo-secret", "smstosend": [record]}
    # What it took before would make its answers long.
    http.delete(f"{stack.carrier_url}/submissions").raise_for_status()
    began = time.perf_counter()
    answer = http.post(f"{stack.endpoint}/datasend", json=body).raise_for_status()
    mid = answer.json()[0]["mid"]
    while mid not in http.get(f"{stack.carrier_url}/submissions").json()["by_mid"]:
        assert time.perf_counter() < began + SUBMITTED_WITHIN_S, "the OTP does not go out"
        time.sleep(0.005)
    return time.perf_counter() - began


def median_otp_s(stack: Stack, http: httpx.Client) -> float:
    times = []
    for _ in range(OTPS):
        times.append(otp_s(stack, http))
        time.sleep(0.2)  # a place at the priority lane's rate
    return statistics.median(times)


def wait_until_it_flows(stack: Stack, http: httpx.Client) -> None:
    """Return when the carrier has taken more of the campaign than it takes in a second."""
    http.delete(f"{stack.carrier_url}/submissions").raise_for_status()
    deadline = time.perf_counter() + FLOWS_WITHIN_S
    while http.get(f"{stack.carrier_url}/submissions?summary=1").json()["taken"] <= RATE:
        assert time.perf_counter() < deadline, "no campaign is in the way"
        time.sleep(0.1)


def test_an_otp_beside_a_queued_campaign_takes_at_most_twice_as_long_as_alone(
    stack: Stack,
) -> None:
    with httpx.Client(timeout=60) as http:
        median_otp_s(stack, http)  # warm
        alone_s = min(median_otp_s(stack, http) for _ in range(ROUNDS))
        send_bulk(stack, http)
        wait_until_it_flows(stack, http)
        # Other programs of this machine take their part of a round, never of all.
        beside_s = math.inf
        for _ in range(ROUNDS_BESIDE):
            beside_s = min(beside_s, median_otp_s(stack, http))
            if beside_s <= 2 * alone_s:
                break
        wait_until_it_flows(stack, http)  # it was in the way until the end
    assert beside_s <= 2 * alone_s, f"{alone_s:.3f} s alone, {beside_s:.3f} s beside a campaign"
    print(f"an OTP: {alone_s * 1000:.0f} ms alone, {beside_s * 1000:.0f} ms beside a campaign")
