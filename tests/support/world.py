"""The whole pipeline in one process: real services on in-memory ports, a manual clock, kills.

A function's process dies at a call to a port (`Faults`); its queue message comes back after the
visibility time-out. The world runs until no queue, table or carrier has pending work, however late
it is due.

Lambda stops recursive loops: the SDK passes a trace header on with each message that a function
sends, and Lambda counts in it how often each function was invoked in a row (AWS Lambda Developer
Guide, "Use Lambda recursive loop detection to prevent infinite loops": "approximately 16 times").
The world counts the same way, with a lower limit. Messages that `sweep` enqueues have no header.
"""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.base.codes import Code
from harkara.base.errors import HarkaraError, RequestRefused, StoreUnavailable
from harkara.base.ids import mid_of
from harkara.base.time import Deadline
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account
from harkara.model.events import Click
from harkara.model.ledger import Lease, index_of
from harkara.model.messages import Endpoint, MessageBatch, unpack
from harkara.model.submit_tasks import decode_submit
from harkara.model.tasks import (
    QueueName,
    task_id_of,
)
from tests.support.fakes import Faults, ProcessKilled, caller_of, trust
from tests.support.queues import LINEAGE, QueueMessage
from tests.support.virtual import run
from tests.support.wired import (
    ACCOUNT,
    CARRIER,
    NOW,
    URL,
    Wired,
)

BUDGET_S = 60.0
VISIBILITY_S = 360.0
SWEEP_S = 60.0
SUBMIT_QUEUES = (QueueName.SUBMIT, QueueName.SUBMIT_PRIORITY)
ROUNDS_LIMIT = 10


