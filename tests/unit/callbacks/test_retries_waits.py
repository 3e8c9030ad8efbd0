"""Waiting callbacks: for their turn, for the next attempt, and until a delay is reported."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.errors import LeaseHeld
from harkara.base.log_events import LogEvent
from harkara.base.retries import QUEUE_DELAY_S
from harkara.model.ledger import LedgerEntry, post_kind
from harkara.model.tasks import Attempt
from tests.support.wired import RETRY_DELAYS_S
from tests.unit.attempting import TASK, Attempting
from tests.unit.deliveries import HOLDS_S, NOW_MS

TOTAL_S = sum(RETRY_DELAYS_S)


def test_an_attempt_that_waits_for_its_turn_is_no_failure_and_nobodys_yet() -> None:
    there = Attempting()
    fresh = replace(TASK, began_ms=0, waits=4)
    assert there.wait(8, fresh) == Counter(callbacks_waiting=1)
    waiting = replace(fresh, waits=5, began_ms=NOW_MS, due_ms=NOW_MS + 8000, rounds=1)
    assert there.scheduled() == (8, waiting)
    assert there.store.entries == {}
    later = Attempting()
    later.wait(8)
    assert later.scheduled()[1].began_ms == TASK.began_ms


def test_an_attempt_that_was_made_before_a_death_waits_as_the_next_in_doubt() -> None:
    there = Attempting()
    assert there.claim() == TASK
    with pytest.raises(LeaseHeld):
        there.wait(8)
    there.now += HOLDS_S + 1
    assert there.wait(8) == Counter(callbacks_waiting=1)
    _, waiting = there.scheduled()
    assert (waiting.attempt, waiting.in_doubt, waiting.waits) == (4, True, 1)
    there.queues.waiting.clear()
    there.claim(task_id="another")
    there.end(200)
    assert there.wait(8) == Counter(posted_by_another=1), "it was acknowledged"
    anothers = Attempting()
    anothers.claim(task_id="another")
    assert anothers.wait(8) == Counter(posted_by_another=1)
    assert (there.queues.waiting, anothers.queues.waiting) == ([], [])


def test_what_never_had_its_turn_is_parked_by_who_claims_it() -> None:
    there = Attempting()
    assert there.wait(10**6) == Counter(callbacks_parked=1)
    assert [entry.kind for entry in there.entries("post#")] == [post_kind(2, 3)]
    (ack,) = there.entries("ack#")
    assert ack.data["last"] == Attempt(NOW_MS, 0, "its turn never came")
    late = Attempting()
    late.faults.on_call = lambda number, name: (
        late.store.entries.setdefault(
            ("task", post_kind(2, 3)), LedgerEntry("task", post_kind(2, 3), "another", "x", 0, {})
        )
        if name == "put_if_absent post"
        else None
    )
    assert late.wait(10**6) == Counter(posted_by_another=1)
    assert late.entries("ack#") == []


@pytest.mark.parametrize(
    ("task", "delay_s", "wakes_s"),
    [
        pytest.param({"began_ms": 0}, 90_000, 90_000, id="nothing failed or waited yet"),
        pytest.param({}, 49_000, 49_000, id="it comes before"),
        pytest.param({}, 60_000, TOTAL_S * 0.5, id="half of the time"),
        pytest.param({"alerted_percent": 50}, 75_000, TOTAL_S * 0.7, id="70 percent"),
        pytest.param({"alerted_percent": 90}, 95_000, 95_000, id="all was told"),
        pytest.param(
            {"began_ms": NOW_MS - int(TOTAL_S * 500) + QUEUE_DELAY_S * 1000},
            60_000,
            TOTAL_S * 0.2 + QUEUE_DELAY_S,
            id="so soon that it is told after",
        ),
        pytest.param(
            {"began_ms": NOW_MS - int(TOTAL_S * 500) + QUEUE_DELAY_S * 1000 + 1},
            60_000,
            QUEUE_DELAY_S + 0.001,
            id="a little later",
        ),
    ],
)
def test_a_callback_that_waits_for_hours_is_woken_to_tell_how_late_it_is(
    task: Mapping[str, Any], delay_s: float, wakes_s: float
) -> None:
    there = Attempting()
    waiting = replace(TASK, **{"began_ms": NOW_MS, **task})
    asyncio.run(there.dlr_services().callbacks.attempts.schedule(waiting, delay_s))
    due_ms = NOW_MS + int(delay_s * 1000)
    assert there.scheduled() == (round(wakes_s, 3), replace(waiting, due_ms=due_ms))


def test_what_is_to_be_posted_at_once_is_not_told_to_come_later() -> None:
    there = Attempting()
    asyncio.run(there.dlr_services().callbacks.attempts.schedule(TASK, 0))
    assert there.scheduled() == (0, replace(TASK, rounds=1))
    # Lambda stops sixteen invocations in a row as a loop.
    tired = Attempting()
    asyncio.run(tired.dlr_services().callbacks.attempts.schedule(replace(TASK, rounds=7), 0))
    assert tired.scheduled() == (960, replace(TASK, due_ms=NOW_MS + 960_000))


@pytest.mark.parametrize(
    ("over_s", "reported", "tells"),
    [
        pytest.param(TOTAL_S * 0.5 - 1, 0, (), id="less than half"),
        pytest.param(TOTAL_S * 0.5, 0, (50,), id="half"),
        pytest.param(TOTAL_S * 0.5 + 1, 50, (), id="told before"),
        pytest.param(TOTAL_S * 0.7, 50, (70,), id="70 percent"),
        pytest.param(TOTAL_S, 0, (50, 70, 90), id="all at once"),
    ],
)
def test_how_much_of_the_schedule_is_over_is_told_once(
    over_s: float, reported: int, tells: tuple[int, ...]
) -> None:
    there = Attempting()
    task = replace(TASK, began_ms=NOW_MS - int(over_s * 1000), alerted_percent=reported)
    after = there.dlr_services().callbacks.attempts.alerted(task)
    assert after == replace(task, alerted_percent=max(tells, default=reported))
    about = {"webhook_id": "task.2", "account_id": "acme"}
    assert there.log_events == [
        LogEvent("callback is late", about, {f"callbacks_at_{each}_percent": 1}) for each in tells
    ]
    fresh = replace(task, began_ms=0)
    assert there.dlr_services().callbacks.attempts.alerted(fresh) == fresh
