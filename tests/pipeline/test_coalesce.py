"""Receipts that come one by one and wait together are called back together, despite deaths."""

from hypothesis import given
from hypothesis import strategies as st

from harkara.model.tasks import QueueName
from harkara.receipts.service import CoalesceService
from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check
from tests.support.fakes import Faults, ProcessKilled
from tests.support.queues import QueueMessage
from tests.support.world import VISIBILITY_S, World

COUNT = 6


class BatchedWorld(World):
    """Its carrier posts one receipt at a time, and `dlr` gets the waiting messages in batches."""

    async def take_receipts(self) -> None:
        due = [receipt for receipt in self.receipts if receipt[0] <= self.now]
        later = [receipt for receipt in self.receipts if receipt[0] > self.now]
        for receipt in due:
            self.receipts = [receipt]
            await super().take_receipts()
            later += self.receipts
        self.receipts = later

    async def deliver(self, message: QueueMessage) -> None:
        first = [
            each
            for each in self.queues.waiting
            if each.queue is QueueName.RECEIPT
            and each.visible_at <= self.now
            and not each.receive_count
        ][:10]
        try:
            coalesced = CoalesceService(self.queues).coalesce(
                {each.id: each.body for each in first}
            )
        except ProcessKilled:
            self.killed += 1
            for each in first:
                each.receive_count += 1
                each.visible_at = self.now + VISIBILITY_S
            return
        self.queues.waiting[:] = [each for each in self.queues.waiting if each.id not in coalesced]
        if message.id not in coalesced:
            await super().deliver(message)


def run(faults: Faults) -> World:
    """Run a small campaign to its end, and check that nothing is lost or doubled uncounted."""
    world = BatchedWorld(faults)
    world.trust()
    answers = world.send([campaign.record(f"{number:04d}") for number in range(COUNT)])
    world.run()
    check(world, answers)
    return world


RUN = run(Faults()).faults


def test_they_are_called_back_in_one_post() -> None:
    (post,) = run(Faults()).platform.taken
    assert len(post.members) == COUNT


@each(deaths(RUN))
def test_a_process_that_dies_loses_nothing(fault: Fault) -> None:
    assert run(fault.faults()).killed == 1


@each(lost_answers(RUN))
def test_a_lost_answer_doubles_nothing(fault: Fault) -> None:
    world = run(fault.faults())
    assert set(world.called_back().values()) == {1}
    assert not world.callbacks_in_doubt()


@given(
    kill_before=st.sets(st.integers(0, 60), max_size=4),
    kill_after=st.sets(st.integers(0, 60), max_size=4),
    lose_answer=st.sets(st.integers(0, 60), max_size=6),
)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int]
) -> None:
    run(Faults(kill_before, kill_after, lose_answer))
