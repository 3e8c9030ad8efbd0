"""Enqueue what is due, and move a cursor on beyond what is enqueued. Twice is harmless.

Each shard of the Due table has its cursor, which never goes back. It stays where it is while a
queue or the table cannot be reached: the page comes again with the next run. A single task that its
queue does not take is put off instead, as a new row, and the cursor moves on: it keeps no other
waiting, is never dropped, and has an alarm.

A run sweeps its shards in rounds, a page of each at a time, and a page's batches at a time; several
runs share the shards. No shard of a run gets further ahead of another than by a page, unless a call
for the other hangs or fails: it keeps no other waiting. A run whose own shards are on time sweeps
the shards before them where those are late, as they are if their own run does not take place. Of
two runs of one shard the one that finds its cursor further on leaves the shard to the other.

Checks read much, and none of them is urgent. Those of a minute are received spread over the next.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zlib import crc32

from harkara.base.deadline import Deadline
from harkara.base.errors import StoreUnavailable
from harkara.base.log_events import Note, Notes
from harkara.base.time import Clock
from harkara.model.tasks import is_check
from harkara.ports import SHARDS, DueTable, DueTask, TaskQueues

# So many go into a queue in one call; a page has several.
BATCH = 10
# At a time: the batches of a page of each of a run's four shards.
CALLS = 40
# Reading and enqueuing a page.
_PAGE_S = 5.0
# The others begin their next page without a shard whose page takes longer.
SLOW_S = 1.0
# What is so late is also swept by the run of the next shard.
HELP_S = 150.0
# Over so long checks are spread that become due together.
SPREAD_S = 60
# Long enough for the Due table: no row is put that near to a cursor (`harkara.aws.due`).
PUT_OFF_S = 1000.0

T = TypeVar("T")


@dataclass(slots=True)
class _Run:
    """What a run has come to."""

    now_ms: int
    oldest_ms: int
    count: int = 0
    failures: list[Exception] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SweepService:
    """What `sweep` does every minute. `queues` put into `due` what is to wait for long.

    `calls` makes its calls, as many at a time as it has threads.
    """

    due: DueTable
    queues: TaskQueues
    clock: Clock
    notes: Notes
    calls: Executor

    async def sweep(self, deadline: Deadline, shards: Sequence[int] = range(SHARDS)) -> int:
        """Enqueue what is due in these shards, until time runs out; return how many tasks.

        Raises what the first shard failed by (StoreUnavailable), once all others are done.
        """
        now_ms = int(self.clock() * 1000)
        run = _Run(now_ms, now_ms)
        await self._sweep(run, shards, now_ms, deadline)
        late_ms = now_ms - int(HELP_S * 1000)
        others = sorted({(shard - 1) % SHARDS for shard in shards} - set(shards))
        if others and not run.failures and run.oldest_ms > late_ms:
            await self._sweep(run, others, late_ms, deadline)
        delays_s = {"sweep_delay": (now_ms - run.oldest_ms) / 1000} if run.count else {}
        self.notes(Note("swept", {}, {"enqueued": run.count}, delays_s))
        if run.failures:
            raise run.failures[0]
        return run.count

    async def _sweep(
        self, run: _Run, shards: Sequence[int], until_ms: int, deadline: Deadline
    ) -> None:
        """Enqueue what was due in these shards by then."""
        try:
            cursors = await self._call(self.due.cursors)
        except StoreUnavailable as error:
            run.failures.append(error)
            return
        pages = {shard: self.due.due(shard, cursors.get(shard, ""), until_ms) for shard in shards}
        # Each minute another shard is the first.
        first = run.now_ms // 60_000 % len(shards)
        await self._rounds(run, [*shards[first:], *shards[:first]], pages, deadline)

    async def _rounds(
        self,
        run: _Run,
        ready: Sequence[int],
        pages: Mapping[int, Iterator[Sequence[DueTask]]],
        deadline: Deadline,
    ) -> None:
        """Enqueue a page of each shard, again and again, until all is done or time runs out."""
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
            # In the order in which they began.
            ready = [busy.pop(task) for task in list(busy) if task in done and task.result()]
            busy = {task: shard for task, shard in busy.items() if task not in done}

    async def _page(self, run: _Run, shard: int, pages: Iterator[Sequence[DueTask]]) -> bool:
        """Enqueue a shard's next page and move its cursor; say whether to go on with the shard."""
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
        """Enqueue a page's tasks and return them; put off those that their queue does not take."""
        batches = list[Sequence[DueTask]]()
        for queue in dict.fromkeys(task.queue for task in page):
            tasks = [task for task in page if task.queue is queue]
            batches += [tasks[at : at + BATCH] for at in range(0, len(tasks), BATCH)]
        # The page has failed once all its batches are done with, not while some are on their way.
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
        self.notes(Note("task put off", about, {"put_off": 1}))

    async def _call(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.calls, function, *args)


def _delay_s(task: DueTask) -> int:
    """Return in how many seconds a task may be received, always the same of one row."""
    return crc32(task.sort_key.encode()) % SPREAD_S if is_check(task.body) else 0
