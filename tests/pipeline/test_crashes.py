"""A process dies, or an answer is lost, at every call of a campaign to a port."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import Faults
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.world import World


def run(faults: Faults, *statuses: int) -> World:
    """Run the campaign; the platform answers its first callbacks with these statuses."""
    world = World(faults)
    world.platform.script = list(statuses)
    answers = world.send(campaign.records())
    world.run()
    check(world, answers)
    return world


CALLS = list(enumerate(run(Faults()).faults.calls))
UNLUCKY = (500, 503, 500)
CALLS_UNLUCKY = list(enumerate(run(Faults(), *UNLUCKY).faults.calls))
TAKEN = [(number, name) for number, name in CALLS if name.startswith(("schedule", "send"))]
WRITES = [(number, name) for number, name in CALLS if name.startswith(("put_once", "send"))]


def name_of(call: object) -> str:
    return str(call).replace(" ", "-")


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
def test_a_process_that_dies_before_a_call_loses_and_doubles_nothing(
    number: int, name: str
) -> None:
    faults = Faults(kill_before={number})
    world = run(faults)
    assert world.killed == 1
    assert faults.calls[number] == name


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
def test_a_process_that_dies_after_a_call_loses_and_doubles_nothing(number: int, name: str) -> None:
    world = run(Faults(kill_after={number}))
    assert world.killed <= 1  # reads have no after
    if name.startswith("put_once ack"):
        assert max(world.called_back().values()) == 1, "an acknowledged callback is never repeated"


@pytest.mark.parametrize(("number", "name"), CALLS_UNLUCKY, ids=name_of)
def test_nor_does_it_when_the_platform_fails_at_first(number: int, name: str) -> None:
    world = run(Faults(kill_after={number}), *UNLUCKY)
    assert world.faults.calls[number] == name
    assert [status for *_, status in world.platform.posts[:3]] in (list(UNLUCKY), [])


@pytest.mark.parametrize(("number", "name"), WRITES, ids=name_of)
def test_a_lost_answer_changes_nothing(number: int, name: str) -> None:
    world = World(Faults(lose_answer={number}))
    answers = world.send(campaign.records())
    world.run()
    check_without_a_kill(world, answers)


@pytest.mark.parametrize(("number", "name"), TAKEN, ids=name_of)
def test_what_a_queue_takes_in_part_is_not_lost(number: int, name: str) -> None:
    """Amazon SQS API Reference, SendMessageBatch: each message succeeds or fails by itself."""
    world = World(Faults(refuse={number}))
    answers = world.send(campaign.records())
    world.run()
    assert world.faults.calls[number] == name
    assert (answers is None) == (number == TAKEN[0][0]), "what is not enqueued is not accepted"
    check(world, answers)


@settings(max_examples=150, deadline=None)
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
