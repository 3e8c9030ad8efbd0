"""Callbacks that a platform does not take at once: their schedule, their end, their timeline."""

from collections import Counter
from typing import Any

import pytest

from harkara.callback_settings import CallbackEndpoint, CallbackSecrets, Destination
from harkara.deadline import Deadline
from harkara.events import EventKind, Reply
from harkara.jsons import decode, encode
from harkara.messages import Endpoint, State
from harkara.parked import ParkedCallback, parked_of
from harkara.ports import PostResult
from harkara.retries import JITTER, limit_s
from harkara.services.doors import Door, name_of
from harkara.services.history import HistoryService
from harkara.services.parked import ParkedService
from harkara.tasks import EventTask, QueueName
from tests.fake_parked import FakeParkedStore
from tests.fakes import Faults
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.world import RETRY_DELAYS_S, URL, World

DOOR = name_of("acme", Endpoint(URL, "clevertap", "main"))
# Of a message that nobody stored.
MID = "101KDWCJ2M0000G40R40M30E20900"
FAILED = PostResult(500, "HTTP 500", answer="try later", duration_ms=7)


def sent(world: World, *magic: str) -> list[str]:
    """Send a message to each magic number; return their mids."""
    answers = world.send([campaign.record(each) for each in magic or ("0000",)])
    assert answers
    return [answer.mid for answer in answers]


def posted_at(world: World) -> list[float]:
    """Have the times of posts noted; the list grows as the world runs."""
    times: list[float] = []

    def note(number: int, name: str) -> None:
        if name == "post":
            times.append(world.now)

    world.faults.on_call = note
    return times


def parked(world: World) -> list[ParkedCallback]:
    marks = sorted(world.store.marks.items())
    return [parked_of(mark) for (pk, _), mark in marks if pk.startswith("parked#")]


def parked_service(world: World) -> ParkedService:
    store = FakeParkedStore(world.store)
    return ParkedService(store, world.queues, world.doors.open)


def steps(world: World, mid: str) -> list[dict[str, Any]]:
    timeline = HistoryService(world.store, world.clock).message(world.account, mid)["timeline"]
    return [step for step in timeline if step["step"].startswith("callback")]


def noted(world: World) -> Counter[str]:
    total: Counter[str] = Counter()
    for note in world.notes:
        total.update(note.counts)
    return total


# The schedule


def test_attempts_come_after_the_schedules_pauses_and_up_to_a_fifth_more() -> None:
    world = World()
    world.trust()
    sent(world)
    times = posted_at(world)
    world.platform.script = [FAILED] * 9
    world.run()
    pauses = [after - before for before, after in zip(times, times[1:], strict=False)]
    for pause, planned in zip(pauses, RETRY_DELAYS_S, strict=True):
        # The sweep comes every minute, and a queue counts whole seconds.
        assert planned <= pause <= planned * (1 + JITTER) + 61
    assert noted(world)["callbacks_parked"] == 1


@pytest.mark.parametrize(
    ("result", "pause_s"),
    [
        pytest.param(PostResult(429, "HTTP 429", 300), 300, id="429"),
        pytest.param(PostResult(503, "HTTP 503", 7000), 7000, id="503"),
        pytest.param(PostResult(429, "HTTP 429"), 10, id="429 without a time"),
    ],
)
def test_no_attempt_comes_before_what_the_platform_asked_for(
    result: PostResult, pause_s: int
) -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    times = posted_at(world)
    world.platform.script = [result]
    world.run()
    first, second = times
    assert pause_s <= second - first <= pause_s + 90
    assert world.called_back() == {mid: 1}


@pytest.mark.parametrize(
    ("status", "posts", "parks"),
    [
        pytest.param(400, 3, True, id="400"),
        pytest.param(404, 3, True, id="404"),
        pytest.param(410, 1, True, id="410"),
        pytest.param(408, 9, True, id="408"),
        pytest.param(425, 9, True, id="425"),
        pytest.param(302, 9, True, id="a redirect"),
        pytest.param(0, 9, True, id="no answer"),
    ],
)
def test_how_often_is_tried_what_a_platform_answers_so(
    status: int, posts: int, parks: bool
) -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [status] * 9
    world.run()
    assert len(world.platform.posts) == posts
    (row,) = parked(world)
    assert row.last.status == status
    assert world.counts["callbacks_parked"] == 1


