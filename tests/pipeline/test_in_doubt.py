"""Messages that a carrier may have accepted: when they are sent again, and when they stay."""

import pytest

from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, route, send, set_routing, taken
from tests.support.wired import CARRIER, NOW
from tests.support.world import World

RESUBMIT = {category: "resubmit" for category in Category}


def silent_at_first(world: World, *, takes: bool) -> None:
    provider = world.provider
    provider.silent = lambda: provider.references.total() <= 1
    provider.takes = takes


@pytest.mark.parametrize("takes", [True, False], ids=["taken", "lost on the way"])
def test_in_doubt_goes_again_under_its_reference_where_it_is_said(takes: bool) -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt=RESUBMIT)
    silent_at_first(world, takes=takes)
    world.provider.receipt_s = 30  # after the repeat
    answers = send(world, 1)
    world.run()
    check_without_a_kill(world, answers)
    assert list(world.finals().values()) == ["delivered"]
    assert list(world.provider.references.values()) == [2], "under one reference"
    assert world.counts["resubmitted"] == 1
    assert world.counts["in_doubt"] == 1


@pytest.mark.parametrize(
    ("deduplicates", "policy"),
    [
        pytest.param(True, {}, id="nobody said so"),
        pytest.param(True, {"promotional": "resubmit"}, id="said of another category"),
        pytest.param(False, RESUBMIT, id="the carrier would take it twice"),
    ],
)
def test_else_it_stays_where_it_is(deduplicates: bool, policy: dict[str, str]) -> None:
    world = World(carriers=[carrier("sim", deduplicates=deduplicates)])
    set_routing(world, in_doubt=policy)
    silent_at_first(world, takes=False)
    answers = send(world, 1)
    world.run()
    check_without_a_kill(world, answers)
    assert list(world.finals().values()) == ["unknown"]
    assert world.provider.references.total() == 1
    assert not world.counts["resubmitted"]


def test_what_is_in_doubt_never_goes_to_another_carrier() -> None:
    world = World(carriers=[CARRIER, *(carrier(name, deduplicates=True) for name in "ab")])
    set_routing(world, routes=[route("a", "b")], in_doubt=RESUBMIT)
    for provider in world.providers.by_name.values():
        provider.silent = lambda: world.now < NOW + 1
        provider.takes = False
    answers = send(world, 40)

    def throttle(name: str, busy: bool) -> None:
        world.providers.by_name[name].busy = busy

    # A throttled second attempt says nothing about the first.
    world.at(0.5, lambda: throttle("a", True))
    world.at(100, lambda: throttle("a", False))
    world.run()
    check_without_a_kill(world, answers)
    assert set(world.finals().values()) == {"delivered"}
    assert sum(taken(world).values()) == 40
    for provider in world.providers.by_name.values():
        attempts = {reference.split(".")[1] for reference in provider.references}
        assert attempts <= {"1"}, "a message in doubt went out under another reference"
    first, second = (world.providers.by_name[name].references.keys() for name in "ab")
    assert first
    assert second
    assert not first & second, "a message in doubt went to another carrier"


def test_a_failure_of_a_try_that_was_repeated_is_final() -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt=RESUBMIT)
    silent_at_first(world, takes=True)
    world.provider.receipt_s = 30  # it was repeated by then
    answers = world.send([campaign.record("9001")])
    ended: list[str] = []
    world.at(60, lambda: ended.extend(world.finals().values()))
    world.run()
    check_without_a_kill(world, answers)
    assert world.counts["resubmitted"] == 1
    assert ended == ["failed"]


def test_what_is_in_doubt_is_not_repeated_once_it_is_cancelled_and_stays_in_doubt() -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt=RESUBMIT)
    world.provider.silent = lambda: True
    world.provider.takes = False
    answers = send(world, 1)
    world.at(30, lambda: world.cancel(answers[0].mid))
    world.run()
    check_without_a_kill(world, answers)
    assert not world.cancelled, "it was too late to say so"
    assert list(world.finals().values()) == ["unknown"]
    assert world.provider.references.total() < 6
