"""Callbacks to endpoints that fail, are unknown, accept few posts at a time or want few events."""

from typing import Any

import pytest

from harkara.base.json import decode, encode
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.events import EventKind, EventTask, Reply
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import Attempt, QueueName
from harkara.state.endpoint_health_record import HealthRecord
from tests.pipeline import campaign
from tests.pipeline.callbacks import (
    FAILED,
    HEALTH_NAME,
    MID,
    dead_letters,
    logged,
    posted_at,
    sent,
    steps,
)
from tests.pipeline.invariants import check_without_a_kill
from tests.support.fakes import Faults
from tests.support.wired import RETRY_DELAYS_S, URL
from tests.support.world import World


def test_an_endpoint_that_is_gone_gets_no_more_posts_and_all_is_parked() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [410]
    world.at(3600, lambda: sent(world, "0000", "9001"))
    world.run()
    assert len(world.platform.posts) == 1
    assert sum(len(row.task.members) for row in dead_letters(world)) == 3
    assert {row.last.reason for row in dead_letters(world)} == {
        "HTTP 410",
        "not posted: the endpoint is gone",
    }


def test_a_dead_endpoint_is_left_alone_and_its_callbacks_are_scheduled_and_parked() -> None:
    world = World()
    for number in range(40):
        world.at(number, lambda: sent(world))
    world.platform.script = [0] * 1000
    world.run()
    rows = dead_letters(world)
    assert sum(len(row.task.members) for row in rows) == 40
    assert len(world.platform.posts) < 40 * 9
    assert "not posted: the endpoint was failing" in {row.last.reason for row in rows}
    assert not world.queues.waiting


def test_an_endpoint_that_recovers_gets_all_it_missed_once() -> None:
    world = World()
    answers = [world.send([campaign.record("0000", client_ref=str(n))]) for n in range(30)]
    world.platform.script = [0] * 5
    world.run()
    check_without_a_kill(world, *answers)
    assert not dead_letters(world)


def test_callbacks_of_an_endpoint_that_nobody_knows_wait_for_its_first_answer() -> None:
    world = World()
    answers = [world.send([campaign.record("0000", client_ref=str(n))]) for n in range(20)]
    began = world.now
    world.run(60)
    assert len(world.called_back()) == 20
    world.run()
    check_without_a_kill(world, *answers)
    assert world.counts["callbacks_to_retry"] == 0
    assert max(Attempt(*entry.data["last"]).at_ms for entry in acks(world)) / 1000 - began < 30


def acks(world: World) -> list[Any]:
    return [entry for (_, kind), entry in world.store.entries.items() if kind.startswith("ack#")]


def test_what_waits_for_an_endpoint_that_never_acknowledges_has_its_attempts_counted() -> None:
    world = World()
    endless = HealthRecord(leases=(("somebody", int(world.now * 1000) + 10**12),))
    world.counted.existing[HEALTH_NAME] = encode(endless).decode()
    sent(world)
    world.run()
    assert not world.platform.posts
    (row,) = dead_letters(world)
    assert row.last.reason == "not posted: the endpoint was failing"
    assert row.task.failures == len(RETRY_DELAYS_S)
    assert world.counts["callbacks_waiting"] == 9 * 20


def test_a_copy_that_posts_nothing_gives_its_place_back() -> None:
    world = World()
    (mid,) = sent(world)
    world.platform.script = [FAILED, FAILED]

    def double(number: int, name: str) -> None:
        if name == "schedule callback" and len(world.platform.posts) == 1:
            world.faults.lose_answer.add(number)

    world.faults.on_call = double
    world.run(20)
    assert world.counts["posted_by_another"] == 1
    assert not decode(world.counted.existing[HEALTH_NAME])[-1]
    world.run()
    assert world.called_back() == {mid: 1}


def test_the_rate_of_an_endpoint_is_kept_and_costs_no_attempt() -> None:
    world = World()
    world.trust()
    settings = CallbackEndpoint(id="main", url=URL, rate_per_s=1)
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    for number in range(10):
        world.at(number / 10, lambda: sent(world))
    times = posted_at(world)
    world.run()
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert len(gaps) >= 3  # callbacks that arrive in between are posted together
    assert min(gaps) >= 0.99
    check_without_a_kill(world)
    assert world.counts["callbacks_to_retry"] == 0


@pytest.mark.parametrize("trusted", [True, False])
def test_what_a_destination_does_not_want_is_not_posted_and_not_taken_for_lost(
    trusted: bool,
) -> None:
    world = World()
    if trusted:
        world.trust()
    settings = CallbackEndpoint(id="main", url=URL, states=(State.FAILED,))
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    delivered, failed = sent(world, "0000", "9001")
    (refused,) = sent(world, "9005")
    world.run()
    assert world.called_back() == {failed: 1, refused: 1}
    assert world.counts["recovered"] == 0
    assert steps(world, refused)[-1]["acknowledged"] is True


def test_a_destination_that_wants_nothing_of_a_group_ends_it() -> None:
    world = World()
    settings = CallbackEndpoint(id="main", url=URL, events=(EventKind.CLICKED,))
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    (mid,) = sent(world)
    world.run()
    assert not world.platform.posts
    assert logged(world)["callbacks_unwanted"] == 1
    assert world.counts["recovered"] == 0
    (step,) = steps(world, mid)
    assert (step["step"], step["unwanted"]) == ("callback", True)


def reply(world: World) -> EventTask:
    endpoint = Endpoint(URL, "clevertap", "main")
    event = Reply(MID, "ref", int(world.now), "919876543210", "56161", "yes")
    return EventTask("acme", endpoint, event, int(world.now * 1000))


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
@pytest.mark.parametrize("number", range(8))
def test_an_event_is_posted_once_whoever_dies(moment: str, number: int) -> None:
    faults = Faults()
    world = World(faults)
    world.queues.add(QueueName.CALLBACK, reply(world).encode(), world.now)
    setattr(faults, moment, {number})
    world.run()
    assert len(world.platform.taken) >= 1
    in_doubt = logged(world)["callbacks_in_doubt"]
    assert len(world.platform.taken) - 1 <= in_doubt <= 1
