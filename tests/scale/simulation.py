"""A slice of the system: the functions' handlers, services and adapters on a model of AWS.

A slice has one in `slices` of the traffic, and the same share of each limit on all traffic:
executions, pollers, tables, the API. Therefore it queues, waits and is refused as the whole would
be.
"""

import asyncio
import heapq
import io
import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType, SimpleNamespace
from unittest.mock import patch

from harkara.aws.activity import DynamoActivityStore
from harkara.aws.clients import Backoff
from harkara.aws.messages import DynamoLastMessages, DynamoMessageStore
from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.model.accounts import Account
from harkara.model.messages import Category
from harkara.model.tasks import QueueName
from harkara.runtime import sqs_batches
from harkara.scheduler import CALLS
from tests.bench.logs import caught_log
from tests.bench.wiring import ACCOUNT, CARRIER, connect, seed
from tests.scale.cloud import Cloud, Dynamo, Sqs
from tests.scale.lambdas import Gateway, Lambda, Pollers
from tests.scale.outside import Outside, Stream
from tests.scale.streams import Shard
from tests.scale.threads import Loop, Threads
from tests.support.fakes import calling_back
from tests.template.reading import functions

MORNING_S = 1_767_222_000.0 - 1_767_222_000.0 % 86_400 + 3 * 3600  # 08:30 IST
PAUSING: Sequence[type] = (
    DynamoActivityStore,
    Backoff,
    DynamoDueTable,
    DynamoLastMessages,
    DynamoMessageStore,
    DynamoSuppressionList,
    SqsTaskQueues,
)
STEP_S, IDLE_STEP_S = 10.0, 3600.0
# A message without its receipt is checked three days later.
LIMIT_S = 5 * 86_400.0


@dataclass(frozen=True)
class Settings:
    """The stack's parameters, and Lambda's quota of the AWS account, which is 1,000 by default."""

    submit: int = 2
    submit_batch: int = 10
    priority: int = 2
    dlr: int = 2
    callbacks: int = 2
    concurrency: float = 1000


@dataclass(frozen=True)
class Row:
    """One case: its traffic in full, of which a slice is simulated."""

    name: str
    streams: Sequence[Stream]
    slices: float
    settings: Settings = Settings()
    gather: bool = False
    down: tuple[float, float] = (0.0, 0.0)
    due_after_s: float = 0.0
    category: Category = Category.SERVICE_IMPLICIT
    is_new: bool = False
    carrier_rate: float = 0.0
    has_stream: bool = False
    """Whether one shard of the Messages table's stream carries all that the slice writes."""
    visible_of: float = 1.0
    """The number of such spans that the row stands for; its totals are multiplied by it."""


