"""A campaign over several carriers, with a death or a lost answer at each of its writes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import Options
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE
from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check
from tests.pipeline.routes import carrier, records, route, set_routing, taken
from tests.support.fakes import Faults
from tests.support.wired import CARRIER
from tests.support.world import World


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


RUN = run(Faults()).faults
CALLS = len(RUN.calls)


def test_without_a_kill_all_is_delivered() -> None:
    world = run(Faults())
    assert Counter(world.finals().values()) == {"delivered": 10, "failed": 1}
    assert not world.in_doubt()
    assert taken(world).keys() <= {"busy", "sure"}


@each(deaths(RUN))
def test_a_process_that_dies_loses_and_doubles_nothing(fault: Fault) -> None:
    world = run(fault.faults())
    assert world.killed == 1
    assert world.faults.calls[fault.number] == fault.call


@each(lost_answers(RUN))
def test_a_lost_answer_loses_and_doubles_nothing(fault: Fault) -> None:
    world = run(fault.faults())
    assert world.killed == 0
    assert not world.in_doubt()


@given(
    kill_before=st.sets(st.integers(0, CALLS), max_size=4),
    kill_after=st.sets(st.integers(0, CALLS), max_size=4),
    lose_answer=st.sets(st.integers(0, CALLS), max_size=8),
)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int]
) -> None:
    run(Faults(kill_before, kill_after, lose_answer))
