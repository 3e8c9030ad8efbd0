"""What a check sees, what it does about it, and when it comes again."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from harkara.codes import Code
from harkara.errors import StoreUnavailable
from harkara.ids import split_mid
from harkara.marks import claim_kind, outcome_kind
from harkara.messages import State
from harkara.retries import limit_s
from harkara.tasks import CheckTask, QueueName, Receipt, ReceiptsTask, RecoverTask, decode_dlr
from tests.pipeline import campaign
from tests.wired import RECEIPT_WAIT_S, RETRY_DELAYS_S
from tests.world import BUDGET_S, World

# An hour beyond the last retry.
LOST_AFTER_S = limit_s(RETRY_DELAYS_S) + 3600


def silent(world: World) -> str:
    """Send a message whose carrier sends no receipt; return its mid once it is submitted."""
    answers = world.send([campaign.record("9004")])
    assert answers
    world.run(60)
    return answers[0].mid


def check(world: World, mid: str) -> dict[str, int]:
    """Check a message's chunk by itself: what it enqueues stays to be looked at."""
    world.queues.waiting.clear()
    world.queues.rows.clear()
    return dict(asyncio.run(world.check_service().check(CheckTask(split_mid(mid)[0]))))


def enqueued(world: World) -> list[object]:
    return [decode_dlr(message.body) for message in world.queues.waiting]


def final(world: World, mid: str) -> None:
    """Let a receipt make it final; the process dies before it calls back, and is never repeated."""
    receipt = Receipt(mid, 1, State.DELIVERED, int(world.now))
    world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)
    world.faults.on_call = lambda number, name: (
        world.faults.kill_after.add(number) if name == "put_once final" else None
    )
    world.run(1)
    world.faults.on_call = lambda number, name: None
    assert world.finals()
    world.queues.waiting.clear()


def test_a_queue_that_takes_nothing_brings_the_check_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    mid = silent(world)
    world.now += RECEIPT_WAIT_S

    def refuse(queue: QueueName, bodies: Sequence[str], group: str = "") -> list[bool]:
        return [False] * len(bodies)

    monkeypatch.setattr(world.queues, "send", refuse)
    with pytest.raises(StoreUnavailable):
        check(world, mid)
    assert not enqueued(world), "it would come again by itself, and end it a second time"


@pytest.mark.parametrize(("later_s", "lost"), [(-1, False), (1, True)])
def test_a_final_without_an_ack_is_lost_an_hour_after_all_retries(later_s: int, lost: bool) -> None:
    world = World()
    mid = silent(world)
    final(world, mid)
    put_s = world.now
    world.now = put_s + BUDGET_S + LOST_AFTER_S + later_s
    counts = check(world, mid)
    assert counts["recovered"] == lost
    recovers = [task for task in enqueued(world) if isinstance(task, RecoverTask)]
    assert recovers == [RecoverTask(split_mid(mid)[0], (0,))] * lost


def test_while_a_callback_is_not_acknowledged_the_check_comes_again_when_it_would_be_lost() -> None:
    world = World()
    mid = silent(world)
    final(world, mid)
    put_s = world.now
    world.now += 3600
    assert check(world, mid) == {"unknown": 0, "waiting": 0, "recovered": 0}
    ((_, row),) = world.queues.rows
    assert isinstance(decode_dlr(row.body), CheckTask)
    assert row.due_ms / 1000 == pytest.approx(put_s + BUDGET_S + LOST_AFTER_S, abs=2)


def test_once_all_is_acknowledged_no_check_follows() -> None:
    world = World()
    world.trust()
    mid = silent(world)
    receipt = Receipt(mid, 1, State.DELIVERED, int(world.now))
    world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)
    world.run(10)
    assert world.called_back() == {mid: 1}
    assert check(world, mid) == {"unknown": 0, "waiting": 0, "recovered": 0}
    assert not world.queues.waiting
    assert not world.queues.rows


def test_what_the_carrier_did_not_take_waits_for_its_next_try_and_does_not_end_unknown() -> None:
    world = World()
    mid = silent(world)
    chunk_id, index = split_mid(mid)
    key = (chunk_id, outcome_kind(1, 0))
    outcome = world.store.marks[key]
    data: dict[str, Any] = {**outcome.data, "taken": [], "not_taken": [(index, 0)]}
    world.store.marks[key] = outcome.__class__(
        outcome.partition, outcome.kind, outcome.owner, outcome.holder, outcome.until_ms, data
    )
    assert (chunk_id, claim_kind(1, 0)) in world.store.marks
    world.now += 10 * RECEIPT_WAIT_S / 9
    assert check(world, mid) == {"unknown": 0, "waiting": 1, "recovered": 0}
    assert not [task for task in enqueued(world) if isinstance(task, ReceiptsTask)]


@pytest.mark.parametrize(("later_s", "unknown"), [(-7200, 0), (-1, 0), (1, 1)])
def test_what_got_no_receipt_ends_unknown_once_the_wait_is_over(later_s: int, unknown: int) -> None:
    world = World()
    begin_s = world.now
    mid = silent(world)
    world.now = begin_s + RECEIPT_WAIT_S + later_s
    assert check(world, mid) == {"unknown": unknown, "waiting": 1 - unknown, "recovered": 0}
    ended = Receipt(mid, 1, State.UNKNOWN, int(world.now), Code.NO_RECEIPT)
    ends = [task for task in enqueued(world) if isinstance(task, ReceiptsTask)]
    assert ends == [ReceiptsTask((ended,), "sim")] * unknown
    # It comes again when the wait is over; after that, in case the final state gets lost.
    times = [row.due_ms / 1000 for _, row in world.queues.rows]
    times += [each.visible_at for each in world.queues.waiting if "check" in each.body]
    again_s = world.now if unknown else begin_s
    assert times == [pytest.approx(again_s + RECEIPT_WAIT_S, abs=2)]


def test_a_chunk_whose_time_is_over_is_left_alone() -> None:
    world = World()
    mid = silent(world)
    world.store.packed.clear()
    assert check(world, mid) == {"chunk_missing": 1}
    assert enqueued(world) == []
