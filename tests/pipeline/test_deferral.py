"""Re-queued work keeps its task id, so that it can finish the work of an earlier delivery."""

import asyncio
import json
from itertools import chain, repeat

import pytest

from harkara.accept.requests import Options
from harkara.base.errors import StoreUnavailable
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.messages import CLOSES_S, Category
from harkara.model.tasks import CheckTask, QueueName, ReceiptsTask, decode_dlr, task_id_of
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.pipeline.routes import carrier, records
from tests.support.wired import ACCOUNT, NOW
from tests.support.world import World

MIDNIGHT = NOW - (NOW + IST_OFFSET_S) % DAY_S
CLOSING = MIDNIGHT + CLOSES_S


def promotions(world: World, magic: str, count: int = 1) -> list[str]:
    """Send promotional messages; return their message ids."""
    answers = world.send(
        [
            campaign.record(magic, client_ref=str(number))._replace(options=campaign.PROMOTION)
            for number in range(count)
        ]
    )
    assert answers
    return [answer.mid for answer in answers]


def die_after(world: World, name: str) -> None:
    """Kill the process after its first call of this name."""

    def die_once(number: int, called: str) -> None:
        if called == name and not world.killed:
            world.faults.kill_after.add(number)

    world.faults.on_call = die_once


@pytest.mark.parametrize(
    ("dies_after", "magic", "state"),
    [
        pytest.param(
            "put_if_absent outcome", "9006", "delivered", id="not taken, and not tried again"
        ),
        pytest.param("put_if_absent outcome", "9005", "failed", id="refused, and not reported"),
        pytest.param("put_if_absent claim", "0000", "unknown", id="claimed, and no outcome"),
        pytest.param("carrier", "0000", "delivered", id="taken, and no outcome"),
    ],
)
def test_what_a_dead_delivery_began_before_the_window_closed_is_seen_to_when_it_opens(
    dies_after: str, magic: str, state: str
) -> None:
    world = World(now=CLOSING - 10)
    (mid,) = promotions(world, magic)
    die_after(world, dies_after)
    world.run()
    assert (world.killed, world.counts["deferred"]) == (1, 1)
    assert world.finals() == {mid: state}
    check(world)


@pytest.mark.parametrize(("magic", "state"), [("9006", "delivered"), ("9005", "failed")])
def test_so_is_what_it_began_before_time_ran_out(magic: str, state: str) -> None:
    world = World()
    answers = world.send([campaign.record(magic)])
    assert answers
    die_after(world, "put_if_absent outcome")
    again = chain([60.0], repeat(10.0))  # the budget of the second delivery, and the rest of it
    world.remaining_s = lambda: (
        next(again) if world.killed and not world.counts["handed_on"] else 60.0
    )
    world.run()
    assert (world.killed, world.counts["handed_on"]) == (1, 1)
    assert world.finals() == {answers[0].mid: state}
    check(world, answers)


def test_a_window_that_closes_on_a_batch_lets_the_rest_out_the_next_day() -> None:
    world = World(now=CLOSING - 40)
    mids = promotions(world, "0000", 250)

    async def close_after_a_block() -> None:
        if len(world.provider.taken) == 100:
            world.now = CLOSING

    world.meanwhile = close_after_a_block
    world.run()
    check_without_a_kill(world)
    assert set(world.finals()) == set(mids)
    assert world.counts["deferred"] == 1
    times = world.provider.taken_at
    assert {times[mid] for mid in mids[:100]} == {CLOSING - 40}
    assert {int(times[mid] - CLOSING) // 3600 for mid in mids[100:]} == {13}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("options", "begins_s"),
    [
        pytest.param(campaign.SOON, NOW + 600, id="within a queue's delay"),
        pytest.param(campaign.FAR, NOW + 29 * 86_400, id="far away"),
        pytest.param(campaign.PROMOTION, campaign.OPENING, id="when the window opens"),
        pytest.param(campaign.NIGHTLY, campaign.OPENING + 48 * 3600, id="the next one"),
    ],
)
def test_a_task_that_comes_early_waits_and_its_check_ends_nothing_before(
    options: Options, begins_s: float, times: int
) -> None:
    world = World()
    answers = world.send([campaign.record("0000")._replace(options=options)])
    campaign.hurry(world, times)
    world.run()
    assert world.counts["deferred"] == times
    assert list(world.provider.taken_at.values()) == [begins_s]
    assert world.counts["ended"] == 0
    check_without_a_kill(world, answers)


