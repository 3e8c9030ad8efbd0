"""What `submit` works with in the tests: its services on ports in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from harkara.errors import CarrierUnreachable
from harkara.ids import ReferenceSigner
from harkara.ports import (
    Clock,
    LastMessages,
    Luck,
    MessageStore,
    Notes,
    SuppressionList,
    TaskQueues,
)
from harkara.routing import EVERYONE, Routing, Rules
from harkara.services.breaker import Breakers
from harkara.services.handover import HandOver
from harkara.services.pace import Pace
from harkara.services.routing import Router
from harkara.services.submit import SubmitService
from harkara.submissions import Connected
from tests.fakes import FakeLimitStore, Faults


@dataclass
class FakeRoutingStore:
    """Routing by account, and of all accounts."""

    faults: Faults
    routing: dict[str, Routing] = field(default_factory=dict)

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        self.faults.before("rules")
        own, general = (self.routing.get(name, Routing()) for name in (account_id, EVERYONE))
        return Rules(own, general)


async def none_connected(name: str) -> Connected:
    """Know no carrier."""
    raise CarrierUnreachable(name)


@dataclass
class Submitting:
    """Makes services of one process after another; what they count together stays."""

    store: MessageStore
    queues: TaskQueues
    signer: ReferenceSigner
    clock: Clock
    routing: FakeRoutingStore
    counted: FakeLimitStore
    suppressions: SuppressionList
    notes: Notes
    last: LastMessages
    carrier: Callable[[str], Awaitable[Connected]] = none_connected
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    luck: Luck = lambda: 0.5

    def service(self, receipt_wait_s: int) -> SubmitService:
        """Return the service of a process that just started."""
        breakers = Breakers(self.counted, self.clock, self.luck, self.notes)
        pace = Pace(self.counted, self.clock, self.luck)
        return SubmitService(
            store=self.store,
            queues=self.queues,
            router=Router(self.routing, self.carrier, breakers, pace, self.clock),
            hand=HandOver(
                self.store, self.signer, self.clock, breakers, self.suppressions, self.notes
            ),
            clock=self.clock,
            luck=self.luck,
            receipt_wait_s=receipt_wait_s,
            sleep=self.sleep,
            notes=self.notes,
            last=self.last,
        )
