"""The deaths and the lost answers that a run is to survive: one test each."""

from typing import NamedTuple

import pytest

from tests.faults.faults import AT_LENGTH
from tests.support.fakes import Faults

# Calls that `Faults.lose_answer` repeats, as the SDK does when it hears nothing.
REPEATED = ("put_if_absent", "put_over", "send", "schedule", "swap")


class Fault(NamedTuple):
    """What happens at one call of a run."""

    kind: str
    """The field of `Faults`: kill_before, kill_after, lose_answer, refuse."""
    number: int
    """The number of the call."""
    call: str

    def faults(self) -> Faults:
        """Return the faults of a run in which nothing else happens."""
        faults = Faults()
        setattr(faults, self.kind, {self.number})
        return faults

    def __str__(self) -> str:
        return f"{self.number}-{self.call.replace(' ', '-')}-{self.kind}"


def deaths(run: Faults) -> list[Fault]:
    """Return a death after each write of a run; `make faults` has one at every call.

    Reads change nothing: whatever dies between two writes leaves what the first of them left.
    """
    moments = {"kill_after": run.writes}
    if AT_LENGTH:
        moments["kill_before"] = list(range(len(run.calls)))
    return [
        Fault(moment, number, run.calls[number])
        for moment, numbers in moments.items()
        for number in numbers
    ]


def lost_answers(run: Faults) -> list[Fault]:
    """Return a lost answer to each call of a run that is repeated for want of one."""
    writes = [(number, run.calls[number]) for number in run.writes]
    return [Fault("lose_answer", *write) for write in writes if write[1].startswith(REPEATED)]


def each(faults: list[Fault]) -> pytest.MarkDecorator:
    """Run a test once for each of these, as its argument `fault`."""
    return pytest.mark.parametrize("fault", faults, ids=str)
