"""One stack for all faults, and the table of the campaigns' outcomes."""

import sys
from collections.abc import Iterator

import pytest

from local.carrier import CarrierSettings
from local.settings import Ports
from local.stack import Stack, StackSettings
from tests.faults.carrier import IllCarriers
from tests.faults.faults import AT_LENGTH, Fault
from tests.faults.runs import Run
from tests.faults.suite import Suite
from tests.stack.campaigns import Lab
from tests.stack.proxy import FaultProxy
from tests.stack.threads import in_thread


@pytest.fixture(scope="session")
def runs() -> Iterator[dict[Fault, Run]]:
    """Return the outcomes of the campaigns, by fault."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the fault proxy finds the callers in /proc")
    ports = Ports.free()
    carriers = IllCarriers(f"{ports.url('carrier')}/datasend")
    with (
        FaultProxy(ports.url("emulator")) as proxy,
        in_thread(carriers.serve()) as carriers_url,
        Stack(
            StackSettings(
                # A killed function's messages come back after six times this.
                batch_timeout_s=10,
                # With a shorter wait, receipts held by a killed function come too late.
                receipt_wait_s=130 if AT_LENGTH else 30,
                parameters={"CallbackRetryDelays": "2,5,10,30,60"},
                carrier=CarrierSettings(answer_delay_s=0.05, receipt_delay_s=0.1, gather_s=0.1),
                carrier_fields={"timeout_s": 1.5, "records_per_request": 10},
                functions_aws_url=proxy.url,
            ),
            ports=ports,
        ) as stack,
    ):
        suite = Suite(Lab(stack, proxy), carriers, carriers_url)
        suite.set_up()
        yield suite.run()
