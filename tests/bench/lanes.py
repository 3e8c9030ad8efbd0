"""An OTP alone, and beside another account's queued campaign."""

import statistics

import httpx

from local.stack import Stack
from tests.bench.report import Row
from tests.support.otps import SETTINGS, otp_s, send_bulk, wait_until_it_flows

BULK = 10_000
OTPS = 9
ROUNDS = 3


def measure() -> list[Row]:
    """Return the row of this part: the quickest rounds, since other programs use the CPU too."""
    with Stack(SETTINGS) as stack, httpx.Client(timeout=60) as http:

        def median_s() -> float:
            return statistics.median(otp_s(stack, http) for _ in range(OTPS))

        median_s()  # warm
        alone_s = min(median_s() for _ in range(ROUNDS))
        send_bulk(stack, http, BULK)
        wait_until_it_flows(stack, http)
        beside_s = min(median_s() for _ in range(ROUNDS))
    return [
        Row(
            "an OTP beside a queued campaign of another account",
            beside_s / alone_s,
            "times that alone",
            2,
            note=f"{alone_s * 1000:.0f} and {beside_s * 1000:.0f} ms",
        )
    ]
