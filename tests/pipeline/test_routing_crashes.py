"""A campaign over several carriers, with a death or a lost answer at every call."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE
from tests.fakes import Faults
from tests.pipeline import campaign
from tests.pipeline.invariants import check
from tests.pipeline.routes import carrier, records, route, set_routing, taken
from tests.wired import CARRIER
from tests.world import World


def run(faults: Faults) -> World:
    """Run a campaign over a dead carrier, a first throttling one, and a deduplicating one."""
    carriers = [
        CARRIER,
        carrier("dead"),
        carrier("busy"),
        carrier("sure", deduplicates=True, rate_segments_per_s=2),
    ]
    world = World(faults, carriers=carriers)
    in_doubt = {"service_implicit": "resubmit"}
    set_routing(world, routes=[route("dead", "busy", "sure")], in_doubt=in_doubt)
    set_routing(world, EVERYONE, paused_campaigns=["spring"])
    world.providers.by_name["dead"].dead = True
    world.providers.by_name["busy"].busy = True
    paused = campaign.record("0000", client_ref="p")._replace(options=Options(campaign_id="spring"))
    answers = [
        world.send([campaign.record("0000"), campaign.record("9001"), paused, *records(6)]),
        world.send([each._replace(options=Options(category=Category.OTP)) for each in records(2)]),
    ]
    world.at(90, lambda: set_routing(world, EVERYONE))
    world.at(90, lambda: setattr(world.providers.by_name["busy"], "busy", False))
    world.run()
    check(world, *answers)
    return world


CALLS = list(enumerate(run(Faults()).faults.calls))
WRITES = [call for call in CALLS if call[1].startswith(("put_once", "send", "schedule", "swap"))]


def name_of(call: object) -> str:
    return str(call).replace(" ", "-")


def test_without_a_kill_all_is_delivered() -> None:
    world = run(Faults())
    assert Counter(world.finals().values()) == {"delivered": 10, "failed": 1}
    assert not world.in_doubt()
    assert taken(world).keys() <= {"busy", "sure"}


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_process_that_dies_at_a_call_loses_and_doubles_nothing(
    number: int, name: str, moment: str
) -> None:
    faults = Faults()
    getattr(faults, moment).add(number)
    world = run(faults)
    assert world.killed <= 1  # reads have no after
    assert world.faults.calls[number] == name


@pytest.mark.parametrize(("number", "name"), WRITES, ids=name_of)
def test_a_lost_answer_loses_and_doubles_nothing(number: int, name: str) -> None:
    world = run(Faults(lose_answer={number}))
    assert world.killed == 0
    assert not world.in_doubt()


@settings(max_examples=100, deadline=None)
@given(
    kill_before=st.sets(st.integers(0, len(CALLS)), max_size=4),
    kill_after=st.sets(st.integers(0, len(CALLS)), max_size=4),
    lose_answer=st.sets(st.integers(0, len(CALLS)), max_size=8),
)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int]
) -> None:
    run(Faults(kill_before, kill_after, lose_answer))
