"""Revocations of RCS messages at the edges: no time, no carrier, too late, a busy table."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.time import Deadline
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Taken
from harkara.model.messages import MessageBatch
from harkara.model.routing import RcsFirst
from harkara.model.submit_tasks import SubmitTask, decode_submit, fallback_attempt
from harkara.submit.fallbacks import Fallbacks, beyond_month, by_sms, enqueue_sms
from harkara.submit.planner import BlockPart, Plan
from tests.support.rcs import CONTENT, REVOKED, RcsWorld
from tests.support.virtual import run
from tests.unit.model.test_messages import ACCEPTED, batch_of


def revoked(
    world: RcsWorld, batch: MessageBatch, left_s: float = 60.0, **fields: Any
) -> tuple[Counter[str], list[SubmitTask]]:
    """Run the revocation of a batch's first message; return its counts, and what it enqueued."""
    fallbacks: Fallbacks = world.submit_service().follow_up.fallbacks
    task = SubmitTask(batch.id, "acme", 0, 1, (0,), handed_on=True, revoke_at="rcs")
    task = replace(task, **fields)
    remaining = iter([60.0])  # of the whole invocation
    counts = run(fallbacks.revoke(task, batch, Deadline(lambda: next(remaining, left_s))))
    return counts, [decode_submit(message.body) for message in world.queues.waiting]


@pytest.fixture
def world() -> RcsWorld:
    return RcsWorld()


@pytest.fixture
def batch(world: RcsWorld) -> MessageBatch:
    message = ACCEPTED._replace(to=f"91987654{REVOKED}", rcs=CONTENT)
    return replace(batch_of(message), account_id="acme", accepted_at_ms=int(world.now * 1000))


def test_without_time_to_ask_the_task_is_handed_on(world: RcsWorld, batch: MessageBatch) -> None:
    counts, (again,) = revoked(world, batch, left_s=5)
    assert counts == Counter(handed_on=1)
    assert (again.revoke_at, again.indexes, again.attempt) == ("rcs", (0,), 1)
    assert not world.rcs.asked


def test_a_carrier_that_is_gone_is_looked_for_again(world: RcsWorld, batch: MessageBatch) -> None:
    counts, (again,) = revoked(world, batch, revoke_at="gone")
    assert +counts == Counter()
    assert (again.revoke_at, again.waits) == ("gone", 1)
    counts, tasks = revoked(RcsWorld(), batch, revoke_at="gone", doubles=True)
    assert counts["rcs_doubles"] == 1
    assert [task.doubles for task in tasks] == [True]


def test_nothing_is_revoked_once_no_sms_may_go(world: RcsWorld, batch: MessageBatch) -> None:
    world.now += batch.validity_s
    assert revoked(world, batch) == (Counter(expired=1), [])
    assert not world.rcs.asked


def test_a_queue_that_takes_nothing_brings_the_task_back(
    world: RcsWorld, batch: MessageBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.queues, "send", lambda *_, **__: [False])
    with pytest.raises(StoreUnavailable):
        enqueue_sms(world.queues, batch, [0])


def test_each_message_of_a_block_has_attempts_of_its_own() -> None:
    firsts = [fallback_attempt(position) for position in range(100)]
    assert sorted(set(firsts)) == firsts
    # In sort keys a message's later attempts follow its earlier ones.
    for first in firsts:
        keys = [f"{attempt:03d}" for attempt in (1, 2, 300, first, first + 1, first + 999)]
        assert keys[3:] == sorted(keys[3:])
        assert min(keys[3:]) > "001"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Taken("1"), Taken("1")),
        (InDoubt(), InDoubt()),
        (NotTaken(600, failed=True), NotTaken()),
        (Refused(Code.DND, "650"), NotTaken(code=Code.DND, carrier_code="650")),
    ],
)
def test_only_what_rcs_surely_did_not_take_goes_by_sms(outcome: Outcome, expected: Outcome) -> None:
    assert by_sms({7: outcome}) == {7: expected}


def test_a_busy_table_of_months_lets_limited_messages_go_by_sms(batch: MessageBatch) -> None:
    class Busy:
        def take(self, *_: Any) -> set[int]:
            raise StoreUnavailable("busy")

    part = BlockPart(batch, 0, 1, (0, 1))
    plan = Plan(rcs={0: RcsFirst(carrier="rcs", monthly=4), 1: RcsFirst(carrier="rcs", monthly=0)})
    months: Any = Busy()
    assert beyond_month(months, part, plan, [0, 1]) == {0: NotTaken()}
