"""How much of an invocation is left. What cannot be finished is not begun, but handed on."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

# Where a piece of work is as long as the whole invocation, it may begin in the first part of it:
# otherwise it would be handed on for ever.
_ALWAYS_ENOUGH = 0.6
_LEFT_S: ContextVar[Callable[[], float]] = ContextVar("left_s", default=lambda: math.inf)

P = ParamSpec("P")
T = TypeVar("T")


class Deadline:
    """The end of an invocation, from what Lambda says is left, in seconds."""

    def __init__(self, remaining_s: Callable[[], float]) -> None:
        self.remaining_s = remaining_s
        self.budget_s = remaining_s()

    def allows(self, needed_s: float) -> bool:
        """Whether work that takes up to `needed_s` may begin."""
        return self.remaining_s() >= self._enough_s(needed_s)

    @contextmanager
    def keeping(self, needed_s: float) -> Iterator[None]:
        """End work in time for what follows it, which takes up to `needed_s`: `left_s` keeps it."""
        with _within(lambda: self.remaining_s() - self._enough_s(needed_s)):
            yield

    def _enough_s(self, needed_s: float) -> float:
        return min(needed_s, self.budget_s * _ALWAYS_ENOUGH)


@contextmanager
def invocation(context: Any) -> Iterator[Deadline]:
    """Return the end of an invocation, by its Lambda context; `left_s` knows it meanwhile."""
    deadline = Deadline(lambda: float(context.get_remaining_time_in_millis()) / 1000)
    with _within(deadline.remaining_s):
        yield deadline


def left_s() -> float:
    """Return how long the work at hand may take, in seconds; infinite outside an invocation."""
    return _LEFT_S.get()()


class Threads(ThreadPoolExecutor):
    """Threads whose calls know by `left_s` what who makes them knows, as in `asyncio.to_thread`."""

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        known = copy_context()
        return super().submit(lambda: known.run(call, *args, **kwargs))


@contextmanager
def _within(left: Callable[[], float]) -> Iterator[None]:
    token = _LEFT_S.set(left)
    try:
        yield
    finally:
        _LEFT_S.reset(token)
