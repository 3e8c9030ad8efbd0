"""The reserved part of a shard's rate: until when, and which flows reach far ahead."""

from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.ports import Timeline

HELD_S = 2.0
HELD_US = int(HELD_S * 1_000_000)


class Reach(NamedTuple):
    """How far a flow's reservations at a shard reach, and its line behind (Unix microseconds)."""

    held_us: int = 0
    line_us: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a shard: until when it is reserved, and the flows that reach far ahead."""

    timeline: Timeline = Timeline()
    flows: dict[str, Reach] = field(default_factory=dict)

    @classmethod
    def read(cls, timeline: Timeline) -> "Standing":
        """Parse a time line, whose text `reaching` made."""
        rows = (flow.split(":") for flow in timeline.text.split())
        return cls(timeline, {name: Reach(int(a), int(b)) for name, a, b in rows})

    @property
    def until_us(self) -> int:
        """Until when the shard is reserved (Unix microseconds)."""
        return self.timeline.until_us

    def reaching(self, until_us: int, flow: str, reach: Reach, now_us: int) -> "Standing":
        """Return the state once a flow reaches so far. Flows that reserve freely are left out."""
        flows = {**self.flows, flow: reach} if flow else self.flows
        flows = {name: each for name, each in flows.items() if each.line_us > now_us + HELD_US}
        rows = (f"{name}:{each.held_us}:{each.line_us}" for name, each in flows.items())
        return Standing(Timeline(until_us, " ".join(rows)), flows)

    def admits(self, flow: str, now_us: int, *, in_turn: bool) -> bool:
        """Whether a flow may reserve: within `HELD_S`, and in turn, without a line, or alone."""
        held_us, line_us = self.flows.get(flow, Reach())
        if held_us > now_us + HELD_US:
            return False
        return in_turn or line_us <= now_us + HELD_US or self.until_us <= now_us

    def line_us(self, flow: str) -> int:
        """Return how far a flow's line reaches (Unix microseconds)."""
        return self.flows.get(flow, Reach()).line_us

    @property
    def ends_us(self) -> int:
        """When all reservations and lines are over (Unix microseconds)."""
        return max([self.until_us, *(each.line_us for each in self.flows.values())])
