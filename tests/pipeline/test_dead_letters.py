"""A task of `submit` dies for good: its dead letter is never redriven, or much later."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import RecordResult
from harkara.base.ids import split_mid
from harkara.model.ledger import Claimant, final_kind
from tests.fakes import Faults, QueueMessage
from tests.pipeline import campaign
from tests.pipeline.invariants import check
from tests.world import BUDGET_S, World

SUBMITS = ("submit", "submit_priority")
DAY_S = 86_400
Send = Callable[[World], Sequence[RecordResult] | None]


class Abandoned(World):
    """A world that never redelivers a submit task after its process was killed."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.dead: list[QueueMessage] = []
        self.submit_calls: list[int] = []

    def redrive(self) -> None:
        """Move the dead letters back, as SQS does: each is a new message."""
        dead, self.dead = self.dead, []
        for message in dead:
            self.queues.add(message.queue, message.body, self.now)

    async def handle(self, message: QueueMessage, claimant: Claimant) -> Counter[str]:
        before = len(self.faults.calls)
        try:
            return await super().handle(message, claimant)
        finally:
            if message.queue in SUBMITS:
                self.submit_calls.extend(range(before, len(self.faults.calls)))

    async def deliver(self, message: QueueMessage) -> None:
        await super().deliver(message)
        # A failed task would come back; no task fails here.
        if message in self.queues.waiting and message.queue in SUBMITS:
            self.queues.waiting.remove(message)
            self.dead.append(message)


def send_now(world: World) -> Sequence[RecordResult] | None:
    return world.send(campaign.records())


def run(
    send: Send, faults: Faults | None = None, *, redriven_s: Sequence[float] = ()
) -> tuple[Abandoned, Sequence[RecordResult] | None]:
    world = Abandoned(faults)
    answers = send(world)
    for delay_s in redriven_s:
        world.at(delay_s, world.redrive)
    world.run()
    return world, answers


def check_ends(world: World, answers: Sequence[RecordResult] | None) -> None:
    """Fail unless all messages ended and were called back, and none went out after its end."""
    check(world, answers)
    for mid, at_s in world.providers.taken_at().items():
        chunk_id, index = split_mid(mid)
        final = world.store.marks[chunk_id, final_kind(index)]
        assert at_s <= final.until_ms / 1000 - BUDGET_S, "a message went out after its end"


SENDS: tuple[Send, ...] = (send_now, campaign.send_later)
CALLS = {send: run(send)[0].submit_calls for send in SENDS}
# The first call schedules the check: a process killed before it has had no effect.
CASES = [
    (send, number, moment)
    for send in SENDS
    for number in CALLS[send]
    for moment in ("kill_before", "kill_after")
    if (number, moment) != (CALLS[send][0], "kill_before")
]


@pytest.mark.parametrize(("send", "number", "moment"), CASES)
def test_each_message_ends_though_its_task_is_lost(send: Send, number: int, moment: str) -> None:
    faults = Faults()
    getattr(faults, moment).add(number)
    world, answers = run(send, faults)
    assert world.killed <= 1  # reads have no after
    check_ends(world, answers)


@pytest.mark.parametrize("send", SENDS)
def test_what_died_before_it_did_anything_is_done_once_it_is_redriven(send: Send) -> None:
    def dies() -> Faults:
        return Faults(kill_before={CALLS[send][0]})

    lost, _ = run(send, dies())
    assert not lost.providers.taken()
    assert len(lost.dead) == 1
    world, answers = run(send, dies(), redriven_s=[60])
    check_ends(world, answers)
    assert "delivered" in world.finals().values()


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from(CASES),
    more=st.sets(st.integers(0, 250), max_size=3),
    redriven_s=st.lists(
        st.sampled_from([5, 3600, 25 * 3600, 2 * DAY_S, 5 * DAY_S, 29.5 * DAY_S, 35 * DAY_S]),
        max_size=3,
    ),
)
def test_a_dead_letter_that_is_redriven_late_sends_nothing_twice_or_after_its_end(
    case: tuple[Send, int, str], more: set[int], redriven_s: list[float]
) -> None:
    send, number, moment = case
    faults = Faults(kill_after=more)
    getattr(faults, moment).add(number)
    world, answers = run(send, faults, redriven_s=sorted(redriven_s))
    check_ends(world, answers)
