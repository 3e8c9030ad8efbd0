"""The state that the functions share: tables and queues in memory, under the real adapters."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

from tests.support.dynamo import Dynamo
from tests.support.fake_last_messages import FakeLastMessages
from tests.support.fake_parked import FakeDeadLetterStore
from tests.support.fake_queues import FakeTaskQueues
from tests.support.fakes import FakeLimitStore, FakeMessageStore, Faults
from tests.support.lists import FakeSuppressionList
from tests.support.policies import as_function
from tests.support.submitting import FakeRoutingStore


@dataclass(frozen=True)
class Ports:
    """The ports of a function: a call that its policy does not allow fails the test."""

    store: FakeMessageStore
    queues: FakeTaskQueues
    counted: FakeLimitStore
    routing: FakeRoutingStore
    suppressions: FakeSuppressionList
    last: FakeLastMessages
    parked: FakeDeadLetterStore

    def of(self, function: str) -> Self:
        """Return the same ports, called by a function."""
        ports = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(**{name: as_function(function, port) for name, port in ports.items()})


def new_ports(faults: Faults, clock: Callable[[], float], retention_s: int = 10**9) -> Ports:
    """Return the ports of an empty deployment; the test itself may make all calls."""
    dynamo = Dynamo(clock, faults.seed)
    store = FakeMessageStore(faults, clock, retention_s, dynamo)
    return Ports(
        store=store,
        queues=FakeTaskQueues(faults, clock, dynamo),
        counted=FakeLimitStore(faults, dynamo),
        routing=FakeRoutingStore(faults, dynamo),
        suppressions=FakeSuppressionList(faults, dynamo),
        last=FakeLastMessages(faults, clock, retention_s, dynamo),
        parked=FakeDeadLetterStore(store),
    )
