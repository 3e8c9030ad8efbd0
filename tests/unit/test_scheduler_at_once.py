"""Concurrent sweeps in virtual time: pages, batches and runs, calls of 5 to 10 ms, deaths."""

import asyncio
import heapq
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.base.time import Deadline
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS, DueTask
from harkara.scheduler import CALLS, HELP_S, SLOW_S, SweepService
from tests.support.fakes import Faults, ProcessKilled
from tests.support.queues import FakeTaskQueues
from tests.support.virtual import VirtualLoop
from tests.template.reading import functions

NOW = 1_767_258_000.0
# CPU of a call, on one core, as modelled in docs/scale.md.
CPU_S = 0.0015
SHARES = [
    json.loads(event["Properties"]["Input"]) for event in functions()["sweep"]["Events"].values()
]
Call = Callable[..., Any]


class Process(Executor):
    """The threads of a process: they share a core, and may die together at a call."""

    def __init__(self, seed: int = 0, dies_at: int | None = None, dies_after: bool = False) -> None:
        self.calls = 0
        self.is_dead = False
        self._dies = (dies_at, dies_after)
        self._random = random.Random(seed)  # noqa: S311
        self._threads = [0.0] * CALLS
        self._core_s = 0.0

    def end_s(self, now_s: float, hangs_s: float) -> float:
        """Return the end of a call that starts now."""
        begins_s = max(now_s, heapq.heappop(self._threads))
        self._core_s = max(begins_s, self._core_s) + CPU_S
        end_s = self._core_s + self._random.uniform(0.005, 0.010) + hangs_s
        heapq.heappush(self._threads, end_s)
        return end_s

    def call(self, func: Call, *args: Any) -> Any:
        """Make a call, or die before or after it."""
        at, after = self._dies
        self.is_dead = self.calls == at
        self.calls += 1
        if self.is_dead and not after:
            raise ProcessKilled
        result = func(*args)
        if self.is_dead:
            raise ProcessKilled
        return result


class Threads(VirtualLoop):
    """A loop whose processes make their calls in virtual time, some of which hang."""

    hangs_s: Callable[..., float] = staticmethod(lambda func, *args: 0.0)

    def run_in_executor(  # type: ignore[override]
        self, executor: Process, func: Call, *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()

        def end() -> None:
            if executor.is_dead:
                return
            try:
                done.set_result(executor.call(func, *args))
            except BaseException as error:
                done.set_exception(error)

        self.call_at(executor.end_s(self.time(), self.hangs_s(func, *args)), end)
        return done


class Table(FakeTaskQueues):
    """A Due table with due rows, and the queues."""

    def __init__(self, rows: int, page: int = 100, seed: int = 0) -> None:
        super().__init__(Faults(), lambda: NOW)
        self.page = page
        self.pages: Counter[int] = Counter()
        self.shard_of: dict[Any, int] = {}
        random_fraction = random.Random(seed)  # noqa: S311
        for number in range(rows):
            due_ms = int(NOW * 1000) - random_fraction.randrange(1, 3_600_000)
            task = DueTask(f"{due_ms:013d}#{number:06d}", due_ms, QueueName.RECEIPT, f"{number}")
            self.rows.append((number % SHARDS, task))

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        pages = super().due(shard, after, now_ms)
        self.shard_of[pages] = shard
        return pages

    def move(self, shard: int, reached: str) -> bool:
        moved = super().move(shard, reached)
        self.pages[shard] += moved
        return moved

    @property
    def enqueued(self) -> Counter[str]:
        return Counter(message.body for message in self.waiting)

    def service(self, process: Process) -> SweepService:
        return SweepService(self, self, lambda: NOW, lambda event: None, process)


@contextmanager
def virtual() -> Iterator[Threads]:
    """Provide a loop in virtual time; cancel its pending tasks at the end."""
    loop = Threads()
    try:
        yield loop
    finally:
        loop.run_until_complete(_cancel_others())
        loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def test_the_runs_of_a_minute_enqueue_ten_thousand_rows_a_second() -> None:
    table = Table(rows=30_000)
    with virtual() as loop:
        for seed, share in enumerate(SHARES):
            run = table.service(Process(seed)).sweep(Deadline(lambda: 60), share["shards"])
            loop.create_task(run)
        loop.run_until_complete(asyncio.wait(asyncio.all_tasks(loop), timeout=3))
    assert table.enqueued == Counter(map(str, range(30_000)))


@pytest.mark.parametrize("missing", range(len(SHARES)))
def test_another_run_sweeps_what_is_late_where_one_does_not_take_place(missing: int) -> None:
    """Exactly one other run does so."""
    table = Table(rows=3_000)
    shards = [share["shards"] for share in SHARES]
    absent = shards.pop(missing)
    late_ms = int((NOW - HELP_S) * 1000)
    kept = [row for row in table.rows if row[0] in absent or row[1].due_ms > late_ms]
    table.rows.clear()
    for row in kept:
        table.rows.append(row)
    with virtual() as loop:
        for seed, own in enumerate(shards):
            loop.create_task(table.service(Process(seed)).sweep(Deadline(lambda: 60), own))
        loop.run_until_complete(asyncio.wait(asyncio.all_tasks(loop)))
    left = {task for shard, task in table.rows if shard in absent and task.due_ms > late_ms}
    assert left
    assert set(table.waiting_rows) == left
    assert table.enqueued == Counter(task.body for _, task in table.rows if task not in left)


def test_who_has_late_rows_of_its_own_helps_nobody() -> None:
    """After an outage all runs have late rows, and none should repeat the work of another."""
    table = Table(rows=3_000)
    with virtual() as loop:
        run = table.service(Process()).sweep(Deadline(lambda: 60), SHARES[0]["shards"])
        loop.run_until_complete(run)
    waiting = set(table.waiting_rows)
    swept = {shard for shard, task in table.rows if task not in waiting}
    assert swept == set(SHARES[0]["shards"])


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), slow=st.integers(0, 15), stop_s=st.floats(0.01, 2))
def test_no_shard_of_a_run_is_further_on_than_another_by_more_than_a_page(
    seed: int, slow: int, stop_s: float
) -> None:
    """The process dies at a random moment. One shard's cursor moves slowly."""
    table = Table(rows=SHARDS * 40, page=2)

    def hangs_s(func: Call, *args: Any) -> float:
        return 0.1 if func.__name__ == "move" and args[0] == slow else 0.0

    with virtual() as loop:
        loop.hangs_s = hangs_s
        run = loop.create_task(table.service(Process(seed)).sweep(Deadline(lambda: 60)))
        loop.run_until_complete(asyncio.wait([run], timeout=stop_s))
    pages = [table.pages[shard] for shard in range(SHARDS)]
    assert max(pages) - min(pages) <= 1


