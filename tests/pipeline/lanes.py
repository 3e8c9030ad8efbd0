"""Executions of `dlr` on a virtual clock: each is occupied until its longest post ends.

An idle event loop advances its time to the next timer, so no test waits. As in Lambda, an execution
takes up to ten messages of its queue, does them concurrently, and takes the next ten when the last
is done. As in processes, each has its own view of the endpoints' circuit breakers.
"""

import asyncio
import copy
import itertools
import math
import selectors
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from harkara.base.errors import HarkaraError
from harkara.base.ids import mid_of, new_batch_id
from harkara.model.callbacks import Destination, PostResult
from harkara.model.ledger import Lease, index_of
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, State, pack
from harkara.model.tasks import CallbackTask, QueueName, Receipt, ReceiptsTask, task_id_of
from tests.support.fakes import trust
from tests.support.queues import QueueMessage
from tests.support.wired import NOW
from tests.support.world import BUDGET_S, World

BATCH = 10
TIMEOUT_S = 10.0
RECEIPT_EXECUTIONS = 4
CALLBACK_EXECUTIONS = 5
# Pause of an idle execution before it polls its queue again.
_POLL_S = 0.25


class _Jump(selectors.SelectSelector):
    """A selector that advances its loop's time instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now_s += timeout or 0
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time. Code that it runs must use no threads."""

    def __init__(self) -> None:
        self.jump = _Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.now_s


@dataclass
class Behaviour:
    """An endpoint's scripted reactions to its posts, repeated in a cycle."""

    steps: Sequence[tuple[float, int]]
    """The duration and the status of each answer; status 0 for no answer."""
    _next: Iterator[tuple[float, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._next = itertools.cycle(self.steps)

    async def post(self, within_s: float) -> PostResult:
        takes_s, status = next(self._next)
        held_s = min(takes_s, within_s, TIMEOUT_S)
        await asyncio.sleep(held_s)
        duration_ms = round(held_s * 1000)
        if takes_s > held_s or not status:
            return PostResult(0, "no whole answer in time", duration_ms=duration_ms, in_doubt=True)
        return PostResult(status, f"HTTP {status}", duration_ms=duration_ms)


QUICK = ((0.1, 200),)


class Lanes(World):
    """The two queues of `dlr` with their own executions, and endpoints that answer with delays."""

    def __init__(self, loop: JumpingLoop) -> None:
        self.loop = loop
        super().__init__()
        self.calls_back: Counter[str] = Counter()
        self.behaviours: dict[str, Behaviour] = {}
        self.acked_at: dict[str, float] = {}
        self.final_at: dict[str, float] = {}
        self.platform.post = self._post  # type: ignore[method-assign]
        self._batches = itertools.count()

    def clock(self) -> float:
        return NOW + self.loop.time()

    async def sleep(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)

    async def _post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        result = await self.behaviours[destination.settings.url].post(within_s)
        if result.acknowledged:
            for member in callback.members:
                self.calls_back[member.mid] += 1
                self.acked_at.setdefault(member.mid, self.loop.time())
        return result

    def endpoint(
        self, account_id: str, url: str, steps: Sequence[tuple[float, int]], *, trusted: bool
    ) -> Endpoint:
        """Add an endpoint with these reactions; a trusted one has acknowledged before."""
        endpoint = Endpoint(url, "moengage")
        self.behaviours[url] = Behaviour(steps)
        if trusted:
            trust(self.counted, account_id, endpoint, self.clock())
        return endpoint

    def delivered(self, account_id: str, endpoint: Endpoint, at_s: Sequence[float]) -> list[str]:
        """Deliver one message of an account at each of these times; return their message ids."""
        number = next(self._batches)
        batch = MessageBatch(
            id=new_batch_id(int(NOW * 1000), number.to_bytes(10, "big")),
            account_id=account_id,
            carrier="sim",
            category=Category.TRANSACTIONAL,
            accepted_at_ms=int(NOW * 1000),
            block_size=100,
            endpoints=(endpoint,),
            messages=[Message("919876543210", "ACMEBK", "Hello", str(n), 0) for n in at_s],
        )
        self.store.put_batch(batch.id, pack(batch), batch.due_at_ms)
        mids = [batch.mid(index) for index in range(len(at_s))]
        for mid, each_s in zip(mids, at_s, strict=True):
            receipt = Receipt(mid, 1, State.DELIVERED, int(NOW + each_s))
            body = ReceiptsTask((receipt,), "sim").encode()
            self.queues.add(QueueName.RECEIPT, body, NOW + each_s)
        return mids

    def settle(self, for_s: float) -> None:
        """Run the executions for this many seconds."""

        async def work() -> None:
            lanes = {QueueName.RECEIPT: RECEIPT_EXECUTIONS, QueueName.CALLBACK: CALLBACK_EXECUTIONS}
            executions = [
                asyncio.create_task(self._process()._execute(queue))
                for queue, count in lanes.items()
                for _ in range(count)
            ]
            done, _ = await asyncio.wait(executions, timeout=for_s)
            for each in executions:
                each.cancel()
            await asyncio.gather(*executions, return_exceptions=True)
            for each in done:
                each.result()

        with pytest.MonkeyPatch.context() as patched:
            # An event loop with virtual time waits for no thread.
            patched.setattr(asyncio, "to_thread", _here)
            self.loop.run_until_complete(work())
        for (batch_id, kind), entry in self.store.entries.items():
            if kind.startswith("final#"):
                # The lease expires at its start plus the budget.
                mid = mid_of(batch_id, index_of(kind))
                self.final_at[mid] = entry.expires_at_ms / 1000 - BUDGET_S - NOW

    def _process(self) -> "Lanes":
        process = copy.copy(self)
        process.endpoint_health = self.new_endpoint_health()
        return process

    async def _execute(self, queue: QueueName) -> None:
        while True:
            waiting, now = self.queues.waiting, self.clock()
            ready = sorted(
                (m for m in waiting if m.queue is queue and m.visible_at <= now),
                key=lambda message: message.visible_at,
            )[:BATCH]
            for message in ready:
                waiting.remove(message)
            if not ready:
                await asyncio.sleep(_POLL_S)
            await asyncio.gather(*(self._do(message) for message in ready))

    async def _do(self, message: QueueMessage) -> None:
        lease = Lease(
            task_id_of(message.id, message.body),
            f"worker-{next(self._worker_ids)}",
            int((self.clock() + BUDGET_S) * 1000),
        )
        try:
            await self.handle(message, lease)
        except HarkaraError:
            self.queues.waiting.append(message)


async def _here(call: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
    return call(*args, **named)
