"""A callback that asks for it hears that a carrier took the message, once."""

from collections import Counter

import pytest

from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.events import EventKind, Submitted
from tests.pipeline.callbacks import ask, logged, sent
from tests.support.fakes import Faults
from tests.support.wired import ACCOUNT, URL
from tests.support.world import World

NUMBERS = ("0000", "9001", "9005", "9006")  # delivered, failed, refused, throttled at first


def world_asking(*events: EventKind, faults: Faults | None = None) -> World:
    """Return a world whose callback names these events."""
    settings = CallbackEndpoint(id="main", url=URL, format="standard", events=events)
    account = ACCOUNT.model_copy(update={"callbacks": {"main": settings}})
    world = World(faults, account=account)
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    return world


def told(world: World) -> Counter[str]:
    return Counter(
        member.mid
        for task in world.platform.taken
        for member in task.members
        if isinstance(member, Submitted)
    )


def test_who_asks_hears_once_of_each_message_that_was_taken() -> None:
    world = world_asking(EventKind.SUBMITTED, EventKind.STATUS)
    delivered, failed, refused, throttled = sent(world, *NUMBERS)
    world.run()
    assert told(world) == {delivered: 1, failed: 1, throttled: 1}
    assert world.called_back() == {delivered: 1, failed: 1, refused: 1, throttled: 1}
    steps = [step["step"] for step in ask(world, delivered)["timeline"]]
    assert steps == ["accepted", "submitted", "callback", "delivered", "callback"]


@pytest.mark.parametrize("events", [(), (EventKind.STATUS,)])
def test_nobody_else_hears_of_it(events: tuple[EventKind, ...]) -> None:
    world = world_asking(*events)
    sent(world, *NUMBERS)
    world.run()
    assert told(world) == {}
    assert logged(world)["callbacks_unwanted"] == 0


def test_a_callback_that_asks_no_more_gets_none() -> None:
    world = world_asking(EventKind.SUBMITTED)
    sent(world)
    settings = CallbackEndpoint(id="main", url=URL, format="standard")
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    world.run()
    assert told(world) == {}
    assert logged(world)["callbacks_unwanted"] == 1


def sent_or_not(world: World) -> list[str]:
    """Send a message; return its id, or nothing if the process died before it answered."""
    try:
        return sent(world)
    except AssertionError:
        return []


def calls() -> int:
    world = world_asking(EventKind.SUBMITTED)
    sent(world)
    world.run()
    return len(world.faults.calls)


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_whoever_dies_what_was_taken_is_told(moment: str) -> None:
    heard = 0
    for number in range(calls()):
        faults = Faults()
        setattr(faults, moment, {number})
        world = world_asking(EventKind.SUBMITTED, faults=faults)
        answers = sent_or_not(world)
        world.run()
        in_doubt = logged(world)["callbacks_in_doubt"]
        for mid in [] if world.in_doubt() else answers:
            assert 1 <= told(world)[mid] <= 1 + in_doubt, (moment, number)
            heard += 1
    assert heard > 5
