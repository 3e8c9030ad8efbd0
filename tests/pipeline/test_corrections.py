"""A delivery after another final state: recorded once, and posted where a callback asks for it."""

from collections import Counter
from typing import Any

import pytest

from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.events import Corrected, EventKind
from harkara.model.messages import State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from tests.pipeline.callbacks import ask, logged, sent
from tests.support.fakes import Faults
from tests.support.wired import ACCOUNT, URL
from tests.support.world import World

LATE = "9010"  # failed, later delivered
ASKS: dict[str, Any] = {"format": "generic", "events": (EventKind.STATUS, EventKind.CORRECTED)}


def world_with(faults: Faults | None = None, **fields: Any) -> World:
    """Return a world whose account has this callback."""
    settings = CallbackEndpoint(id="main", url=URL, **fields)
    account = ACCOUNT.model_copy(update={"callbacks": {"main": settings}})
    world = World(faults, account=account)
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    return world


def corrections(world: World) -> list[Corrected]:
    return [
        member
        for task in world.platform.taken
        for member in task.members
        if isinstance(member, Corrected)
    ]


@pytest.mark.parametrize("name", ["generic", "standard"])
def test_who_asks_hears_of_a_late_delivery(name: str) -> None:
    world = world_with(**{**ASKS, "format": name})
    (mid,) = sent(world, LATE)
    world.run()
    (event,) = corrections(world)
    assert (event.mid, event.was) == (mid, State.FAILED)
    assert world.called_back() == {mid: 1}
    visible = ask(world, mid)
    assert visible["state"] == "failed"
    steps = [step["step"] for step in visible["timeline"]]
    assert steps[steps.index("corrected") :] == ["corrected", "callback"]
    assert logged(world)["corrected"] == 1


@pytest.mark.parametrize("fields", [{"format": "generic"}, {"format": "clevertap"}])
def test_the_timeline_and_a_metric_have_it_where_nobody_asks(fields: dict[str, Any]) -> None:
    world = world_with(**fields)
    (mid,) = sent(world, LATE)
    world.run()
    assert corrections(world) == []
    assert world.finals() == {mid: "failed"}
    assert [step["step"] for step in ask(world, mid)["timeline"]].count("corrected") == 1
    assert logged(world)["corrected"] == 1


def receipts(world: World, mid: str, *states: State) -> None:
    """Let a message's receipts come one after another, and then together."""
    for kept in (*((each,) for each in states), states):
        parts = tuple(Receipt(mid, 1, each, int(world.now)) for each in kept)
        world.queues.add(QueueName.RECEIPT, ReceiptsTask(parts, "sim").encode(), world.now)
        world.run()


@pytest.mark.parametrize(
    ("states", "was"),
    [
        ((State.DELIVERED, State.FAILED, State.DELIVERED), None),
        ((State.UNKNOWN, State.DELIVERED, State.DELIVERED), State.UNKNOWN),
        ((State.EXPIRED, State.FAILED, State.DELIVERED), State.EXPIRED),
        ((State.FAILED, State.EXPIRED, State.UNKNOWN), None),
    ],
)
def test_a_message_is_corrected_once(states: tuple[State, ...], was: State | None) -> None:
    world = world_with(**ASKS)
    (mid,) = sent(world, "9004")  # the carrier sends no receipt by itself
    world.run(for_s=60)
    receipts(world, mid, *states)
    assert [event.was for event in corrections(world)] == ([was] if was else [])
    assert logged(world)["corrected"] == bool(was)


def test_a_failure_and_a_delivery_in_one_task_are_a_correction() -> None:
    world = world_with(**ASKS)
    (mid,) = sent(world, "9004")
    world.run(for_s=60)
    both = (Receipt(mid, 1, State.FAILED, 1, "DND"), Receipt(mid, 1, State.DELIVERED, 2))
    world.queues.add(QueueName.RECEIPT, ReceiptsTask(both, "sim").encode(), world.now)
    world.run()
    assert [event.was for event in corrections(world)] == [State.FAILED]


def calls() -> int:
    world = world_with(**ASKS)
    sent(world, LATE)
    world.run()
    return len(world.faults.calls)


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_correction_is_posted_whoever_dies(moment: str) -> None:
    corrected = 0
    for number in range(calls()):
        faults = Faults()
        setattr(faults, moment, {number})
        world = world_with(faults, **ASKS)
        answers = sent_or_not(world)
        world.run()
        posted = Counter(event.mid for event in corrections(world))
        in_doubt = logged(world)["callbacks_in_doubt"]
        # The carrier may never have had a message that is in doubt, and repeats a lost receipt.
        states = {} if world.in_doubt() else world.finals()
        late = [mid for mid in answers if states.get(mid) == "failed"]
        for mid in late:
            assert 1 <= posted[mid] <= 1 + in_doubt, (moment, number)
        corrected += len(late)
    assert corrected > 5


def sent_or_not(world: World) -> list[str]:
    """Send a message; return its id, or nothing if the process died before it answered."""
    try:
        return sent(world, LATE)
    except AssertionError:
        return []