def test_refusals_count_apart_from_other_failures() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [400, 500, 400, 500, 400]
    world.run()
    assert len(world.platform.posts) == 5
    assert parked(world)[0].last.status == 400


def test_a_callback_ends_though_the_platform_asks_for_a_day_each_time() -> None:
    world = World()
    world.trust()
    began = world.now
    sent(world)
    times = posted_at(world)
    world.platform.script = [PostResult(429, "HTTP 429", 86_400)] * 9
    world.run()
    assert times[-1] - began < limit_s(RETRY_DELAYS_S)
    assert len(parked(world)) == 1


def test_how_late_a_callback_is_is_told_at_50_70_and_90_percent_before_it_is_parked() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [FAILED] * 9
    began, told = world.now, list[tuple[float, str]]()
    take = world.notes.append

    class Told(list[Any]):
        """Notes when each was told."""

        def append(self, note: Any) -> None:
            take(note)
            told.extend((world.now, name) for name in note.counts if "percent" in name)

    world.notes = Told()
    world.run()
    total_s = sum(RETRY_DELAYS_S)
    assert [name for _, name in told] == [
        f"callbacks_at_{percent}_percent" for percent in (50, 70, 90)
    ]
    for (at, _), percent in zip(told, (50, 70, 90), strict=True):
        late_s = at - began - total_s * percent / 100
        assert 0 <= late_s < 120, "it is told in time, although nothing is tried then"


# Endpoints that fail


def test_an_endpoint_that_is_gone_gets_no_more_posts_and_all_is_parked() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [410]
    world.at(3600, lambda: sent(world, "0000", "9001"))
    world.run()
    assert len(world.platform.posts) == 1
    assert sum(len(row.task.members) for row in parked(world)) == 3
    assert {row.last.reason for row in parked(world)} == {
        "HTTP 410",
        "not posted: the endpoint is gone",
    }


def test_a_dead_endpoint_is_left_alone_and_its_callbacks_are_scheduled_and_parked() -> None:
    world = World()
    for number in range(40):
        world.at(number, lambda: sent(world))
    world.platform.script = [0] * 1000
    world.run()
    rows = parked(world)
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
    assert not parked(world)


def test_callbacks_of_an_endpoint_that_nobody_knows_wait_for_its_first_answer() -> None:
    world = World()
    answers = [world.send([campaign.record("0000", client_ref=str(n))]) for n in range(20)]
    began = world.now
    world.run(60)
    assert len(world.called_back()) == 20
    world.run()
    check_without_a_kill(world, *answers)
    assert world.counts["callbacks_to_retry"] == 0
    assert max(mark.data["last"].at_ms for mark in acks(world)) / 1000 - began < 30


def acks(world: World) -> list[Any]:
    return [mark for (_, kind), mark in world.store.marks.items() if kind.startswith("ack#")]


def test_what_waits_for_an_endpoint_that_never_acknowledges_has_its_attempts_counted() -> None:
    world = World()
    endless = Door(leases=(("somebody", int(world.now * 1000) + 10**12),))
    world.counted.standing[DOOR] = encode(endless).decode()
    sent(world)
    world.run()
    assert not world.platform.posts
    (row,) = parked(world)
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
    assert not decode(world.counted.standing[DOOR])[-1]
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
    assert len(gaps) >= 3  # what comes meanwhile goes out together
    assert min(gaps) >= 0.99
    check_without_a_kill(world)
    assert world.counts["callbacks_to_retry"] == 0


# What is not wanted, and what is no final state


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
    assert noted(world)["callbacks_unwanted"] == 1
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
    in_doubt = noted(world)["callbacks_in_doubt"]
    assert len(world.platform.taken) - 1 <= in_doubt <= 1


# The timeline


