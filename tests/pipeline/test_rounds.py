"""No message is re-queued through one function so often that Lambda would stop it as a loop.

The world counts the rounds of every run as Lambda does (`tests.support.world`). These runs had the
most rounds.
"""

import asyncio
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.base import retries
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.messages import Category, State
from harkara.model.submit_tasks import SubmitTask
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, send, set_routing
from tests.support.virtual import VirtualLoop
from tests.support.wired import NOW, URL
from tests.support.world import BUDGET_S, ROUNDS_LIMIT, SUBMIT_QUEUES, World

HOUR_S = 3600
BATCH = 10


@pytest.mark.parametrize("category", [Category.TRANSACTIONAL, Category.OTP])
@pytest.mark.parametrize("minutes", [75, 76, 300, 2000])
def test_a_long_pause_ends_no_message(minutes: int, category: Category) -> None:
    world = World()
    set_routing(world, paused=True)
    answers = send(world, 150, category=category, validity_s=3 * 86_400)
    world.at(minutes * 60, lambda: set_routing(world))
    world.run()
    check_without_a_kill(world, answers)
    assert set(world.finals().values()) == {"delivered"}
    # The checks become rare: from minute 8 every 16 minutes, plus a minute for `sweep`.
    assert world.counts["waiting"] <= 3 + minutes / 16 + 1
    resumed_s = NOW + minutes * 60
    assert max(world.provider.taken_at.values()) <= resumed_s + retries.DUE_DELAY_S + 60


ILL: Mapping[str, Mapping[str, Any]] = {
    "no connection": {"dead": True},
    "throttled": {"busy": True, "retry_after": "1"},
    "throttled for long": {"busy": True, "retry_after": "600"},
}


@pytest.mark.parametrize("ill", ILL)
@pytest.mark.parametrize("down_s", [300, HOUR_S, 5 * HOUR_S])
def test_the_only_carrier_may_be_down_for_hours(ill: str, down_s: int) -> None:
    world = World()
    well = {name: getattr(world.provider, name) for name in ILL[ill]}

    def become(state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(world.provider, name, value)

    become(ILL[ill])
    world.at(down_s, lambda: become(well))
    answers = [send(world, 30) for _ in range(10)]
    world.run()
    check_without_a_kill(world, *answers)
    assert set(world.finals().values()) == {"delivered"}


def test_six_hundred_callbacks_at_one_a_second_have_a_turn_each() -> None:
    world = World()
    world.trust()
    endpoint = CallbackEndpoint(id="main", url=URL, rate_per_s=1)
    world.destinations.by_id["main"] = Destination(endpoint, CallbackSecrets())
    answers = world.send([campaign.record("9004", client_ref=str(number)) for number in range(600)])
    assert answers
    world.run(10)
    for answer in answers:
        receipt = Receipt(answer.mid, 1, State.DELIVERED, int(world.now))
        world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,)).encode(), world.now)
    world.run(3 * HOUR_S)
    assert len(world.platform.posts) == 600
    # Once in line, once at its reservation, then posted; and one more check after a long wait.
    assert world.counts["callbacks_waiting"] <= 3 * 600
    world.run()
    check_without_a_kill(world, answers)


@pytest.mark.parametrize("answer_s", [5.0, 7.5, 10.0])
def test_large_requests_at_a_slow_carrier_all_go_out(answer_s: float) -> None:
    """Even without faults: ten requests wait in one execution, which does a few blocks."""
    loop = VirtualLoop()
    world = SlowWorld(loop)
    world.meanwhile = lambda: asyncio.sleep(answer_s)
    answers = [send(world, 1000) for _ in range(10)]
    try:
        loop.run_until_complete(world.submit_all())
    finally:
        loop.close()
    mids = {result.mid for answer in answers for result in answer or ()}
    assert world.providers.taken() == dict.fromkeys(mids, 1)
    assert world.counts["handed_on"] >= 10


