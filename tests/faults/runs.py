"""Outcomes of campaigns, and their table. Messages are identified by their `smsgid`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.faults import Fault
from tests.stack.campaigns import Ends, metas_of

COLUMNS = (
    "struck",
    "accepted",
    "final",
    "delivered",
    "failed",
    "unknown",
    "in doubt",
    "doubled",
    "lost",
    "callbacks doubled",
    "seconds",
    "beside, seconds",
)


@dataclass
class Campaign:
    """A campaign; `judge` fills in all fields but the first three."""

    path: str
    """The path of its callbacks."""
    began_s: float
    mids: dict[str, str]
    """The message ids of accepted messages, by `smsgid`."""
    states: dict[str, str] = field(default_factory=dict)
    in_doubt: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    """Messages that the carrier accepted more than once."""
    lost: set[str] = field(default_factory=set)
    """Messages without a final state or without an acknowledged callback."""
    called_back_again: set[str] = field(default_factory=set)
    callback_in_doubt: set[str] = field(default_factory=set)
    took_s: float = 0.0
    """Seconds from the first request to the last callback."""

    def ended(self, state: str) -> set[str]:
        """Return the messages with this final state."""
        return {ref for ref, each in self.states.items() if each == state}

    def judge(self, found: Ends) -> None:
        """Fill in the outcome."""
        refs = self.mids.keys()
        self.states = {ref: state for ref, state in found.states.items() if ref in refs}
        self.in_doubt = refs & found.in_doubt
        self.taken = {ref for ref in refs if found.submitted[ref]}
        self.doubled = {ref for ref in refs if found.submitted[ref] > 1}
        self.lost = refs - (self.states.keys() & found.settled & found.called_back.keys())
        self.called_back_again = {ref for ref in refs if found.called_back[ref] > 1}
        for post in found.posts:
            if own := refs & set(metas_of(post)):
                self.took_s = max(self.took_s, post["received_at"] - self.began_s)
                if post["webhook_id"] in found.callbacks_in_doubt:
                    self.callback_in_doubt |= own


@dataclass
class Run:
    """A campaign under a fault, and one beside it of an account with a healthy carrier."""

    fault: Fault
    campaign: Campaign
    beside: Campaign
    struck: int = 0
    """How many messages, calls, deliveries or processes the fault affected."""
    refs_struck: set[str] = field(default_factory=set)
    """The messages affected by a carrier's fault; of them `too_early` ignored Retry-After."""
    too_early: set[str] = field(default_factory=set)
    deaths: int = 0
    """How many processes of `submit` died from the start of the campaign to the end of all runs."""
    beside_ended: bool = False
    """Whether the campaign beside it was called back in full while the fault lasted."""

    def row(self) -> list[int]:
        """Return the cells of its row in the table."""
        each = self.campaign
        return [
            self.struck,
            len(each.mids),
            len(each.states),
            *(len(each.ended(state)) for state in ("delivered", "failed", "unknown")),
            *map(len, (each.in_doubt, each.doubled, each.lost, each.called_back_again)),
            round(each.took_s),
            round(self.beside.took_s),
        ]


def table(runs: Sequence[Run]) -> str:
    """Return the table, in Markdown."""
    lines = [
        f"| {'fault':24} | {' | '.join(COLUMNS)} |",
        f"|{'-' * 26}|{'|'.join('-' * (len(title) + 1) + ':' for title in COLUMNS)}|",
    ]
    for run in runs:
        cells = [f"{n:>{len(title)}}" for n, title in zip(run.row(), COLUMNS, strict=True)]
        lines.append(f"| {run.fault.name:24} | {' | '.join(cells)} |")
    return "\n".join(lines)
