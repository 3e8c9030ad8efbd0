"""What the outcome of a claimed part says, and what it calls for. It is the same at every look."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from harkara.codes import Code
from harkara.marks import Mark
from harkara.messages import State
from harkara.ports import InDoubt, NotTaken
from harkara.services.handover import Handed
from harkara.services.routing import BlockPart
from harkara.services.tries import outcome_data
from harkara.tasks import Receipt, Repeat, Reserved, SubmitTask


class Retry(NamedTuple):
    """The next try of a part's messages, and how long their carriers want to be left alone."""

    task: SubmitTask
    wait_s: int


def left_behind(part: BlockPart, claim: Mark) -> Handed:
    """Return how the try of a dead holder ends: all that it may have handed over is in doubt."""
    at = _carriers_of(part, claim)
    return Handed({index: InDoubt() if index in at else NotTaken() for index in part.indexes})


def outcome_of(
    part: BlockPart, claim: Mark, handed: Handed, repeatable: Collection[str]
) -> dict[str, Any]:
    """Return what the outcome mark says.

    `again` are those in doubt that go to their carrier again, one of the `repeatable`, and how long
    it wants to be left alone. A message that was in doubt before stays so until its carrier says
    that it has it, or never will.
    """
    at, ends, again = _carriers_of(part, claim), dict(handed.ends), []
    for index, end in handed.ends.items():
        if isinstance(end, NotTaken) and index in part.repeats:
            ends[index] = InDoubt()
        in_doubt = isinstance(ends[index], InDoubt) and index not in handed.kept
        if in_doubt and at[index] in repeatable:
            again.append((index, end.retry_after_s if isinstance(end, NotTaken) else 0))
    said = outcome_data(part.indexes, [ends[index] for index in part.indexes])
    return {**said, "again": again} if again else said


def reports_of(part: BlockPart, outcome: Mark) -> list[Receipt]:
    """Return the final states that an outcome brings by itself."""
    chunk, attempt, data = part.chunk, part.attempt, outcome.data
    at_s = data["at"] // 1000
    refused = [
        Receipt(
            chunk.mid(index),
            attempt,
            State.EXPIRED if code == Code.EXPIRED else State.FAILED,
            at_s,
            code,
            carrier_code,
        )
        for index, code, carrier_code in data["refused"]
    ]
    cancelled = [
        Receipt(chunk.mid(index), attempt, State.CANCELLED, at_s, Code.CANCELLED)
        for index in data["cancelled"]
    ]
    return refused + cancelled


def retry_of(
    part: BlockPart, claim: Mark, outcome: Mark, reserved: Mapping[str, Reserved]
) -> Retry | None:
    """Return the next try of what no carrier took, and of what goes to its carrier again.

    It keeps the places at carriers that this try did not come to.
    """
    not_taken = dict(outcome.data["not_taken"])
    again = dict(outcome.data.get("again", ()))
    if not not_taken and not again:
        return None
    carriers, at = claim.data["carriers"], _carriers_of(part, claim)
    tried = {
        name: sorted({*part.tried.get(name, ()), *carriers.get(name, ())} & not_taken.keys())
        for name in {**part.tried, **carriers}
    }
    task = SubmitTask(
        chunk_id=part.chunk.id,
        account_id=part.chunk.account_id,
        block=part.block,
        attempt=part.attempt + 1,
        indexes=tuple(sorted([*not_taken, *again])),
        reserved={name: place for name, place in reserved.items() if name not in carriers},
        tried={name: indexes for name, indexes in tried.items() if indexes},
        repeats=tuple(
            part.repeats.get(index) or Repeat(index, at[index], part.attempt) for index in again
        ),
    )
    return Retry(task, max([*not_taken.values(), *again.values()]))


def _carriers_of(part: BlockPart, claim: Mark) -> dict[int, str]:
    """Return where each message of a claimed part may be."""
    at = {index: name for name, indexes in claim.data["carriers"].items() for index in indexes}
    return at | {index: repeat.carrier for index, repeat in part.repeats.items()}
