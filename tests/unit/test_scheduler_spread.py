"""The sweep of checks: those that become due together are received apart."""

import re
from collections import Counter

import pytest

from harkara.model.tasks import CheckTask, RecoverTask
from harkara.ports import SHARDS
from harkara.scheduler import SPREAD_S
from tests.unit.test_scheduler import NOW, RECEIPT, Sweeps


def test_the_checks_of_a_minute_are_received_over_the_next_and_all_else_at_once() -> None:
    sweeps = Sweeps()
    checks = [CheckTask(f"1{number:026d}").encode() for number in range(1_200)]
    tasks = [RecoverTask("1", (number,)).encode() for number in range(30)]
    for number, body in enumerate([*checks, *tasks]):
        sweeps.queues.put(body, number % SHARDS, late_s=number % 60, queue=RECEIPT)
    sweeps.run()
    waits_s = {task_in(each.body): each.visible_at - NOW for each in sweeps.queues.waiting}
    assert {waits_s[body] for body in tasks} == {0}
    by_second = Counter(waits_s[body] for body in checks)
    assert set(by_second) == set(range(SPREAD_S))
    assert max(by_second.values()) < 2 * len(checks) / SPREAD_S


def test_a_check_that_comes_twice_waits_for_the_same_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps = Sweeps()
    for number in range(9):
        sweeps.queues.put(CheckTask(f"1{number:026d}").encode(), queue=RECEIPT)
    monkeypatch.setattr(sweeps.queues, "move", lambda shard, reached: False)
    assert [*map(task_in, sweeps.run())] == [*map(task_in, sweeps.run())]
    moments = {(task_in(each.body), each.visible_at) for each in sweeps.queues.waiting}
    assert len(moments) == 9


def task_in(body: str) -> str:
    """Return a task without the id that the queue gave it."""
    return re.sub(',"task_id":"[^"]+"', "", body)
