"""Scheduled, promotional and cancelled messages: their whole way, with a death at every call."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import Faults
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.wired import NOW
from tests.world import World


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


CALLS = list(enumerate(run().faults.calls))
WRITES = [
    (number, name) for number, name in CALLS if name.startswith(("put_once", "send", "schedule"))
]
# The calls that defer the tasks: they come first.
DEFERRALS = [
    (number, name)
    for number, name in enumerate(run(early=True).faults.calls[:40])
    if name.startswith("schedule")
]


def name_of(call: object) -> str:
    return str(call).replace(" ", "-")


@pytest.mark.parametrize(
    ("place", "state"), [(place, row[-1]) for place, row in enumerate(campaign.LATER)]
)
def test_every_message_ends_as_named(world: World, place: int, state: str) -> None:
    ends = [dlr.state for dlr in world.platform.dlrs if dlr.client_ref == str(place)]
    assert ends == [state]


def test_each_goes_out_at_its_time(world: World) -> None:
    times = sorted({int(at - NOW) for at in world.provider.taken_at.values()})
    first_tries = [0, 600, 22_600, 22_600 + 48 * 3600, 29 * 86_400]
    assert [at for at in times if at in first_tries] == first_tries
    assert set(times) - set(first_tries) == {608}  # the third attempt of the throttled message


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
def test_a_process_that_dies_before_a_call_loses_and_doubles_nothing(
    number: int, name: str
) -> None:
    world = run(Faults(kill_before={number}))
    assert world.killed == 1
    assert world.faults.calls[number] == name


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
def test_a_process_that_dies_after_a_call_loses_and_doubles_nothing(number: int, name: str) -> None:
    world = run(Faults(kill_after={number}))
    assert world.killed <= 1  # reads have no after
    assert world.faults.calls[number] == name


@pytest.mark.parametrize(("number", "name"), WRITES, ids=name_of)
def test_a_lost_answer_changes_nothing(number: int, name: str) -> None:
    world = World(Faults(lose_answer={number}))
    answers = campaign.send_later(world)
    world.run()
    check_without_a_kill(world, answers)
    assert world.faults.calls[number] == name


@settings(max_examples=150, deadline=None)
@given(
    early=st.booleans(),
    kill_before=st.sets(st.integers(0, len(CALLS)), max_size=4),
    kill_after=st.sets(st.integers(0, len(CALLS)), max_size=4),
    lose_answer=st.sets(st.integers(0, len(CALLS)), max_size=8),
    refuse=st.sets(st.integers(0, len(CALLS)), max_size=4),
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


@pytest.mark.parametrize(("number", "name"), DEFERRALS, ids=name_of)
def test_a_process_that_dies_as_it_puts_a_task_off_loses_and_doubles_nothing(
    number: int, name: str
) -> None:
    world = run(Faults(kill_after={number}), early=True)
    assert world.killed == 1
    assert world.faults.calls[number] == name
