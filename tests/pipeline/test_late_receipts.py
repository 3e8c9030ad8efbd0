"""Late receipts: callbacks that a check takes for lost, and messages that are already deleted."""

from hypothesis import example, given
from hypothesis import strategies as st

from harkara.base.ids import split_mid
from harkara.model.messages import State
from harkara.model.tasks import CheckTask, QueueName, Receipt, ReceiptsTask
from tests.pipeline import campaign
from tests.support.fakes import Faults
from tests.support.world import World

HOUR_S = 3600


@given(
    reported_after_h=st.integers(-100, 100),
    comes_after_h=st.integers(1, 71),
    failures=st.integers(0, 8),
    trusted=st.booleans(),
)
# Two days in the carrier's backlog, and an endpoint that is down when the receipt comes.
@example(reported_after_h=1, comes_after_h=71, failures=5, trusted=True)
# The endpoint is healthy, and the check comes between the final state and its callback.
@example(reported_after_h=1, comes_after_h=70, failures=0, trusted=False)
def test_a_callback_that_is_under_way_is_not_taken_for_lost(
    reported_after_h: int, comes_after_h: int, failures: int, trusted: bool
) -> None:
    world = World()
    answers = world.send([campaign.record("9004")])  # the carrier sends no receipt by itself
    assert answers
    mid = answers[0].mid
    reported_s = int(world.now) + reported_after_h * HOUR_S

    def come() -> None:
        if trusted:
            world.trust()
        world.platform.script = [500] * failures
        receipt = Receipt(mid, 1, State.DELIVERED, reported_s)
        world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)
        check = CheckTask(split_mid(mid)[0]).encode()
        world.queues.add(QueueName.RECEIPT, check, world.now)

    world.at(comes_after_h * HOUR_S, come)
    world.run()
    assert world.finals() == {mid: "delivered"}
    assert world.called_back() == {mid: 1}
    assert world.counts["recovered"] == 0


@given(seed=st.integers(0, 10**6), days=st.integers(0, 13))
def test_what_is_kept_no_more_is_not_called_back_again(seed: int, days: int) -> None:
    """DynamoDB deletes a message, its final state and its ack late and independently."""
    world = World(Faults(seed=seed))
    answers = world.send([campaign.record("0000")])
    assert answers
    mid = answers[0].mid

    def come_again() -> None:
        receipt = Receipt(mid, 1, State.FAILED, int(world.now))
        world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)
        check = CheckTask(split_mid(mid)[0]).encode()
        world.queues.add(QueueName.RECEIPT, check, world.now)

    world.at(days * 86_400 + HOUR_S, come_again)
    world.run()
    assert world.called_back() == {mid: 1}
    assert world.providers.taken() == {mid: 1}
