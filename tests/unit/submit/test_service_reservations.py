"""Waiting for a reservation at a carrier's rate: in the invocation, or in a task."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from harkara.carriers.contract import NotTaken
from harkara.model.submit_tasks import Reserved
from harkara.submit.planner import RECORD_S
from tests.support.wired import NOW
from tests.unit.dispatching import NOW_MS, Carrier
from tests.unit.submits import TASK, Submits

TIMEOUT_S = Carrier.timeout_s


def paced(*waits: float, outcomes: Any = None) -> tuple[Submits, Any]:
    """Return a batch over three carriers, and a task with reservations after these waits."""
    there = Submits(outcomes=outcomes)
    there.carriers["third"] = Carrier({})
    there.settings["third"] = there.settings["sim"].model_copy(update={"name": "third"})
    there.route(
        routes=[
            {"prefix": number, "carriers": [{"carrier": name}]}
            for number, name in (("919876543200", "other"), ("919876543201", "third"))
        ]
    )
    indexes = {}
    for name, wait_s in zip(("sim", "other", "third"), waits, strict=True):
        there.set(name, rate_segments_per_s=1000)
        indexes[name] = Reserved(10, NOW_MS + int(wait_s * 1000))
    return there, replace(TASK, block=0, reserved=indexes)


@pytest.mark.parametrize(
    ("waits", "after_s", "waiting"),
    [
        pytest.param((0, 0, 0), 0, [], id="none has to wait"),
        pytest.param((0, 1, 0.5), 1, [], id="those that wait a second at most are waited for"),
        pytest.param((1, 1, 0.5), 0.5, [], id="all of them"),
        pytest.param((0, 5, 0.5), 0, [0, 1], id="else what may go goes"),
    ],
)
def test_a_short_wait_for_a_place_is_waited_for_in_the_invocation(
    waits: tuple[float, ...], after_s: float, waiting: list[int]
) -> None:
    there, task = paced(*waits)
    counts = there.submit(task)
    first = there.entries("claim#")[0]
    assert first.data["at"] >= NOW_MS + after_s * 1000
    assert counts["not_taken"] == len(waiting)
    assert sorted(sum(first.data["carriers"].values(), [])) == [
        index for index in range(10) if index not in waiting
    ]


def test_where_all_wait_longer_they_come_back_with_their_places_when_the_first_may_go() -> None:
    there, task = paced(30, 5, 8)
    assert there.submit(task) == Counter(waiting=1)
    (row,) = there.scheduled
    assert (row.delay_s, row.task.reserved, row.task.waits) == (5, task.reserved, 1)


def test_a_wait_that_no_time_is_left_for_is_not_begun() -> None:
    there, task = paced(0.5, 0.5, 0.5)
    there.left_s = TIMEOUT_S + RECORD_S + 0.4
    assert there.submit(task) == Counter(waiting=1)
    assert there.now == NOW
    there.left_s += 0.1
    there.submit(task)
    assert there.now > NOW


def test_what_waits_for_a_place_behind_others_goes_as_its_next_try() -> None:
    there, task = paced(0, 5, 0, outcomes={5: NotTaken()})
    assert there.submit(replace(task, reserved={**task.reserved, "x": Reserved(1, 1)}))
    retry = there.scheduled[0].task
    assert (retry.attempt, retry.indexes) == (2, (0, 5))
    assert retry.reserved == {"other": task.reserved["other"]}


def test_who_has_to_wait_for_a_place_takes_it_along() -> None:
    there = Submits()
    there.set("sim", rate_segments_per_s=0.1)
    assert there.submit() == Counter(taken=10, waiting=1)
    assert there.scheduled[0].task.reserved.keys() == {"sim"}
