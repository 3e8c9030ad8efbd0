"""Services of `submit` on ports in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass

from harkara.aws.routing import SORT_KEY, DynamoRoutingStore, partition_of
from harkara.base.errors import CarrierUnreachable
from harkara.base.ids import Luck, ReferenceSigner
from harkara.base.log_events import Notes
from harkara.base.time import Clock
from harkara.carriers.contract import Connected
from harkara.model.routing import Routing, Rules
from harkara.ports import LastMessages, MessageStore, RoutingStore, SuppressionList, TaskQueues
from harkara.state.circuit_breaker import Breakers
from harkara.state.rates import Pace
from harkara.submit.dispatch import HandOver
from harkara.submit.planner import Router
from harkara.submit.service import SubmitService
from tests.dynamo import ACCOUNTS, Column, Dynamo
from tests.fakes import FakeLimitStore, Faults
from tests.tables import Table


class FakeRoutingStore:
    """Routing by account and for all accounts: the real adapter, always with an empty cache."""

    def __init__(self, faults: Faults, dynamo: Dynamo | None = None) -> None:
        self.faults = faults
        self.dynamo = dynamo or Dynamo(seed=faults.seed)
        self.routing = Routings(self.dynamo.tables[ACCOUNTS])

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        self.faults.before("rules")
        return DynamoRoutingStore(self.dynamo, ACCOUNTS).rules(account_id, anew=anew)


class Routings(MutableMapping[str, Routing]):
    """Routing as the operator sets it, without a call."""

    def __init__(self, table: Table) -> None:
        self._data = Column(table, SORT_KEY, "data", "S")

    def __getitem__(self, account_id: str) -> Routing:
        return Routing.model_validate_json(self._data[partition_of(account_id)])

    def __setitem__(self, account_id: str, routing: Routing) -> None:
        self._data[partition_of(account_id)] = routing.model_dump_json()

    def __delitem__(self, account_id: str) -> None:
        del self._data[partition_of(account_id)]

    def __iter__(self) -> Iterator[str]:
        return (partition.removeprefix(partition_of("")) for partition in self._data)

    def __len__(self) -> int:
        return len(self._data)


async def none_connected(name: str) -> Connected:
    """Raise CarrierUnreachable: there is no carrier."""
    raise CarrierUnreachable(name)


@dataclass
class Submitting:
    """Makes the services of one process after another; their shared counts stay."""

    store: MessageStore
    queues: TaskQueues
    signer: ReferenceSigner
    clock: Clock
    routing: RoutingStore
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
