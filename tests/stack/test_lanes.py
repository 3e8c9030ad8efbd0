"""One account's campaign at a carrier of limited rate does not delay another account's OTP.

The emulator lacks SQS' fair queues, which keep accounts apart within a lane on AWS: here only the
lanes and their shares of the carrier's rate do so. The test has its own stack, and stops it with
the campaign still in it. `make bench` has the times.
"""

import os

import httpx
import pytest

from local.stack import Stack
from tests.support.otps import SETTINGS, otp_s, send_bulk, taken, wait_until_it_flows

pytestmark = pytest.mark.stack

BULK = int(os.environ.get("BULK_MESSAGES", "10000"))
OTPS = 9


def test_otps_overtake_a_queued_campaign() -> None:
    with Stack(SETTINGS) as stack, httpx.Client(timeout=60) as http:
        send_bulk(stack, http, BULK)
        wait_until_it_flows(stack, http)
        for _ in range(OTPS):
            otp_s(stack, http)
        # In the order of arrival each OTP would have been behind the whole campaign.
        assert taken(stack, http) < BULK / 2
        wait_until_it_flows(stack, http)  # the campaign competed until the end