class SlowWorld(World):
    """A world whose `submit` takes ten messages at a time, in virtual time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        super().__init__()
        self.submit_sleep = asyncio.sleep

    def clock(self) -> float:
        return self.now + self.loop.time()

    def _left_s(self, until_s: float) -> float:
        return until_s - self.loop.time()

    async def submit_all(self) -> None:
        self.submit = self.submit_service()
        waiting = self.queues.waiting
        while waiting or self.queues.waiting_rows:
            ready = [
                m for m in waiting if m.queue in SUBMIT_QUEUES and m.visible_at <= self.clock()
            ]
            if ready:
                until_s = self.loop.time() + BUDGET_S
                self.remaining_s = partial(self._left_s, until_s)
                await asyncio.gather(*(self.deliver(message) for message in ready[:BATCH]))
            elif not any(message.queue in SUBMIT_QUEUES for message in waiting) and not any(
                '"submit"' in row.body for row in self.queues.waiting_rows
            ):
                return
            else:
                await asyncio.sleep(1)
                await self._sweep()


WINDOWS = st.lists(
    st.tuples(st.sampled_from(["paused", "dead", "busy"]), st.integers(1, 3 * HOUR_S)), max_size=6
)


@given(windows=WINDOWS, validity_s=st.sampled_from([120, 600, 1500, 6 * HOUR_S, 3 * 86_400]))
@settings(max_examples=15)
def test_whatever_is_down_and_paused_in_turn_all_ends_in_few_rounds(
    windows: list[tuple[str, int]], validity_s: int
) -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=5)])
    at_s = 0
    for what, for_s in windows:
        world.at(at_s, partial(change, world, what, is_so=True))
        at_s += for_s
        world.at(at_s, partial(change, world, what, is_so=False))
    answers = [send(world, 60, validity_s=validity_s) for _ in range(2)]
    world.run()
    check_without_a_kill(world, *answers)


def change(world: World, what: str, *, is_so: bool) -> None:
    if what == "paused":
        set_routing(world, paused=is_so)
    else:
        setattr(world.provider, what, is_so)


def test_the_world_stops_what_goes_round_without_getting_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retries, "PAUSE_DELAYS_S", (60, 120, 300))
    monkeypatch.setattr(retries, "ROUND_DELAYS_S", (0,))
    world = World()
    set_routing(world, paused=True)
    send(world, 1)
    with pytest.raises(AssertionError, match="submit would be stopped as a loop"):
        world.run()


@pytest.mark.parametrize("delay_s", [0, 5, 300, 900])
def test_however_short_the_waits_they_come_by_the_due_table_in_the_end(delay_s: float) -> None:
    rounds, passed, delays_s = 0, 0, list[float]()
    for _ in range(100):
        rounds, waited_s = retries.next_round(rounds, delay_s)
        assert waited_s >= delay_s
        delays_s.append(waited_s)
        passed = 0 if waited_s > retries.QUEUE_DELAY_S else passed + 1
        assert passed < ROUNDS_LIMIT - 2, "two are left for what joins and what ends a message"
    assert delays_s[:3] == [delay_s] * 3


@pytest.mark.parametrize("wait_s", [0.5, 899, 900, 901, 1000, 1100, 5000, 10**6])
def test_a_turn_that_is_far_away_is_waited_for_exactly(wait_s: float) -> None:
    now_s, looks = 0.0, 0
    while now_s < wait_s:
        delay_s = retries.wait_for_turn(wait_s - now_s)
        # `sweep` comes every minute.
        now_s += delay_s if delay_s <= retries.QUEUE_DELAY_S else math.ceil(delay_s / 60 + 1) * 60
        looks += 1
    assert now_s == wait_s
    assert looks <= 3


def test_a_task_says_its_rounds_where_it_has_any() -> None:
    assert "rounds" not in SubmitTask("c", "acme").encode()
    assert '"rounds":3' in SubmitTask("c", "acme", rounds=3).encode()
    assert {QueueName.SUBMIT, QueueName.SUBMIT_PRIORITY} == set(SUBMIT_QUEUES)