def test_every_attempt_is_on_the_timeline_with_what_the_platform_said() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [
        FAILED,
        PostResult(0, "TimeoutError"),
        PostResult(200, "HTTP 200", answer="ok", duration_ms=9),
    ]
    world.run()
    first, second, last = steps(world, mid)
    names = ("step", "try", "status", "reason", "duration_ms", "answer", "acknowledged")
    assert [first[name] for name in names] == [
        *("callback_attempt", 1, 500, "HTTP 500", 7, "try later", False)
    ]
    assert [second[name] for name in names] == [
        *("callback_attempt", 2, 0, "TimeoutError", 0, "", False)
    ]
    assert [last[name] for name in names] == ["callback", 3, 200, "HTTP 200", 9, "ok", True]
    assert first["at"] < second["at"] < last["at"]


def test_an_attempt_that_a_dead_process_may_have_made_is_said_to_be_in_doubt() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)

    def die(number: int, name: str) -> None:
        if name == "put_once ack" and not world.killed:
            world.faults.kill_before.add(number)

    world.faults.on_call = die
    world.run()
    first, last = steps(world, mid)
    assert (first["step"], first["in_doubt"]) == ("callback_attempt", True)
    assert (last["step"], last["try"], last["acknowledged"]) == ("callback", 2, True)


def test_only_the_attempt_after_a_death_is_in_doubt() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [500, 500, 500]

    def die(number: int, name: str) -> None:
        if name == "post" and not world.killed:
            world.faults.kill_after.add(number)

    world.faults.on_call = die
    world.run()
    assert noted(world)["callbacks_in_doubt"] == 1
    assert [step.get("in_doubt", False) for step in steps(world, mid)] == [True, *[False] * 3]


def test_a_message_that_the_platform_could_not_use_says_so() -> None:
    world = World()
    world.trust()
    answers = world.send([campaign.record("0000"), campaign.record("9001")])
    assert answers
    unprocessed = (("ref-9001", "missing"),)
    world.platform.script = [PostResult(200, "HTTP 200", unprocessed=unprocessed)] * 2
    world.run()
    taken, not_used = (steps(world, answer.mid)[-1] for answer in answers)
    assert "unprocessed" not in taken
    assert not_used["unprocessed"] == "missing"


# Parked, and replayed


def test_a_replayed_callback_is_posted_again_with_its_name_and_body_and_says_so() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [FAILED] * 9
    world.run()
    (row,) = parked(world)
    parked_service(world).replay("acme", "main", Deadline(lambda: 60.0))
    world.run()
    assert world.called_back() == {mid: 1}
    assert not parked(world)
    assert world.platform.taken[0].webhook_id == row.task.webhook_id
    assert world.platform.taken[0].members == row.task.members
    callback, replayed = [step for step in steps(world, mid) if step["step"] == "callback"]
    assert (callback["parked"], callback["acknowledged"]) == (True, False)
    assert (replayed["try"], replayed["acknowledged"]) == (10, True)


def test_a_replay_that_fails_is_parked_again_and_can_be_replayed_again() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [FAILED] * 18
    world.run()
    for count in (1, 0):
        parked_service(world).replay("acme", "main", Deadline(lambda: 60.0))
        world.run()
        assert len(parked(world)) == count
    assert world.called_back() == {mid: 1}


def test_a_replay_opens_the_door_of_an_endpoint_that_was_gone() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [410]
    world.run()
    parked_service(world).replay("acme", "main", Deadline(lambda: 60.0))
    world.run()
    assert world.called_back() == {mid: 1}


def test_a_callback_that_was_parked_and_yet_acknowledged_is_not_posted_again() -> None:
    """Its process died between parking it and saying so; the attempt in doubt was taken."""
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [FAILED] * 9

    def die(number: int, name: str) -> None:
        if name == "put_once ack":
            world.faults.on_call = lambda number, name: None
            world.faults.kill_before.add(number)

    world.faults.on_call = die
    world.run()
    assert world.killed == 1
    assert len(parked(world)) == 1
    parked_service(world).replay("acme", "main", Deadline(lambda: 60.0))
    world.run()
    assert world.called_back() == {mid: 1}
