"""Processes in virtual time: threads of which one runs at a time, each until it waits.

Code that calls a table synchronously is simulated as it is. The order is that of the times waited
for, so a run repeats itself exactly.
"""

import heapq
import itertools
from collections.abc import Callable
from threading import Semaphore, Thread


class VirtualThreads:
    """Threads that share a clock, which stands still while one of them runs."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self._waiting: list[tuple[float, int, Semaphore]] = []
        self._numbers = itertools.count()
        self._threads: list[Thread] = []
        self._errors: list[BaseException] = []
        self._over = Semaphore(0)

    def clock(self) -> float:
        """Return the virtual time."""
        return self.now_s

    def start(self, run: Callable[[], object]) -> None:
        """Add a thread; it begins when the others wait."""
        turn = self._wait_for(self.now_s)

        def body() -> None:
            turn.acquire()
            try:
                run()
            except BaseException as error:
                self._errors.append(error)
            finally:
                self._next()

        self._threads.append(Thread(target=body, daemon=True))

    def sleep(self, seconds: float) -> None:
        """Let the others run until the calling thread's time has come."""
        turn = self._wait_for(self.now_s + seconds)
        self._next()
        turn.acquire()

    def run(self) -> None:
        """Run all threads to their ends. Raises the first error of any of them."""
        for each in self._threads:
            each.start()
        self._next()
        self._over.acquire()
        for each in self._threads:
            each.join()
        if self._errors:
            raise self._errors[0]

    def _wait_for(self, at_s: float) -> Semaphore:
        turn = Semaphore(0)
        heapq.heappush(self._waiting, (at_s, next(self._numbers), turn))
        return turn

    def _next(self) -> None:
        if self._waiting:
            self.now_s, _, turn = heapq.heappop(self._waiting)
            turn.release()
        else:
            self._over.release()
