"""A process dies, or an answer is lost, at a call of callbacks that fail until they are parked.

An operator then replays the dead letters until none is left.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.base.time import END_MS, Deadline
from harkara.callbacks.dead_letters import partition_of
from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, lost_answers
from tests.pipeline.invariants import check
from tests.support.fakes import Faults, ProcessKilled
from tests.support.world import World

# Nine failures park a callback, so does 410, and so do three refusals; 429 delays it.
SCRIPTS: dict[str, Sequence[int]] = {
    "failing": [500] * 9,
    "gone": [410],
    "refused": [400, 0, 400, 500, 400],
    "throttled": [429, 500, 429],
}


def run(faults: Faults, script: Sequence[int], *, trusted: bool = True) -> World:
    """Run a small campaign to its end, and check that nothing is lost or doubled uncounted."""
    world = World(faults)
    if trusted:
        world.trust()
    world.platform.script = list(script)
    answers = world.send([campaign.record("0000"), campaign.record("9001")])
    world.run()
    for _ in range(10):
        if not rows(world):
            break
        replay(world)
        world.run()
    assert not rows(world)
    check(world, answers)
    return world


def rows(world: World) -> object:
    """Return the dead letters, without a call."""
    return [key for key in world.store.entries if key[0] == partition_of("acme", "main")]


def replay(world: World) -> None:
    """Replay all dead letters; repeat after a death or when a queue accepted only some tasks."""
    try:
        world.manage_services().endpoints.dead_letters.replay(
            "acme", "main", Deadline(lambda: 60.0), None, 0, END_MS
        )
    except (ProcessKilled, StoreUnavailable) as error:
        world.killed += isinstance(error, ProcessKilled)
        replay(world)


def each(faults_of: Callable[[Faults], list[Fault]]) -> pytest.MarkDecorator:
    """Run a test with each fault in a run of each script."""
    cases = [
        pytest.param(name, trusted, fault, id=f"{name}-{trusted}-{fault}")
        for name, script in SCRIPTS.items()
        for trusted in ((True, False) if name == "failing" else (True,))
        for fault in faults_of(run(Faults(), script, trusted=trusted).faults)
    ]
    return pytest.mark.parametrize(("name", "trusted", "fault"), cases)


@each(deaths)
def test_a_process_that_dies_loses_nothing(name: str, trusted: bool, fault: Fault) -> None:
    assert run(fault.faults(), SCRIPTS[name], trusted=trusted).killed == 1


@each(lost_answers)
def test_a_lost_answer_doubles_nothing(name: str, trusted: bool, fault: Fault) -> None:
    world = run(fault.faults(), SCRIPTS[name], trusted=trusted)
    assert set(world.called_back().values()) == {1}
    assert not world.callbacks_in_doubt()


@given(
    name=st.sampled_from(sorted(SCRIPTS)),
    trusted=st.booleans(),
    kill_before=st.sets(st.integers(0, 150), max_size=4),
    kill_after=st.sets(st.integers(0, 150), max_size=4),
    lose_answer=st.sets(st.integers(0, 150), max_size=8),
    refuse=st.sets(st.integers(0, 150), max_size=4),
    seed=st.integers(0, 10**6),
)
# The replay closes the circuit, and the next read of it comes from a stale replica.
@example(
    name="gone",
    trusted=False,
    kill_before=set(),
    kill_after=set(),
    lose_answer=set(),
    refuse=set(),
    seed=1,
)
def test_many_deaths_and_losses_together_lose_nothing(
    name: str,
    trusted: bool,
    kill_before: set[int],
    kill_after: set[int],
    lose_answer: set[int],
    refuse: set[int],
    seed: int,
) -> None:
    run(Faults(kill_before, kill_after, lose_answer, refuse, seed), SCRIPTS[name], trusted=trusted)
