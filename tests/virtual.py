"""An event loop whose time goes by at once: it waits for nothing, and threads are done with."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class _Selector(selectors.DefaultSelector):
    """Lets the time pass that the loop would wait."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed_s += timeout or 0.0
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Counts its time in what tasks sleep. What they hand to threads is done in place."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.passed_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class InPlace(Executor):
    """Threads that are done at once, one after the other: what a test kills dies in order."""

    def submit(  # type: ignore[override]
        self, func: Callable[..., Any], *args: Any
    ) -> "Future[Any]":
        done = Future[Any]()
        try:
            done.set_result(func(*args))
        except BaseException as error:
            done.set_exception(error)
        return done
