"""A campaign of one account at a carrier of limited rate, and OTPs of another beside it."""

import time
import uuid
from collections.abc import Mapping

import httpx

from local.carrier import CarrierSettings
from local.stack import Stack, StackSettings
from tests.stack.campaigns import wait_until

RECORDS = 1_000
RATE = 100
SETTINGS = StackSettings(
    carrier=CarrierSettings(answer_delay_s=0.02),
    carrier_fields={"timeout_s": 5, "rate_segments_per_s": RATE},
)
# The request is still in work, or no execution took it in time.
AGAIN = (409, 503, 504)
# Only a hanging run takes so long, however busy the machine is.
WITHIN_S = 300
TEXT = "{} is your one-time password. Tell it to nobody. HARKARA"


def send_bulk(stack: Stack, http: httpx.Client, count: int) -> None:
    """Send the campaign of `sandbox`."""
    for start in range(0, count, RECORDS):
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
        _send(stack, http, body)


def _send(stack: Stack, http: httpx.Client, body: Mapping[str, object]) -> httpx.Response:
    """Send a request under its key until it is accepted: a busy machine answers 503."""
    url, key = f"{stack.endpoint}/datasend", {"Idempotency-Key": uuid.uuid4().hex}
    while (answer := http.post(url, json=body, headers=key)).status_code in AGAIN:
        time.sleep(float(answer.headers.get("retry-after", 1)))
    return answer.raise_for_status()


def otp_s(stack: Stack, http: httpx.Client) -> float:
    """Send an OTP of `demo`; return the seconds from its POST to the carrier."""
    record = {
        "to": "919812345678",
        "from": "HKROTP",
        "smstext": TEXT.format(uuid.uuid4().int % 1_000_000),
        "smsgid": uuid.uuid4().hex,
        "templateid": "1107161234567890002",
    }
    body = {"user": "demo", "pass": "demo-secret", "smstosend": [record]}
    began_s = time.perf_counter()
    answer = _send(stack, http, body)
    request = {"ref": answer.json()[0]["mid"]}
    url = f"{stack.carrier_url}/submissions"
    assert wait_until(
        lambda: any(each["outcome"] == "taken" for each in http.get(url, params=request).json()),
        WITHIN_S,
        0.005,
    ), "the OTP does not go out"
    return time.perf_counter() - began_s


def taken(stack: Stack, http: httpx.Client) -> int:
    """Return how many messages the carrier has accepted."""
    counted = http.get(f"{stack.carrier_url}/submissions?summary=1").json()
    return int(counted["taken"])


def wait_until_it_flows(stack: Stack, http: httpx.Client) -> None:
    """Return when the carrier has accepted more messages of the campaign than a second allows."""
    before = taken(stack, http)
    assert wait_until(lambda: taken(stack, http) > before + RATE, WITHIN_S), "no campaign flows"
