"""Event loops for tests: work for threads is done in place, and waits end at once."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class LoopWithoutThreads(asyncio.SelectorEventLoop):
    """Runs work for threads in place; other tasks get their turn before the result arrives."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            self.call_soon(_end, done, done.set_exception, error)
        else:
            self.call_soon(_end, done, done.set_result, result)
        return done


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine as `asyncio.run` does, without threads."""
    with asyncio.Runner(loop_factory=LoopWithoutThreads) as runner:
        return runner.run(main)


def _end(future: asyncio.Future[Any], end: Callable[[Any], None], result: object) -> None:
    if not future.done():
        end(result)


class _Selector(selectors.DefaultSelector):
    """A selector that counts the requested waiting time instead of waiting."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed_s += timeout or 0.0
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        return ready


class VirtualLoop(LoopWithoutThreads):
    """An event loop whose time is the sum of its waits."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.passed_s


class InPlace(Executor):
    """An executor that runs calls at once and in order, so that a killed test dies in order too."""

    def submit(  # type: ignore[override]
        self, func: Callable[..., Any], *args: Any
    ) -> "Future[Any]":
        done = Future[Any]()
        try:
            done.set_result(func(*args))
        except BaseException as error:
            done.set_exception(error)
        return done


async def nothing() -> None:
    """Do nothing."""
