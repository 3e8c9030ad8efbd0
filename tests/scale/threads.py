"""Threads in virtual time: one runs at a time, and waiting for the clock costs nothing.

A sleeping thread passes its turn to the thread with the next time. So the blocking code of the
services and their adapters runs unchanged, thousands of times faster than the clock.
"""

import asyncio
import heapq
import itertools
import math
import selectors
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

# Number of threads of asyncio.to_thread on two processors.
WORKERS = 6


class Thread:
    """A thread that waits for its turn; `owner` is the environment that it works for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        # Grows with each turn, which invalidates plans for earlier turns.
        self.turn = 0
        self.is_waiting = False
        self.work: Callable[[], object] = _nothing
        self.owner: Any = None


class _Work(NamedTuple):
    """Work for any idle thread."""

    work: Callable[[], object]
    owner: Any


class Threads:
    """A clock, and the threads that use it. The thread that creates it is the first of them."""

    def __init__(self, began_s: float) -> None:
        # Counted from the start: Unix time has no digits left for microseconds.
        self.now_s = 0.0
        self._began_s = began_s
        self._plans: list[tuple[float, int, int, Thread | _Work]] = []
        self._numbers = itertools.count()
        self._idle: list[Thread] = []
        self._others: list[tuple[Thread, threading.Thread]] = []
        self._local = threading.local()
        self._main = self._local.thread = Thread()
        self._failure: BaseException | None = None
        self._is_closed = False
        # Loops to close together with this clock.
        self.loops: list[Loop] = []

    def clock(self) -> float:
        """Return Unix time."""
        return self._began_s + self.now_s

    @property
    def current(self) -> Thread:
        thread: Thread = self._local.thread
        return thread

    def sleep(self, for_s: float) -> None:
        """Sleep in virtual time."""
        thread = self.current
        self._plan(self.now_s + max(0.0, for_s), thread)
        self._hand_on(thread)

    def wait(self, for_s: float = math.inf) -> None:
        """Wait until another thread wakes this one, or until the time is over."""
        thread = self.current
        thread.is_waiting = True
        if for_s < math.inf:
            self._plan(self.now_s + for_s, thread)
        self._hand_on(thread)
        thread.is_waiting = False

    def wake(self, thread: Thread) -> None:
        """End a thread's wait; do nothing if it does not wait."""
        if thread.is_waiting:
            self._plan(self.now_s, thread)

    def start(self, work: Callable[[], object], owner: Any = None, after_s: float = 0.0) -> None:
        """Run work in another thread after this time."""
        plan = self.now_s + after_s, next(self._numbers), 0, _Work(work, owner)
        heapq.heappush(self._plans, plan)

    def run(self, for_s: float) -> None:
        """Let time pass in the first thread; raise the failure of another one."""
        self.sleep(for_s)
        if self._failure:
            raise self._failure

    def run_out(self) -> None:
        """Run until the other threads have ended, then close; raise the failure of one of them."""
        try:
            self.run(math.inf)
        finally:
            self.close()

    def close(self) -> None:
        """End the other threads, wherever they are."""
        self._is_closed = True
        for thread, live in self._others:
            thread.lock.release()
            live.join()
        for loop in self.loops:
            loop.close()

    def _new(self) -> Thread:
        thread = Thread()
        live = threading.Thread(target=self._live, args=(thread,), daemon=True)
        self._others.append((thread, live))
        live.start()
        return thread

    def _live(self, thread: Thread) -> None:
        self._local.thread = thread
        try:
            self._take_turn(thread)
            while True:
                thread.work()
                thread.work, thread.owner = _nothing, None
                self._idle.append(thread)
                self._hand_on(thread)
        except _Closed:
            return
        except BaseException as error:
            self._failure = error
            self._plan(-math.inf, self._main)
            self._next().lock.release()

    def _plan(self, at_s: float, thread: Thread) -> None:
        heapq.heappush(self._plans, (at_s, next(self._numbers), thread.turn, thread))

    def _next(self) -> Thread:
        """Advance the time to the first valid plan, and return its thread."""
        while True:
            at_s, _, turn, planned = heapq.heappop(self._plans)
            if isinstance(planned, _Work):
                thread = self._idle.pop() if self._idle else self._new()
                thread.work, thread.owner = planned
            elif turn == planned.turn:
                thread = planned
            else:
                continue
            thread.turn += 1
            self.now_s = max(self.now_s, at_s)
            return thread

    def _hand_on(self, thread: Thread) -> None:
        if self._is_closed:
            raise _Closed
        following = self._next()
        if following is not thread:
            following.lock.release()
            self._take_turn(thread)

    def _take_turn(self, thread: Thread) -> None:
        thread.lock.acquire()
        if self._is_closed:
            raise _Closed


class Loop(asyncio.SelectorEventLoop):
    """An event loop that any of these threads can run; `asyncio.to_thread` uses others of them."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._runner = threads.current
        self._pools: dict[Executor | None, _Pool] = {}
        super().__init__(_Selector(threads))
        threads.loops.append(self)
        # Sums of floats are not exact: timers within this distance are due.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._threads.now_s

    def run_forever(self) -> None:
        self._runner = self._threads.current
        super().run_forever()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        if executor not in self._pools:
            self._pools[executor] = _Pool(getattr(executor, "_max_workers", WORKERS))
        pool = self._pools[executor]
        pool.calls.append((done, partial(func, *args)))
        if pool.free:
            pool.free -= 1
            self._threads.start(partial(self._work, pool), self._threads.current.owner)
        return done

    def _work(self, pool: "_Pool") -> None:
        while pool.calls:
            done, call = pool.calls.popleft()
            try:
                tell, what = done.set_result, call()
            except Exception as error:
                tell, what = done.set_exception, error
            self.call_soon_threadsafe(tell, what)
        pool.free += 1

    def _write_to_self(self) -> None:
        self._threads.wake(self._runner)


@dataclass
class _Pool:
    """The free threads of an executor, and its waiting calls."""

    free: int
    calls: deque[tuple[asyncio.Future[Any], Callable[[], Any]]] = field(default_factory=deque)


class _Selector(selectors.DefaultSelector):
    """A selector that never finds an event, and waits in virtual time."""

    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._threads.wait(math.inf if timeout is None else timeout)
        return []


class _Closed(BaseException):
    """The clock is closed. Not an Exception: no handler may catch it."""


def _nothing() -> None:
    """Do nothing, the work of an idle thread."""