@pytest.mark.parametrize("name", ["next", "send", "move"])
def test_a_shard_whose_calls_hang_keeps_no_other_waiting(name: str) -> None:
    """Each takes twenty seconds, as the SDK's time-outs allow; the others are done long before."""
    table = Table(rows=SHARDS * 40, page=10)
    theirs = {task.body for shard, task in table.rows if shard != 3}

    def hangs_s(func: Call, *args: Any) -> float:
        if func.__name__ != name:
            return 0.0
        if name == "send":
            is_of_it = not theirs.issuperset(args[1])
        else:
            is_of_it = 3 in (args[0], table.shard_of.get(args[0]))
        return 20.0 if is_of_it else 0.0

    with virtual() as loop:
        loop.hangs_s = hangs_s
        run = loop.create_task(table.service(Process()).sweep(Deadline(lambda: 120 - loop.time())))
        loop.run_until_complete(asyncio.wait([run], timeout=2 * SLOW_S))
        assert theirs <= table.enqueued.keys()
        assert not run.done()
        assert loop.run_until_complete(run) == SHARDS * 40


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), apart_s=st.floats(0, 0.2))
def test_two_runs_at_the_same_time_lose_nothing(seed: int, apart_s: float) -> None:
    table = Table(rows=300, page=5, seed=seed)

    async def both() -> None:
        runs = [table.service(Process(number)) for number in (seed, seed + 1)]
        first = asyncio.create_task(runs[0].sweep(Deadline(lambda: 60)))
        await asyncio.sleep(apart_s)
        await asyncio.gather(first, runs[1].sweep(Deadline(lambda: 60)))

    with virtual() as loop:
        loop.run_until_complete(both())
    assert table.enqueued.keys() == set(map(str, range(300)))
    assert not table.waiting_rows


@given(
    seed=st.integers(0, 10_000),
    dies_at=st.integers(0, 120),
    dies_after=st.booleans(),
    failing=st.sets(st.integers(0, 99), max_size=20),
)
def test_a_run_that_dies_at_any_call_loses_nothing(
    seed: int, dies_at: int, dies_after: bool, failing: set[int]
) -> None:
    """Some calls before then fail as well; no cursor may pass a row that is in no queue."""
    table = Table(rows=160, page=4, seed=seed)

    def fail(number: int, name: str) -> None:
        if number in failing:
            raise StoreUnavailable(name)

    table.faults.on_call = fail
    with virtual() as loop, suppress(ProcessKilled, StoreUnavailable):
        process = Process(seed, dies_at, dies_after)
        loop.run_until_complete(table.service(process).sweep(Deadline(lambda: 60)))
    waiting = {task.body for task in table.waiting_rows}
    assert waiting | table.enqueued.keys() == set(map(str, range(160)))
    table.faults.on_call = lambda number, name: None
    with virtual() as loop:
        loop.run_until_complete(table.service(Process(seed)).sweep(Deadline(lambda: 60)))
    assert table.enqueued.keys() == set(map(str, range(160)))
