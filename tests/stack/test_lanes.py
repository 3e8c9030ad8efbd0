"""One account's campaign at a carrier of limited rate does not delay another account's OTP.

SQS' fair queues, which on AWS keep accounts apart within a lane, are not in the emulator: here the
lanes and their shares of the carrier's rate do it alone. The stack is one of its own, and stops
with the campaign in it. `make bench` has the times.
"""

import os

import httpx
import pytest

from local.stack import Stack
from tests.otps import SETTINGS, otp_s, send_bulk, taken, wait_until_it_flows

pytestmark = pytest.mark.stack

BULK = int(os.environ.get("BULK_MESSAGES", "10000"))
OTPS = 9


def test_otps_overtake_a_queued_campaign() -> None:
    with Stack(SETTINGS) as stack, httpx.Client(timeout=60) as http:
        send_bulk(stack, http, BULK)
        wait_until_it_flows(stack, http)
        for _ in range(OTPS):
            otp_s(stack, http)
        # In the order in which all came, each OTP would have been behind the whole campaign.
        assert taken(stack, http) < BULK / 2
        wait_until_it_flows(stack, http)  # it was in the way until the end
