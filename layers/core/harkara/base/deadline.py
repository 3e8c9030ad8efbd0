"""The time left in an invocation. Work that would not finish in time is queued again instead."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

# Work may always begin while at least this share of the invocation is left, however long it may
# take: otherwise work as long as a whole invocation would be queued again for ever.
_ALWAYS_ENOUGH = 0.6
_LEFT_S: ContextVar[Callable[[], float]] = ContextVar("left_s", default=lambda: math.inf)

P = ParamSpec("P")
T = TypeVar("T")


class Deadline:
    """The end of an invocation, from the remaining time that Lambda reports, in seconds."""

    def __init__(self, remaining_s: Callable[[], float]) -> None:
        self.remaining_s = remaining_s
        self.budget_s = remaining_s()

    def allows(self, needed_s: float) -> bool:
        """Return whether work that takes up to `needed_s` may begin."""
        return self.remaining_s() >= self._enough_s(needed_s)

    @contextmanager
    def keeping(self, needed_s: float) -> Iterator[None]:
        """Reserve `needed_s` for later work: inside the context `left_s` is shorter by as much."""
        with _within(lambda: self.remaining_s() - self._enough_s(needed_s)):
            yield

    def _enough_s(self, needed_s: float) -> float:
        return min(needed_s, self.budget_s * _ALWAYS_ENOUGH)


@contextmanager
def invocation(context: Any) -> Iterator[Deadline]:
    """Yield the deadline of a Lambda context; inside, `left_s` counts down to it."""
    deadline = Deadline(lambda: float(context.get_remaining_time_in_millis()) / 1000)
    with _within(deadline.remaining_s):
        yield deadline


def left_s() -> float:
    """Return how long the work at hand may take, in seconds; infinite outside an invocation."""
    return _LEFT_S.get()()


class Threads(ThreadPoolExecutor):
    """A thread pool that passes the caller's context, and so its deadline, to each call.

    `asyncio.to_thread` does the same.
    """

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
