"""Tell carriers whose receipts nobody should believe, from the counters of their messages.

A carrier that sells routes it does not have invents receipts: it sends them before a phone can have
answered, after equal waits, or for numbers that no phone has.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from harkara.activity.stats import Group, Totals

LEAST = 100
"""Deliveries of OTPs from which a carrier's delays say something."""
QUICK_SHARE = 0.5
"""A network needs seconds to page a phone; some answer within one."""
EQUAL_SHARE = 0.98
"""Delays of a network spread over several powers of two seconds."""
_QUICK_S = "1"


class Doubt(StrEnum):
    """A reason not to believe a carrier's receipts."""

    QUICK = "quick_receipts"
    EQUAL = "equal_delays"
    DEAD = "delivers_to_dead_numbers"


@dataclass(slots=True)
class CarrierReceipts:
    """A carrier's receipts over all accounts.

    `delays` counts deliveries of OTPs by the power of two seconds that they took less than;
    `to_dead` counts messages to numbers that are known to be dead, by their final state.
    """

    delays: Counter[str] = field(default_factory=Counter)
    to_dead: Counter[str] = field(default_factory=Counter)

    def add(self, group: Group | Totals, *, are_dead: bool) -> None:
        """Add an account's group of the carrier; `are_dead`: its numbers are known to be dead."""
        if are_dead:
            self.to_dead.update(delivered=group["delivered"])
        elif delay := group.get("otp_delay"):
            self.delays.update(delay["counts"])

    def doubts(self) -> list[Doubt]:
        """Return the reasons not to believe the carrier."""
        found, total = [], self.delays.total()
        if total >= LEAST and self.delays[_QUICK_S] >= QUICK_SHARE * total:
            found.append(Doubt.QUICK)
        elif total >= LEAST and max(self.delays.values()) >= EQUAL_SHARE * total:
            found.append(Doubt.EQUAL)
        if self.to_dead["delivered"]:
            found.append(Doubt.DEAD)
        return found
