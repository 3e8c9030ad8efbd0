"""Carriers with scripted outcomes, and the block parts that are dispatched to them."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from harkara.base.errors import CarrierUnreachable
from harkara.base.time import Deadline
from harkara.carriers.contract import Connected, Outcome, Revocation, Submission, Taken
from harkara.model.messages import Category, Message, MessageBatch, pack
from harkara.model.routing import Rules
from harkara.submit.dispatch import Dispatched
from harkara.submit.planner import RECORD_S, BlockPart, Plan
from tests.support.wired import ACCOUNT, CARRIER, NOW, Wired
from tests.unit.deliveries import bounded, deadline

NOW_MS = int(NOW * 1000)
MESSAGE = Message("919876543210", "ACMEBK", "Hello", "ref", 0, 1, "1201159123456789012")
BATCH = MessageBatch(
    id="1" + "0" * 26,
    account_id="acme",
    carrier="sim",
    category=Category.SERVICE_IMPLICIT,
    accepted_at_ms=NOW_MS - 5000,
    block_size=10,
    endpoints=(),
    messages=[MESSAGE._replace(to=f"9198765432{n:02}", client_ref=f"ref{n}") for n in range(25)],
    validity_s=600,
    telemarketer_ids=("1302157225275643280", "1302157225275643281"),
)
MIDS = list(BATCH.mids())


async def _nothing() -> None:
    """Do nothing, the default of `meanwhile`."""


class Carrier:
    """Accepts a message as `id-<client_ref>`, unless `outcomes` has another one by client_ref."""

    timeout_s = 10.0

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self.outcomes = outcomes
        self.got: list[Submission] = []
        self.within_s: list[float] = []
        # Called before it answers.
        self.meanwhile: Callable[[], Awaitable[object]] = _nothing

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        self.got += submissions
        self.within_s.append(within_s)
        await self.meanwhile()
        names = [each.message.client_ref for each in submissions]
        return [self.outcomes.get(name, Taken(f"id-{name}")) for name in names]

    async def revoke(self, submission: Submission, within_s: float) -> Revocation:
        return Revocation.KEPT


class Dispatching(Wired):
    """Dispatches parts of a message batch to such carriers, named `sim` and `other`."""

    def __init__(
        self, batch: MessageBatch = BATCH, outcomes: Mapping[int, Outcome] | None = None
    ) -> None:
        super().__init__(None, NOW, ACCOUNT, [CARRIER])
        self.faults.on_call = bounded
        self.batch = batch
        self.rules = Rules()
        self.store.put_batch(batch.id, pack(batch), batch.due_at_ms)
        by_ref = {f"ref{index}": outcome for index, outcome in (outcomes or {}).items()}
        self.carriers = {name: Carrier(by_ref) for name in ("sim", "other")}
        self.settings = {name: CARRIER.model_copy(update={"name": name}) for name in self.carriers}
        self.carrier = self.connect

    async def connect(self, name: str) -> Connected:
        if name not in self.carriers:
            raise CarrierUnreachable(name)
        return self.connected[name]

    @property
    def connected(self) -> dict[str, Connected]:
        return {
            name: Connected(self.settings[name], carrier) for name, carrier in self.carriers.items()
        }

    def dispatch(
        self,
        carriers: Mapping[str, list[int]],
        *,
        left_s: float = 60,
        until: Deadline | None = None,
        attempt: int = 1,
        part: Mapping[str, Any] | None = None,
        **plan: Any,
    ) -> Dispatched:
        indexes = sorted(
            {*(i for each in carriers.values() for i in each), *plan.get("waits_s", ())}
        )
        there = BlockPart(self.batch, 0, attempt, indexes, **(part or {}))
        where = Plan(carriers, connected=self.connected, timeout_s=Carrier.timeout_s, **plan)
        hand, until = self.submit_service().attempts.dispatch, until or deadline(left_s)

        async def dispatched() -> Dispatched:
            with until.keeping(where.timeout_s + RECORD_S):
                kept = await hand.keep_back(there, self.rules)
            return await hand.dispatch(there, where, kept, until)

        return asyncio.run(dispatched())
