"""Checks of messages with several submit attempts or carriers, and of records refused at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.base.retries import DUE_DELAY_S
from harkara.model.ledger import (
    LedgerEntry,
    ack_kind,
    cancel_kind,
    cancels_of,
    claim_kind,
    outcome_kind,
)
from harkara.model.messages import DEFAULT_VALIDITY_S, State
from harkara.model.tasks import CheckTask, QueueName, Receipt, ReceiptsTask, RecoverTask, decode_dlr
from harkara.submit.attempts import ENDS
from tests.pipeline import campaign
from tests.pipeline.test_check import (
    LOST_AFTER_S,
    SETTLED,
    check,
    enqueued,
    final,
    next_check_s,
    silent,
)
from tests.support.wired import NOW, RECEIPT_WAIT_S
from tests.support.world import BUDGET_S, World

NOTHING: dict[str, list[Any]] = {end: [] for end in ENDS}


def put_try(
    world: World, batch_id: str, attempt: int, claim: dict[str, Any], outcome: dict[str, Any] | None
) -> None:
    """Store a submit attempt of a block, each a minute after the one before."""
    payload = {"at": int((NOW + 60 * attempt) * 1000)}
    kind = claim_kind(attempt, 0)
    entry = LedgerEntry(batch_id, kind, "task", "worker_id", 0, {**claim, **payload})
    world.store.entries[entry.key] = entry
    key = (batch_id, outcome_kind(attempt, 0))
    world.store.entries.pop(key, None)
    if outcome is not None:
        data = {**NOTHING, **outcome, **payload}
        world.store.entries[key] = LedgerEntry(*key, "task", "worker_id", 0, data)


def receipts(world: World) -> list[ReceiptsTask]:
    return [task for task in enqueued(world) if isinstance(task, ReceiptsTask)]


@pytest.mark.parametrize(
    ("second", "counts"),
    [
        pytest.param(None, {"unknown": 1}, id="a worker that died with it"),
        pytest.param({"in_doubt": [0]}, {"unknown": 1}, id="in doubt again"),
        pytest.param({"taken": [(0, "id")]}, {"unknown": 1}, id="taken at last"),
        pytest.param({"not_taken": [(0, 0)]}, {"ended": 1}, id="not taken after all"),
    ],
)
def test_what_was_in_doubt_is_where_its_next_try_left_it(
    second: dict[str, Any] | None, counts: dict[str, int]
) -> None:
    """The next attempt stays with the carrier that may have accepted the message."""
    world = World()
    mid = silent(world)
    batch_id, _ = split_mid(mid)
    put_try(world, batch_id, 1, {"indexes": [0], "carriers": {"sim": [0]}}, {"in_doubt": [0]})
    put_try(world, batch_id, 2, {"indexes": [0], "carriers": {}, "repeats": [0]}, second)
    world.now = NOW + DEFAULT_VALIDITY_S + RECEIPT_WAIT_S
    assert check(world, mid) == {**SETTLED, **counts}
    now_s = int(world.now)
    assert receipts(world) == [
        ReceiptsTask((Receipt(mid, 2, State.UNKNOWN, now_s, Code.NO_RECEIPT),), "sim")
        if "unknown" in counts
        else ReceiptsTask((Receipt(mid, 0, State.EXPIRED, now_s, Code.EXPIRED),))
    ]


def test_each_carriers_refusals_end_so() -> None:
    world = World()
    answers = world.send([campaign.record("9004", client_ref=ref) for ref in "ab"])
    assert answers
    world.run(60)
    first, second = (each.mid for each in answers)
    refused = {"refused": [(0, "INVALID_NUMBER", "1"), (1, "EXPIRED", "2")]}
    claim = {"indexes": [0, 1], "carriers": {"a": [0], "b": [1]}}
    put_try(world, split_mid(first)[0], 1, claim, refused)
    assert check(world, first) == {**SETTLED, "ended": 2}
    at_s = int(NOW + 60)
    assert receipts(world) == [
        ReceiptsTask((Receipt(first, 1, State.FAILED, at_s, Code.INVALID_NUMBER, "1"),), "a"),
        ReceiptsTask((Receipt(second, 1, State.EXPIRED, at_s, Code.EXPIRED, "2"),), "b"),
    ]


@pytest.mark.parametrize(
    ("cancelled", "state", "code"),
    [(False, State.EXPIRED, Code.EXPIRED), (True, State.CANCELLED, Code.CANCELLED)],
)
def test_what_nobody_submitted_ends_by_its_own_name_now(
    cancelled: bool, state: State, code: Code
) -> None:
    world = World()
    mid = silent(world)
    batch_id, index = split_mid(mid)
    claim = {"indexes": [0], "carriers": {"sim": [0]}}
    put_try(world, batch_id, 1, claim, {"not_taken": [(0, 0)]})
    if cancelled:
        world.store.put_if_absent(
            [LedgerEntry(cancels_of(batch_id), cancel_kind(index), "acme", "", 0, {})]
        )
    world.now += 2 * DEFAULT_VALIDITY_S
    check(world, mid)
    assert receipts(world) == [ReceiptsTask((Receipt(mid, 0, state, int(world.now), code),))]


@pytest.mark.parametrize("later_s", [60, 2 * DEFAULT_VALIDITY_S])
def test_a_record_that_was_refused_at_once_fails_by_its_code_until_it_is_final(
    later_s: int,
) -> None:
    """The task that reports the refusal was lost."""
    world = World()
    answers = world.send([campaign.record("9004"), campaign.record("0001", to="12")])
    assert answers
    world.queues.waiting.clear()
    world.now += later_s
    (batch,) = world.batches().values()
    failed = Receipt(batch.mid(1), 0, State.FAILED, int(NOW), Code.INVALID_NUMBER)
    check(world, batch.mid(0))
    reported = [receipt for task in receipts(world) for receipt in task.receipts]
    assert failed in reported
    assert [receipt.mid for receipt in reported].count(failed.mid) == 1
    world.queues.add(QueueName.RECEIPT, ReceiptsTask((failed,)).encode(), world.now)
    world.run(1)
    assert world.finals()[failed.mid] == "failed"
    check(world, batch.mid(0))
    assert failed.mid not in [each.mid for task in receipts(world) for each in task.receipts]


@pytest.mark.parametrize(
    ("looks", "left_s", "wait_s", "following"),
    [
        pytest.param(0, 0.5, 1, 1, id="the first look"),
        pytest.param(1, 0.5, 1, 2, id="the second"),
        pytest.param(1, 600, 600, 2, id="a longer wait"),
        pytest.param(2, 0.5, DUE_DELAY_S, 0, id="too many in a row: through the Due table"),
        pytest.param(0, DUE_DELAY_S + 1, DUE_DELAY_S + 1, 0, id="a wait through it anyway"),
    ],
)
def test_looks_in_a_row_are_counted_and_a_third_goes_through_the_due_table(
    looks: int, left_s: float, wait_s: float, following: int
) -> None:
    world = World()
    mid = silent(world)
    batch_id, _ = split_mid(mid)
    claim = {"indexes": [0], "carriers": {"sim": [0]}}
    put_try(world, batch_id, 1, claim, {"taken": [(0, "id")]})
    world.now = NOW + 60 + RECEIPT_WAIT_S - left_s
    world.queues.waiting.clear()
    world.queues.rows.clear()
    asyncio.run(world.dlr_services().check.check(CheckTask(batch_id, looks=looks)))
    later = [row.body for _, row in world.queues.rows] + [
        each.body for each in world.queues.waiting
    ]
    assert list(map(decode_dlr, later)) == [CheckTask(batch_id, looks=following)]
    assert next_check_s(world) == pytest.approx(world.now + wait_s, abs=0.01)


def test_what_a_check_enqueues_of_a_batch_is_of_its_accounts_fairness_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    mid = silent(world)
    groups: list[tuple[str, str]] = []
    send, schedule = world.queues.send, world.queues.schedule

    def noted_send(queue: QueueName, bodies: Sequence[str], group: str = "") -> list[bool]:
        groups.append(("send", group))
        return send(queue, bodies, group)

    def noted_schedule(queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        groups.append(("schedule", group))
        schedule(queue, body, delay_s, group)

    monkeypatch.setattr(world.queues, "send", noted_send)
    monkeypatch.setattr(world.queues, "schedule", noted_schedule)
    world.now += RECEIPT_WAIT_S
    check(world, mid)
    assert groups == [("send", "acme"), ("schedule", "acme")]


def test_an_ack_of_another_batch_under_the_same_task_id_says_nothing_of_this_one() -> None:
    world = World()
    mid = silent(world)
    final(world, mid)
    batch_id, _ = split_mid(mid)
    (task_id,) = (entry.task_id for entry in world.store.entries.values() if "final#" in entry.kind)
    data = {"members": {"another": [0]}, "status": 200}
    ack = LedgerEntry(task_id, ack_kind(0), task_id, "worker_id", 0, data)
    world.store.entries[ack.key] = ack
    world.now += BUDGET_S + LOST_AFTER_S + 60
    assert check(world, mid)["recovered"] == 1
    assert RecoverTask(batch_id, (0,)) in enqueued(world)
