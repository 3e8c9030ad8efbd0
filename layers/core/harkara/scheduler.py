"""Enqueue tasks that are due and move a cursor past them. Enqueuing a task twice is harmless.

Each shard of the Due table has a cursor, which never goes back. While a queue or the table cannot
be reached the cursor stays, and the next run reads the same page again. If a queue rejects a single
task, the task is put off as a new row and the cursor moves on: the task does not delay others, is
never dropped, and raises an alarm.

A run sweeps its shards in rounds: one page of each shard at a time, and the batches of a page at
the same time. Several runs share the shards. No shard of a run gets more than a page ahead of
another, unless a call for the other hangs or fails; such a shard does not hold up the rest. A run
whose own shards are on time also sweeps the preceding shards if those are late, which happens when
their own run does not take place. If two runs sweep one shard, the run that finds the cursor
further on than its own page leaves the shard to the other.

Checks read much and are never urgent, so the checks of one minute are spread over the next.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zlib import crc32

from harkara.base.errors import StoreUnavailable
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock, Deadline
from harkara.model.tasks import is_check
from harkara.ports import SHARDS, DueTable, DueTask, TaskQueues

# Tasks sent to a queue in one call; a page has several such batches.
BATCH = 10
# Concurrent calls: the batches of one page of each of a run's four shards.
CALLS = 40
# Time to reserve for reading and enqueuing a page.
_PAGE_S = 5.0
# If a shard's page takes longer, the other shards go on without it.
SLOW_S = 1.0
# Tasks that are later than this are also swept by the run of the next shard.
HELP_S = 150.0
# Checks that become due together are spread over this time.
SPREAD_S = 60
# Long enough to go to the Due table: no row is put that near to a cursor (`harkara.aws.queues`).
PUT_OFF_S = 1000.0

T = TypeVar("T")


@dataclass(slots=True)
class _Run:
    """Progress of one run: its start, the oldest due time, and the numbers so far."""

    now_ms: int
    oldest_ms: int
    count: int = 0
    failures: list[Exception] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SweepService:
    """Enqueues due tasks: the `sweep` function runs it every minute.

    `queues` stores tasks with long delays in `due`. `calls` runs the blocking calls, as many at a
    time as it has threads.
    """

    due: DueTable
    queues: TaskQueues
    clock: Clock
    emit: EventSink
    calls: Executor

    async def sweep(self, deadline: Deadline, shards: Sequence[int] = range(SHARDS)) -> int:
        """Enqueue due tasks of these shards until time runs out; return the number of tasks.

        If shards fail, raises the error of the first failure (StoreUnavailable) once all others are
        done.
        """
        now_ms = int(self.clock() * 1000)
        run = _Run(now_ms, now_ms)
        await self._sweep(run, shards, now_ms, deadline)
        late_ms = now_ms - int(HELP_S * 1000)
        others = sorted({(shard - 1) % SHARDS for shard in shards} - set(shards))
        if others and not run.failures and run.oldest_ms > late_ms:
            await self._sweep(run, others, late_ms, deadline)
        delays_s = {"sweep_delay": (now_ms - run.oldest_ms) / 1000} if run.count else {}
        self.emit(LogEvent("swept", {}, {"enqueued": run.count}, delays_s))
        if run.failures:
            raise run.failures[0]
        return run.count

    async def _sweep(
        self, run: _Run, shards: Sequence[int], until_ms: int, deadline: Deadline
    ) -> None:
        """Enqueue the tasks of these shards that were due by `until_ms`."""
        try:
            cursors = await self._call(self.due.cursors)
        except StoreUnavailable as error:
            run.failures.append(error)
            return
        pages = {shard: self.due.due(shard, cursors.get(shard, ""), until_ms) for shard in shards}
        # Another shard goes first each minute.
        first = run.now_ms // 60_000 % len(shards)
        await self._rounds(run, [*shards[first:], *shards[:first]], pages, deadline)

    async def _rounds(
        self,
        run: _Run,
        ready: Sequence[int],
        pages: Mapping[int, Iterator[Sequence[DueTask]]],
        deadline: Deadline,
    ) -> None:
        """Enqueue a page of each shard, repeatedly, until all is done or time runs out."""
        busy = dict[asyncio.Task[bool], int]()
        while True:
            begun = list[asyncio.Task[bool]]()
            for shard in ready:
                if not deadline.allows(_PAGE_S):
                    break
                begun.append(asyncio.create_task(self._page(run, shard, pages[shard])))
                busy[begun[-1]] = shard
            if begun:
                await asyncio.wait(begun, timeout=SLOW_S)
            if not busy:
                return
            done, _ = await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
            # Keep the order in which they began.
            ready = [busy.pop(task) for task in list(busy) if task in done and task.result()]
            busy = {task: shard for task, shard in busy.items() if task not in done}

    async def _page(self, run: _Run, shard: int, pages: Iterator[Sequence[DueTask]]) -> bool:
        """Enqueue a shard's next page and move its cursor; return whether to read another."""
        try:
            page = await self._call(next, pages, None)
            if page is None:
                return False
            enqueued = await self._enqueue(page)
            if not await self._call(self.due.move, shard, page[-1].sort_key):
                return False
        except Exception as error:  # raised again once the other shards are done
            run.failures.append(error)
            return False
        run.count += len(enqueued)
        run.oldest_ms = min([run.oldest_ms, *(task.due_ms for task in enqueued)])
        return True

    async def _enqueue(self, page: Sequence[DueTask]) -> Sequence[DueTask]:
        """Enqueue a page's tasks and return them; put off the tasks that their queue rejects."""
        batches = list[Sequence[DueTask]]()
        for queue in dict.fromkeys(task.queue for task in page):
            tasks = [task for task in page if task.queue is queue]
            batches += [tasks[at : at + BATCH] for at in range(0, len(tasks), BATCH)]
        # A page fails only after all its batches have ended, never while some are still being sent.
        sent = [asyncio.create_task(self._send(batch)) for batch in batches]
        await asyncio.gather(*sent, return_exceptions=True)
        return [task for each in sent for task in each.result()]

    async def _send(self, batch: Sequence[DueTask]) -> Sequence[DueTask]:
        queue = batch[0].queue
        delays_s = [_delay_s(task) for task in batch]
        sent = await self._call(self.queues.send, queue, [t.body for t in batch], "", delays_s)
        for task, in_queue in zip(batch, sent, strict=True):
            if not in_queue:
                await self._put_off(task)
        return [task for task, in_queue in zip(batch, sent, strict=True) if in_queue]

    async def _put_off(self, task: DueTask) -> None:
        await self._call(self.queues.schedule, task.queue, task.body, PUT_OFF_S)
        about = {"row": task.sort_key, "queue": task.queue}
        self.emit(LogEvent("task put off", about, {"put_off": 1}))

    async def _call(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.calls, function, *args)


def _delay_s(task: DueTask) -> int:
    """Return the seconds until a task may be received, always the same for the same row."""
    return crc32(task.sort_key.encode()) % SPREAD_S if is_check(task.body) else 0
