"""A task of `submit` dies for good: its dead letter is never redriven, or much later."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import RecordResult
from harkara.base.ids import split_mid
from harkara.model.ledger import final_kind
from harkara.model.tasks import QueueName
from tests.pipeline import campaign
from tests.pipeline.abandoned import Abandoned
from tests.pipeline.deaths import Fault, deaths
from tests.pipeline.invariants import check
from tests.support.fakes import Faults
from tests.support.world import BUDGET_S, World

SUBMITS = (QueueName.SUBMIT, QueueName.SUBMIT_PRIORITY)
DAY_S = 86_400
Send = Callable[[World], Sequence[RecordResult] | None]


def send_now(world: World) -> Sequence[RecordResult] | None:
    return world.send(campaign.records())


def run(
    send: Send, faults: Faults | None = None, *, redriven_s: Sequence[float] = ()
) -> tuple[Abandoned, Sequence[RecordResult] | None]:
    world = Abandoned(SUBMITS, faults)
    answers = send(world)
    for delay_s in redriven_s:
        world.at(delay_s, world.redrive)
    world.run()
    return world, answers


def check_ends(world: World, answers: Sequence[RecordResult] | None) -> None:
    """Fail unless all messages ended and were called back, and none went out after its end."""
    check(world, answers)
    for mid, at_s in world.providers.taken_at().items():
        batch_id, index = split_mid(mid)
        final = world.store.entries[batch_id, final_kind(index)]
        assert at_s <= final.expires_at_ms / 1000 - BUDGET_S, "a message went out after its end"


SENDS: tuple[Send, ...] = (send_now, campaign.send_later)
RUNS = {send: run(send)[0] for send in SENDS}
# The first call schedules the check: a process killed before it has had no effect.
CASES = [
    (send, death)
    for send, world in RUNS.items()
    for death in deaths(world.faults)
    if death.number in world.dying_calls
    and (death.number, death.kind) != (min(world.dying_calls), "kill_before")
]


@pytest.mark.parametrize(
    ("send", "death"), CASES, ids=lambda each: str(getattr(each, "__name__", each))
)
def test_each_message_ends_though_its_task_is_lost(send: Send, death: Fault) -> None:
    world, answers = run(send, death.faults())
    assert world.killed == 1
    check_ends(world, answers)


@pytest.mark.parametrize("send", SENDS)
def test_what_died_before_it_did_anything_is_done_once_it_is_redriven(send: Send) -> None:
    def dies() -> Faults:
        return Faults(kill_before={min(RUNS[send].dying_calls)})

    lost, _ = run(send, dies())
    assert not lost.providers.taken()
    assert len(lost.dead) == 1
    world, answers = run(send, dies(), redriven_s=[60])
    check_ends(world, answers)
    assert "delivered" in world.finals().values()


@given(
    case=st.sampled_from(CASES),
    more=st.sets(st.integers(0, 250), max_size=3),
    redriven_s=st.lists(
        st.sampled_from([5, 3600, 25 * 3600, 2 * DAY_S, 5 * DAY_S, 29.5 * DAY_S, 35 * DAY_S]),
        max_size=3,
    ),
)
def test_a_dead_letter_that_is_redriven_late_sends_nothing_twice_or_after_its_end(
    case: tuple[Send, Fault], more: set[int], redriven_s: list[float]
) -> None:
    send, death = case
    faults = death.faults()
    faults.kill_after |= more
    world, answers = run(send, faults, redriven_s=sorted(redriven_s))
    check_ends(world, answers)
