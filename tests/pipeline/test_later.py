"""Scheduled, promotional and cancelled messages on their whole way, with a death at each write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.fakes import Faults
from tests.support.wired import NOW
from tests.support.world import World


def run(faults: Faults | None = None, *, early: bool = False) -> World:
    """Run the campaign; with `early` its tasks come at once, and `submit` defers them."""
    world = World(faults)
    answers = campaign.send_later(world)
    if early:
        campaign.hurry(world)
    world.run()
    check(world, answers)
    return world


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    answers = campaign.send_later(world)
    world.run()
    check_without_a_kill(world, answers)
    return world


RUN = run().faults
CALLS = len(RUN.calls)
# The calls that defer the tasks: they come first.
DEFERRALS = [
    death
    for death in deaths(run(early=True).faults)
    if death.number < 40 and death.call.startswith("schedule")
]


@pytest.mark.parametrize(
    ("index", "state"), [(index, row[-1]) for index, row in enumerate(campaign.LATER)]
)
def test_every_message_ends_as_named(world: World, index: int, state: str) -> None:
    ends = [dlr.state for dlr in world.platform.dlrs if dlr.client_ref == str(index)]
    assert ends == [state]


def test_each_goes_out_at_its_time(world: World) -> None:
    times = sorted({int(at - NOW) for at in world.provider.taken_at.values()})
    first_attempts = [0, 600, 22_600, 22_600 + 48 * 3600, 29 * 86_400]
    assert [at for at in times if at in first_attempts] == first_attempts
    assert set(times) - set(first_attempts) == {608}  # the third attempt of the throttled message


@each(deaths(RUN))
def test_a_process_that_dies_loses_and_doubles_nothing(fault: Fault) -> None:
    world = run(fault.faults())
    assert world.killed == 1
    assert world.faults.calls[fault.number] == fault.call


@each(lost_answers(RUN))
def test_a_lost_answer_changes_nothing(fault: Fault) -> None:
    world = World(fault.faults())
    answers = campaign.send_later(world)
    world.run()
    check_without_a_kill(world, answers)
    assert world.faults.calls[fault.number] == fault.call


@given(
    early=st.booleans(),
    kill_before=st.sets(st.integers(0, CALLS), max_size=4),
    kill_after=st.sets(st.integers(0, CALLS), max_size=4),
    lose_answer=st.sets(st.integers(0, CALLS), max_size=8),
    refuse=st.sets(st.integers(0, CALLS), max_size=4),
    seed=st.integers(0, 10**6),
)
def test_many_deaths_and_losses_together_lose_nothing(
    early: bool,
    kill_before: set[int],
    kill_after: set[int],
    lose_answer: set[int],
    refuse: set[int],
    seed: int,
) -> None:
    run(Faults(kill_before, kill_after, lose_answer, refuse, seed), early=early)


@each(DEFERRALS)
def test_a_process_that_dies_as_it_puts_a_task_off_loses_and_doubles_nothing(fault: Fault) -> None:
    world = run(fault.faults(), early=True)
    assert world.killed == 1
    assert world.faults.calls[fault.number] == fault.call
