"""The refusals that a process remembers, so that a flood is refused without a call."""

from dataclasses import dataclass, field

_KNOWN_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Refusals:
    """Until when the latest thousand names are refused, in Unix microseconds.

    That is right while the timelines behind them never shrink.
    """

    _until_us: dict[str, int] = field(default_factory=dict, init=False)

    def until_us(self, name: str) -> int:
        """Return until when a name is refused, 0 if that is not known."""
        return self._until_us.get(name, 0)

    def remember(self, name: str, until_us: int) -> None:
        """Remember a refusal, and forget the oldest one if there are too many."""
        self._until_us.pop(name, None)
        self._until_us[name] = until_us
        if len(self._until_us) > _KNOWN_LIMIT:
            self._until_us.pop(next(iter(self._until_us)), None)
