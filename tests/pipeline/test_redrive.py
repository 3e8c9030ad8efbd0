"""A task of `dlr` is a dead letter, the cause is mended, and it is redriven: all ends once."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import RecordResult
from harkara.model.tasks import QueueName
from tests.pipeline import campaign
from tests.pipeline.abandoned import Abandoned
from tests.pipeline.deaths import Fault, deaths
from tests.pipeline.invariants import check
from tests.support.fakes import Faults
from tests.support.wired import RECEIPT_WAIT_S

DAY_S = 86_400
# Within the shortest retention, as what is older knows nothing of what was done.
MOMENTS_S = (5, 3600, 25 * 3600, 2 * DAY_S, 3.5 * DAY_S, 6 * DAY_S)
QUEUES = (QueueName.RECEIPT, QueueName.CALLBACK)


def start(world: Abandoned) -> Sequence[RecordResult] | None:
    # From the receipts' queue callbacks go to their own, where an endpoint is not known.
    if QueueName.RECEIPT in world.deadly:
        world.trust()
    return world.send(campaign.records())


def run(queue: QueueName, faults: Faults | None = None, *redriven_s: float) -> Abandoned:
    world = Abandoned((queue,), faults)
    answers = start(world)
    for delay_s in redriven_s:
        world.at(delay_s, world.redrive)
    world.run()
    check(world, answers)
    return world


def not_called_back(world: Abandoned) -> set[str]:
    mids = {
        batch.mid(index)
        for batch in world.batches().values()
        for index in range(len(batch.messages))
    }
    return mids - world.called_back().keys()


RUNS = {queue: run(queue) for queue in QUEUES}
CASES = [
    (queue, death)
    for queue, world in RUNS.items()
    for death in deaths(world.faults)
    if death.number in world.dying_calls
]


@pytest.mark.parametrize("queue", QUEUES)
def test_what_died_before_it_did_anything_is_done_once_it_is_redriven(queue: QueueName) -> None:
    faults = Faults(kill_before={min(RUNS[queue].dying_calls)})
    world = Abandoned((queue,), faults)
    answers = start(world)
    world.run(3600)
    (dead,) = world.dead
    assert dead.queue is queue
    lacking = not_called_back(world)
    world.redrive()
    world.run(3600)
    assert not_called_back(world) < lacking
    world.run()
    check(world, answers)


@pytest.mark.parametrize(("queue", "death"), CASES, ids=str)
def test_what_had_begun_is_completed_once_it_is_redriven(queue: QueueName, death: Fault) -> None:
    """The new message has the old task id in its body, so that its leases are its own."""
    world = Abandoned((queue,), death.faults())
    start(world)
    world.run(900)
    world.redrive()
    world.run(DAY_S)
    assert world.finals().keys() <= world.called_back().keys()
    world.at(2 * RECEIPT_WAIT_S, world.redrive)  # if it was the check that died
    world.run()
    assert world.killed == 1
    assert not world.dead


@given(
    case=st.sampled_from(CASES),
    more=st.sets(st.integers(0, 250), max_size=3),
    redriven_s=st.lists(st.sampled_from(MOMENTS_S), min_size=1, max_size=3),
)
def test_so_it_does_whenever_and_however_often_it_is_redriven(
    case: tuple[QueueName, Fault], more: set[int], redriven_s: list[float]
) -> None:
    queue, death = case
    faults = death.faults()
    faults.kill_after |= more
    # What dies once more is redriven once more.
    run(queue, faults, *sorted(redriven_s), *(6.5 * DAY_S + n for n in range(4)))
