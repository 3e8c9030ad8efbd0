"""A callback's steps in the timeline of its message; dead letters and their replay."""

from harkara.base.time import Deadline
from harkara.model.callbacks import PostResult
from tests.pipeline import campaign
from tests.pipeline.callbacks import FAILED, dead_letters, logged, sent, steps
from tests.support.world import World


def test_every_attempt_is_on_the_timeline_with_what_the_platform_said() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [
        FAILED,
        PostResult(0, "TimeoutError", in_doubt=True),
        PostResult(200, "HTTP 200", answer="ok", duration_ms=9),
    ]
    world.run()
    first, second, last = steps(world, mid)
    names = ("step", "try", "status", "reason", "duration_ms", "answer", "acknowledged")
    assert [step.get("in_doubt", False) for step in (first, second, last)] == [False, True, False]
    assert logged(world)["callbacks_in_doubt"] == 1
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
        if name == "put_if_absent ack" and not world.killed:
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
    assert logged(world)["callbacks_in_doubt"] == 1
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


def test_a_replayed_callback_is_posted_again_with_its_name_and_body_and_says_so() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [FAILED] * 9
    world.run()
    (row,) = dead_letters(world)
    world.manage_services().endpoints.dead_letters.replay("acme", "main", Deadline(lambda: 60.0))
    world.run()
    assert world.called_back() == {mid: 1}
    assert not dead_letters(world)
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
        world.manage_services().endpoints.dead_letters.replay(
            "acme", "main", Deadline(lambda: 60.0)
        )
        world.run()
        assert len(dead_letters(world)) == count
    assert world.called_back() == {mid: 1}


def test_a_replay_resets_the_health_of_an_endpoint_that_was_gone() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [410]
    world.run()
    world.manage_services().endpoints.dead_letters.replay("acme", "main", Deadline(lambda: 60.0))
    world.run()
    assert world.called_back() == {mid: 1}


def test_a_callback_that_was_parked_and_yet_acknowledged_is_not_posted_again() -> None:
    """A process died after parking a callback, before the ack; the post was accepted."""
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.platform.script = [FAILED] * 9

    def die(number: int, name: str) -> None:
        if name == "put_if_absent ack":
            world.faults.on_call = lambda number, name: None
            world.faults.kill_before.add(number)

    world.faults.on_call = die
    world.run()
    assert world.killed == 1
    assert len(dead_letters(world)) == 1
    world.manage_services().endpoints.dead_letters.replay("acme", "main", Deadline(lambda: 60.0))
    world.run()
    assert world.called_back() == {mid: 1}
