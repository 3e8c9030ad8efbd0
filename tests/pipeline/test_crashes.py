"""A process dies, or an answer is lost, at each write of a campaign."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.fakes import Faults
from tests.support.world import World


def run(faults: Faults, *statuses: int) -> World:
    """Run the campaign; the platform answers its first callbacks with these statuses."""
    world = World(faults)
    world.platform.script = list(statuses)
    answers = world.send(campaign.records())
    world.run()
    check(world, answers)
    return world


RUN = run(Faults()).faults
UNLUCKY = (500, 503, 500)
TAKEN = [
    Fault("refuse", number, call)
    for number, call in enumerate(RUN.calls)
    if call.startswith(("schedule", "send"))
]


@each(deaths(RUN))
def test_a_process_that_dies_loses_and_doubles_nothing(fault: Fault) -> None:
    world = run(fault.faults())
    assert world.killed == 1
    assert world.faults.calls[fault.number] == fault.call
    if fault.call.startswith("put_if_absent ack") and fault.kind == "kill_after":
        assert max(world.called_back().values()) == 1, "an acknowledged callback is never repeated"


@each(deaths(run(Faults(), *UNLUCKY).faults))
def test_nor_does_it_when_the_platform_fails_at_first(fault: Fault) -> None:
    world = run(fault.faults(), *UNLUCKY)
    assert world.faults.calls[fault.number] == fault.call
    assert [status for *_, status in world.platform.posts[:3]] in (list(UNLUCKY), [])


@each(lost_answers(RUN))
def test_a_lost_answer_changes_nothing(fault: Fault) -> None:
    world = World(fault.faults())
    answers = world.send(campaign.records())
    world.run()
    check_without_a_kill(world, answers)


@each(TAKEN)
def test_what_a_queue_takes_in_part_is_not_lost(fault: Fault) -> None:
    """Amazon SQS API Reference, SendMessageBatch: each message succeeds or fails by itself."""
    world = World(fault.faults())
    answers = world.send(campaign.records())
    world.run()
    assert world.faults.calls[fault.number] == fault.call
    assert (answers is None) == (fault == TAKEN[0]), "what is not enqueued is not accepted"
    check(world, answers)


@given(
    kill_before=st.sets(st.integers(0, 150), max_size=4),
    kill_after=st.sets(st.integers(0, 150), max_size=4),
    lose_answer=st.sets(st.integers(0, 150), max_size=8),
    refuse=st.sets(st.integers(0, 150), max_size=4),
    seed=st.integers(0, 10**6),
)
# A callback's process dies at its post, and the redelivery finds another post in progress at the
# endpoint.
@example(kill_before={113}, kill_after={1, 10, 102, 106}, lose_answer=set(), refuse=set(), seed=0)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int], refuse: set[int], seed: int
) -> None:
    world = World(Faults(kill_before, kill_after, lose_answer, refuse, seed))
    world.platform.script = [500, 200, 503]
    answers = [world.send(campaign.records()), world.send([campaign.record("0002")])]
    world.run()
    check(world, *answers)
