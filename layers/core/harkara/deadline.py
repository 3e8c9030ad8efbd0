"""How much of an invocation is left. What cannot be finished is not begun, but handed on."""

from collections.abc import Callable

# Where a piece of work is as long as the whole invocation, it may begin in the first part of it:
# otherwise it would be handed on for ever.
_ALWAYS_ENOUGH = 0.6


class Deadline:
    """The end of an invocation, from what Lambda says is left, in seconds."""

    def __init__(self, remaining_s: Callable[[], float]) -> None:
        self.remaining_s = remaining_s
        self._budget_s = remaining_s()

    def allows(self, needed_s: float) -> bool:
        """Whether work that takes up to `needed_s` may begin."""
        return self.remaining_s() >= min(needed_s, self._budget_s * _ALWAYS_ENOUGH)