def test_a_deferred_task_keeps_its_first_task_id() -> None:
    world = World()
    promotions(world, "0000")
    campaign.hurry(world)
    (message,) = world.queues.waiting
    world.submit = world.submit_service()
    asyncio.run(world.deliver(message))
    bodies = [task.body for task in world.queues.waiting_rows if '"submit"' in task.body]
    assert [task_id_of("another", body) for body in bodies] == [message.id]


def test_refused_records_of_a_request_for_later_are_called_back_once() -> None:
    world = World()
    answers = world.send(
        [
            campaign.record("0000")._replace(options=campaign.FAR),
            campaign.record("0001", to="12"),
        ]
    )
    campaign.hurry(world)
    called_back: list[int] = []
    world.at(60, lambda: called_back.append(world.called_back().total()))
    world.run()
    assert called_back == [1]
    assert sorted(world.finals().values()) == ["delivered", "failed"]
    check_without_a_kill(world, answers)


def test_a_promotion_whose_validity_ends_in_the_night_expires_at_once() -> None:
    world = World()
    answers = world.send([campaign.record("0000")._replace(options=campaign.BRIEF)])
    campaign.hurry(world)
    expired: list[str] = []
    world.at(60, lambda: expired.extend(world.finals().values()))
    world.run()
    assert expired == ["expired"]
    assert not world.provider.taken
    check_without_a_kill(world, answers)


@pytest.mark.parametrize("call", ["find_entries", "put_if_absent in"])
def test_a_store_that_fails_between_claim_and_carrier_leaves_nothing_in_doubt(call: str) -> None:
    account = ACCOUNT.model_copy(update={"duplicate_window_s": 1800})
    world = World(account=account)
    answers = world.send([campaign.record("0000"), campaign.record("9008")])
    failed: list[int] = []

    def fail_once(number: int, called: str) -> None:
        if called == call and not failed:
            failed.append(number)
            raise StoreUnavailable("busy")

    world.faults.on_call = fail_once
    world.run()
    assert world.counts["not_taken"] == 2
    assert not world.in_doubt()
    assert set(world.finals().values()) == {"delivered"}
    check_without_a_kill(world, answers)


def test_what_is_handed_on_reports_its_refused_records_and_sets_its_check_once() -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=50)])
    scheduled: list[str] = []
    schedule = world.queues.schedule

    def note(queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        scheduled.append(body)
        schedule(queue, body, delay_s, group)

    world.queues.schedule = note  # type: ignore[method-assign]
    rows = [*records(300, category=Category.PROMOTIONAL), campaign.record("0001", to="12")]
    answers = world.send(rows)
    world.run(3 * 86_400 - 3_600)
    tasks = [decode_dlr(body) for body in scheduled if json.loads(body)["kind"] != "submit"]
    refused = [task for task in tasks if isinstance(task, ReceiptsTask) and not task.carrier]
    assert world.counts["waiting"] + world.counts["deferred"] >= 2, "it is handed on"
    assert len(refused) == 1
    assert len([task for task in tasks if isinstance(task, CheckTask)]) == 1
    world.run()
    check_without_a_kill(world, answers)


@pytest.mark.parametrize(
    ("before_s", "goes"),
    [
        pytest.param(31, True, id="a turn and an answer may take 30 s"),
        pytest.param(29, False, id="the last of them might leave after nine"),
        pytest.param(1, False, id="at the last moment"),
    ],
)
def test_no_promotion_begins_that_might_leave_after_nine(before_s: float, *, goes: bool) -> None:
    world = World(now=CLOSING - before_s)
    (mid,) = promotions(world, "0000")
    world.run()
    at_s = world.provider.taken_at[mid]
    assert (at_s < CLOSING) == goes
    assert goes or at_s >= CLOSING + 13 * 3600


def test_one_that_ends_in_the_evening_expires_then() -> None:
    world = World(now=CLOSING - 10)
    answers = world.send(records(1, category=Category.PROMOTIONAL, validity_s=600))
    world.run()
    assert set(world.finals().values()) == {"expired"}
    assert not world.provider.taken
    check_without_a_kill(world, answers)


def test_what_may_go_at_any_hour_goes_at_nine() -> None:
    world = World(now=CLOSING - 1)
    world.send(records(1, category=Category.OTP))
    world.run(5)
    assert world.provider.taken