class World(Wired):
    """All parts between a platform's request and its callbacks."""

    def __init__(
        self,
        faults: Faults | None = None,
        *,
        now: float = NOW,
        account: Account = ACCOUNT,
        carriers: Sequence[CarrierSettings] = (CARRIER,),
    ) -> None:
        super().__init__(faults, now, account, carriers)
        self.plans: list[tuple[float, Callable[[], object]]] = []
        self.cancelled: set[str] = set()
        self.counts: Counter[str] = Counter()
        # The most consecutive invocations of one function without progress.
        self.most_rounds = 0
        self._worker_ids = itertools.count()
        self._next_sweep = self.now
        self.remaining_s: Callable[[], float] = lambda: BUDGET_S

    def send(self, records: Sequence[Record], **fields: str) -> list[RecordResult] | None:
        """Accept a request as `send` does; return None if the client would get a 5xx."""
        request = SendRequest(list(records), fields.get("callback_url", ""))
        try:
            return self.accept_service().accept(caller_of(self.account), request)
        except ProcessKilled:
            self.killed += 1
            return None
        except RequestRefused as refused:
            if refused.code is not Code.TRY_AGAIN:
                raise
            return None

    def cancel(self, mid: str) -> Code | None:
        """Cancel a message; return the code of a refusal. Confirmed ids go to `cancelled`."""
        try:
            self.manage_services().cancel.cancel(self.account, mid)
        except RequestRefused as refused:
            return refused.code
        except ProcessKilled:
            self.killed += 1
            return None
        except StoreUnavailable:
            return None
        self.cancelled.add(mid)
        return None

    def trust(self) -> None:
        """Record a recent acknowledgement by the account's callback endpoint."""
        trust(self.counted, self.account.id, Endpoint(URL, "clevertap", "main"), self.now)

    def at(self, delay_s: float, action: Callable[[], object]) -> None:
        """Schedule an external action in this many seconds."""
        self.plans.append((self.now + delay_s, action))

    def run(self, for_s: float = math.inf) -> None:
        """Run until no work is pending in a queue, in the Due table or at the carrier.

        With `for_s`, stop after so many seconds and leave later work pending.
        """
        run(self._run(self.now + for_s))

    async def _run(self, end_s: float) -> None:
        # A process of `submit` lives on between its invocations, until it is killed.
        self.submit = self.submit_service()
        for _ in range(100_000):
            moments = [
                *(at for at, _ in self.plans),
                *(message.visible_at for message in self.queues.waiting),
                *(at for at, *_ in self.receipts),
                *(max(row.due_ms / 1000, self._next_sweep) for row in self.queues.waiting_rows),
            ]
            if min(moments, default=math.inf) >= end_s:
                return
            self.now = max(self.now, min(moments))
            if due := [plan for plan in self.plans if plan[0] <= self.now]:
                self.plans.remove(due[0])
                due[0][1]()
            elif self.receipts and min(at for at, *_ in self.receipts) <= self.now:
                await self.take_receipts()
            elif ready := [m for m in self.queues.waiting if m.visible_at <= self.now]:
                await self.deliver(min(ready, key=lambda message: message.visible_at))
            else:
                await self._sweep()
        raise AssertionError("the world does not come to rest")

    async def deliver(self, message: QueueMessage) -> None:
        """Deliver a queue message to its function, as SQS and Lambda do."""
        message.receive_count += 1
        assert message.receive_count <= 20, "this message would be in the dead-letter queue"
        message.visible_at = self.now + VISIBILITY_S
        lineage = LINEAGE.set(self._lineage_of(message))
        lease = Lease(
            task_id_of(message.id, message.body),
            f"worker-{next(self._worker_ids)}",
            int((self.now + BUDGET_S) * 1000),
        )
        try:
            self.counts += await self.handle(message, lease)
        except ProcessKilled:
            await self._die()
            self.submit = self.submit_service()
            self.endpoint_health = self.new_endpoint_health()
        except HarkaraError as error:
            self.counts[type(error).__name__] += 1
        else:
            if message in self.queues.waiting:
                self.queues.waiting.remove(message)
        finally:
            LINEAGE.reset(lineage)

    def _lineage_of(self, message: QueueMessage) -> Callable[[], Mapping[str, int]]:
        """Return a function that gives the lineage of messages sent while this one is handled.

        Progress is a block claimed for its first attempt, or one of a callback's nine attempts. It
        resets the count, since `RecursiveLoop` is Allow.
        """
        # Lambda counts each function by itself, and each lane is a function of its own.
        function = message.queue if message.queue in SUBMIT_QUEUES else "dlr"
        rounds = message.lineage.get(function, 0) + 1
        self.most_rounds = max(self.most_rounds, rounds)
        assert rounds <= ROUNDS_LIMIT, f"{function} would be stopped as a loop: {message.body}"
        before = self.store.progress_count
        lineage = {**message.lineage, function: rounds}

        def now() -> Mapping[str, int]:
            if self.store.progress_count > before:
                # The count stays reset if the message comes back, though it claims nothing again.
                lineage[function], message.lineage = 1, {**message.lineage, function: 0}
            return dict(lineage)

        return now

    async def handle(self, message: QueueMessage, lease: Lease) -> Counter[str]:
        deadline = Deadline(self.remaining_s)
        if message.queue in SUBMIT_QUEUES:
            return await self.submit.submit(decode_submit(message.body), lease, deadline)
        return await self.dlr_services().handle(message.body, lease, deadline)

    async def _sweep(self) -> None:
        self._next_sweep = self.now + SWEEP_S
        try:
            # Other shards have no waiting rows, so sweeping them would have no effect.
            shards = self.queues.waiting_shards
            await self.sweep_service().sweep(Deadline(lambda: 50.0), shards)
        except ProcessKilled:
            await self._die()
        except StoreUnavailable as error:
            self.counts[type(error).__name__] += 1

    async def _die(self) -> None:
        """Count a process's death, and cancel its other tasks with it."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self.killed += 1

    # Results.

    def batches(self) -> dict[str, MessageBatch]:
        """All stored message batches, by id."""
        return {row[0]: unpack(*row) for row in self.store.packed.items()}

    def finals(self) -> dict[str, str]:
        """Final state by message id."""
        batches = self.batches()
        return {
            batches[pk].mid(index_of(kind)): entry.data["state"]
            for (pk, kind), entry in self.store.entries.items()
            if kind.startswith("final#")
        }

    def called_back(self) -> Counter[str]:
        """How often the platform acknowledged each message's final state."""
        return Counter(dlr.mid for dlr in self.platform.dlrs)

    def reported_clicks(self) -> Counter[tuple[str, str]]:
        """How often the platform acknowledged a click, by message id and link."""
        return Counter(
            (member.mid, member.short_url)
            for task in self.platform.taken
            for member in task.members
            if isinstance(member, Click)
        )

    def in_doubt(self) -> set[str]:
        """Ids of messages whose submit attempt is in doubt, by their outcomes."""
        return {
            f"{pk}#{index}"
            for (pk, kind), entry in self.store.entries.items()
            if kind.startswith("outcome#")
            for index in entry.data["in_doubt"]
        }

    def callbacks_in_doubt(self) -> set[str]:
        """Ids of messages whose callback may have been posted before it was posted again."""
        task_ids = {
            (pk, kind.split("#")[1])
            for (pk, kind), entry in self.store.entries.items()
            if kind.startswith("post#") and entry.data["in_doubt"]
        }
        return {
            mid
            for (pk, kind), entry in self.store.entries.items()
            if kind.startswith("ack#") and (pk, kind.split("#")[1]) in task_ids
            for batch_id, indexes in entry.data["members"].items()
            for mid in (mid_of(batch_id, index) for index in indexes)
        }
