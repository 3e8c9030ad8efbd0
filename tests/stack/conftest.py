"""One stack for all the tests of this folder, its functions behind a fault proxy."""

import sys
from collections.abc import Iterator

import pytest

from local.carrier import CarrierSettings
from local.settings import Ports
from local.stack import Stack, StackSettings
from tests.stack.campaigns import MAGIC, Lab, record
from tests.stack.proxy import FaultProxy
from tests.support.events import differences, sample_events

SETTINGS = {
    # A killed function's messages come back after six times this.
    "batch_timeout_s": 10,
    # Longer than that, or receipts held by a killed function would come too late.
    "receipt_wait_s": 75,
    # The second retry exceeds the longest delay of a queue, so it waits in the Due table.
    "parameters": {"CallbackRetryDelays": "5,901"},
    # The second receipt comes after the first became final, which waits for the stored submit
    # attempt.
    "carrier": CarrierSettings(
        answer_delay_s=0.01, receipt_delay_s=0.1, second_receipt_s=15, gather_s=0.1
    ),
    "carrier_fields": {"timeout_s": 4},
}


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Return the stack with its proxy."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the fault proxy finds the callers in /proc")
    ports = Ports.free()
    with FaultProxy(ports.url("emulator")) as proxy:
        settings = StackSettings(functions_aws_url=proxy.url, **SETTINGS)  # type: ignore[arg-type]
        with Stack(settings, ports=ports) as stack:
            yield Lab(stack, proxy)


@pytest.fixture(scope="session")
def magic(lab: Lab) -> dict[str, str]:
    """Send a message to each magic number; return their `smsgid`s by the number's last digits.

    Shared by all modules: a message without a receipt takes long to end.
    """
    refs = {end: f"magic-{end}" for end in MAGIC}
    records = [record(ref, to=f"91987651{end}") for end, ref in refs.items()]
    assert lab.send(records).status_code == 200
    return refs


@pytest.fixture(scope="session")
def managed(lab: Lab) -> dict[str, list[str]]:
    """Send the sample requests of `manage`; return the differences in the answers, by name."""
    return {
        sample.name: differences(sample.expected, lab.replay(sample.event))
        for sample in sample_events()
        if sample.function == "manage"
    }