class Simulation:
    """One row's slice; call `run` once."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.threads = threads = Threads(MORNING_S)
        self.cloud = cloud = Cloud(threads, row.slices, new=row.is_new)
        self.dynamo, self.sqs = Dynamo(cloud), Sqs(cloud)
        self.outside = Outside(cloud, gather=row.gather, down=row.down, due_after_s=row.due_after_s)
        rate = row.carrier_rate / row.slices
        self.carrier = CARRIER.model_copy(update={"rate_segments_per_s": rate})
        seed(self.dynamo, [self._account(each.tenant) for each in row.streams])
        cloud.reset()
        self.functions = Lambda(cloud, self._module, row.settings.concurrency)
        self.outside.gateway = Gateway(self.functions)
        settings = row.settings
        for function, queue, most, size in (
            ("submit", QueueName.SUBMIT, settings.submit, settings.submit_batch),
            ("submit_priority", QueueName.SUBMIT_PRIORITY, settings.priority, 10),
            ("dlr", QueueName.RECEIPT, settings.dlr, 10),
            ("dlr", QueueName.CALLBACK, settings.callbacks, 10),
        ):
            Pollers(self.functions, function, queue, most, size)
        self.shard = Shard(self.functions) if row.has_stream else None
        if self.shard:
            cloud.on_message = self.shard.put
        # The due times of tasks in Due, and the number of due tasks that are not yet enqueued.
        self._due_ms: list[int] = []
        self._waiting = 0
        self._sweeping = threads.current
        cloud.on_due = self._note_due
        self.log = _Counted()
        # Only its size is used.
        self._calls = ThreadPoolExecutor(CALLS)

    def run(self) -> "Simulation":
        """Run until no work is left."""
        with _own_time(self.threads, self.cloud.rng.random), caught_log(self.log):
            for stream in self.row.streams:
                self.outside.send(_slice(stream, self.row.slices))
            self.threads.start(self._sweep)
            try:
                while not self._is_quiet():
                    self.threads.run(IDLE_STEP_S if self._is_idle() else STEP_S)
                    assert self.threads.now_s < LIMIT_S, "it does not come to rest"
            finally:
                self.threads.close()
        return self

    def _sweep(self) -> None:
        """Sweep in every minute with due tasks; other runs would move nothing."""
        self._sweeping = self.threads.current
        while True:
            self.threads.wait(self._next_sweep_s())
            now_ms = self.threads.clock() * 1000
            while self._due_ms and self._due_ms[0] <= now_ms:
                heapq.heappop(self._due_ms)
                self._waiting += 1
            if self._waiting and self.threads.clock() % 60 < 1:
                for event in functions()["sweep"]["Events"].values():
                    self.threads.start(partial(self._run_sweep, event["Properties"]["Input"]))
                self.threads.sleep(1)

    def _run_sweep(self, event: str) -> None:
        answer = self.functions.invoke("sweep", json.loads(event))
        self._waiting -= answer["enqueued"] if answer else 0

    def _next_sweep_s(self) -> float:
        """Return the seconds until the next run that finds a due task, as known now."""
        now_s = self.threads.clock()
        due_s = self._due_ms[0] / 1000 if self._due_ms else math.inf
        at_s = now_s if self._waiting else due_s
        return at_s - at_s % -60 - now_s if at_s < math.inf else at_s

    def _note_due(self, sort_key: str) -> None:
        heapq.heappush(self._due_ms, int(sort_key.partition("#")[0]))
        self.threads.wake(self._sweeping)

    def _is_quiet(self) -> bool:
        return self._is_idle() and not self._due_ms and not self._waiting

    def _is_idle(self) -> bool:
        """Whether no event is pending before the next due task."""
        queues = self.cloud.queues.values()
        counted = self.shard is None or self.shard.is_empty
        return counted and not self.outside.under_way and all(queue.is_empty for queue in queues)

    def _module(self, function: str) -> ModuleType:
        """Load a function as a new environment does."""
        service = function.removesuffix("_priority")
        return connect(
            self.dynamo,
            self.sqs,
            self.outside,
            self.threads.clock,
            self.cloud.rng.random,
            self.carrier,
            [service],
            self._calls,
        ).modules[service]

    def _account(self, tenant: str) -> Account:
        callback = calling_back(f"https://eu1.api.clevertap.com/{tenant}")
        changes = {"id": tenant, "default_category": self.row.category, **callback}
        return ACCOUNT.model_copy(update=changes)


class _Counted(io.StringIO):
    """Counts the written characters."""

    size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        return len(text)


def _slice(stream: Stream, slices: float) -> Stream:
    count = max(1, round(stream.messages / slices / stream.records)) * stream.records
    return Stream(
        stream.tenant, count, stream.rate_per_s / slices, stream.records, stream.begins_after_s
    )


@contextmanager
def _own_time(threads: Threads, rng: Callable[[], float]) -> Iterator[None]:
    """Replace the clocks, sleeps and random numbers of modules by virtual ones."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(sqs_batches, "time", SimpleNamespace(time=threads.clock)))
        stack.enter_context(patch.object(sqs_batches, "random", SimpleNamespace(random=rng)))
        stack.enter_context(patch.object(asyncio, "new_event_loop", lambda: Loop(threads)))
        # Powertools then runs a batch in the loop of its thread, as in Lambda.
        stack.enter_context(patch.dict(os.environ, {"LAMBDA_TASK_ROOT": "."}))
        own = {time.sleep: threads.sleep, random.random: rng}
        for each in PAUSING:
            made = vars(each)["__init__"]
            defaults = tuple(own.get(value, value) for value in made.__defaults__)
            stack.enter_context(patch.object(made, "__defaults__", defaults))
        yield
