"""The check of a message batch: its findings, its repairs, and the time of the next check."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import split_mid
from harkara.base.retries import limit_s
from harkara.model.ledger import LedgerEntry, cancel_kind, cancels_of, claim_kind, outcome_kind
from harkara.model.messages import DEFAULT_VALIDITY_S, State
from harkara.model.tasks import CheckTask, QueueName, Receipt, ReceiptsTask, RecoverTask, decode_dlr
from tests.pipeline import campaign
from tests.support.wired import NOW, RECEIPT_WAIT_S, RETRY_DELAYS_S
from tests.support.world import BUDGET_S, World

# An hour beyond the last retry.
LOST_AFTER_S = limit_s(RETRY_DELAYS_S) + 3600
SETTLED = {"unknown": 0, "ended": 0, "waiting": 0, "recovered": 0}


def silent(world: World) -> str:
    """Submit a message whose carrier sends no receipt; return its message id."""
    answers = world.send([campaign.record("9004")])
    assert answers
    world.run(60)
    return answers[0].mid


def check(world: World, mid: str) -> dict[str, int]:
    """Check a message's batch with empty queues, so that they then have only the check's tasks."""
    world.queues.waiting.clear()
    world.queues.rows.clear()
    return dict(asyncio.run(world.dlr_services().check.check(CheckTask(split_mid(mid)[0]))))


def enqueued(world: World) -> list[object]:
    return [decode_dlr(message.body) for message in world.queues.waiting]


def final(world: World, mid: str) -> None:
    """Make a message final by a receipt whose process dies before the callback, for good."""
    receipt = Receipt(mid, 1, State.DELIVERED, int(world.now))
    world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)
    world.faults.on_call = lambda number, name: (
        world.faults.kill_after.add(number) if name == "put_if_absent final" else None
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
    with pytest.raises(StoreUnavailable, match="^the receipt queue did not take a task$"):
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
    assert check(world, mid) == SETTLED
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
    assert check(world, mid) == SETTLED
    assert not world.queues.waiting
    assert not world.queues.rows


def say(world: World, mid: str, **data: Any) -> None:
    """Change the stored outcome of a message's first submit attempt."""
    batch_id, _ = split_mid(mid)
    key = (batch_id, outcome_kind(1, 0))
    outcome = world.store.entries[key]
    world.store.entries[key] = replace(outcome, data={**outcome.data, "taken": [], **data})
    assert (batch_id, claim_kind(1, 0)) in world.store.entries


def ends(world: World) -> list[tuple[int, str, str]]:
    """Return the enqueued final states: attempt, state and code."""
    tasks = [task for task in enqueued(world) if isinstance(task, ReceiptsTask)]
    return [(r.attempt, r.state, r.code) for task in tasks for r in task.receipts]


def next_check_s(world: World) -> float:
    """Return the time of the next check."""
    tasks = [(row.body, row.due_ms / 1000) for _, row in world.queues.rows]
    tasks += [(message.body, message.visible_at) for message in world.queues.waiting]
    (at_s,) = (at_s for body, at_s in tasks if isinstance(decode_dlr(body), CheckTask))
    return at_s


@pytest.mark.parametrize("later_s", [-1, 0, 1])
def test_what_no_carrier_took_waits_for_its_next_try_until_an_hour_after_its_end(
    later_s: int,
) -> None:
    world = World()
    mid = silent(world)
    say(world, mid, not_taken=[(0, 0)])
    over_s = NOW + DEFAULT_VALIDITY_S + 3600
    world.now = over_s + later_s
    over = later_s >= 0
    assert check(world, mid) == {**SETTLED, "ended": int(over), "waiting": int(not over)}
    assert ends(world) == [(0, "expired", "EXPIRED")] * over
    # A later check looks whether the final state was stored.
    assert next_check_s(world) == pytest.approx(world.now + RECEIPT_WAIT_S if over else over_s)


@pytest.mark.parametrize(
    ("payload", "end"),
    [
        ({"refused": [(0, "INVALID_NUMBER", "x")]}, (1, "failed", "INVALID_NUMBER")),
        ({"refused": [(0, "EXPIRED", "")]}, (1, "expired", "EXPIRED")),
        ({"cancelled": [0]}, (1, "cancelled", "CANCELLED")),
    ],
)
def test_what_ended_by_its_try_ends_as_its_outcome_says_though_no_report_came(
    payload: dict[str, Any], end: tuple[int, str, str]
) -> None:
    world = World()
    mid = silent(world)
    say(world, mid, **payload)
    assert check(world, mid) == {**SETTLED, "ended": 1}
    assert ends(world) == [end]


def test_who_took_back_what_was_never_submitted_hears_that_it_is_cancelled() -> None:
    world = World()
    mid = silent(world)
    say(world, mid, not_taken=[(0, 0)])
    batch_id, index = split_mid(mid)
    world.store.put_if_absent(
        [LedgerEntry(cancels_of(batch_id), cancel_kind(index), "acme", "", 0, {})]
    )
    world.now += 2 * DEFAULT_VALIDITY_S
    check(world, mid)
    assert ends(world) == [(0, "cancelled", "CANCELLED")]


def test_what_a_dead_worker_had_in_its_hands_is_unknown_and_what_it_kept_back_has_expired() -> None:
    world = World()
    answers = world.send([campaign.record("9004"), campaign.record("9004", client_ref="2")])
    assert answers
    world.run(60)
    batch_id, _ = split_mid(answers[0].mid)
    del world.store.entries[batch_id, outcome_kind(1, 0)]
    key = (batch_id, claim_kind(1, 0))
    claim = world.store.entries[key]
    world.store.entries[key] = replace(claim, data={**claim.data, "carriers": {"sim": [0]}})
    world.now += RECEIPT_WAIT_S
    assert check(world, answers[0].mid) == {**SETTLED, "unknown": 1, "ended": 1}
    assert ends(world) == [(1, "unknown", "NO_RECEIPT"), (0, "expired", "EXPIRED")]


def test_a_check_has_the_other_batches_of_its_request_checked_though_its_own_is_gone() -> None:
    world = World()
    others = (split_mid(silent(world))[0], "another")
    world.queues.waiting.clear()
    task = CheckTask("gone", others)
    assert asyncio.run(world.dlr_services().check.check(task)) == {"batch_missing": 1}
    assert enqueued(world) == [CheckTask(each) for each in others]


def test_the_other_batches_of_a_request_are_checked_in_their_accounts_fairness_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    batch_id = split_mid(silent(world))[0]
    send, groups = world.queues.send, list[str]()

    def sent(queue: QueueName, bodies: Sequence[str], group: str = "") -> list[bool]:
        groups.append(group)
        return send(queue, bodies, group)

    monkeypatch.setattr(world.queues, "send", sent)
    asyncio.run(world.dlr_services().check.check(CheckTask(batch_id, ("another",))))
    assert groups == ["acme"]


def test_without_the_due_table_messages_go_out_and_the_check_is_set_by_a_redelivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    schedule = world.queues.schedule

    def refuse(queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        if world.now < NOW + 600 and delay_s > 900:
            raise StoreUnavailable("the table stayed busy")
        schedule(queue, body, delay_s, group)

    monkeypatch.setattr(world.queues, "schedule", refuse)
    mid = silent(world)
    assert world.providers.taken() == {mid: 1}
    assert not world.queues.rows
    world.run()
    assert world.finals() == {mid: "unknown"}
    assert world.providers.taken() == {mid: 1}


@pytest.mark.parametrize(("later_s", "unknown"), [(-7200, 0), (-1, 0), (1, 1)])
def test_what_got_no_receipt_ends_unknown_once_the_wait_is_over(later_s: int, unknown: int) -> None:
    world = World()
    begin_s = world.now
    mid = silent(world)
    world.now = begin_s + RECEIPT_WAIT_S + later_s
    assert check(world, mid) == {**SETTLED, "unknown": unknown, "waiting": 1 - unknown}
    ended = Receipt(mid, 1, State.UNKNOWN, int(world.now), Code.NO_RECEIPT)
    tasks = [task for task in enqueued(world) if isinstance(task, ReceiptsTask)]
    assert tasks == [ReceiptsTask((ended,), "sim")] * unknown
    # The next check comes after the wait; then one more, in case the final state gets lost.
    again_s = world.now if unknown else begin_s
    assert next_check_s(world) == pytest.approx(again_s + RECEIPT_WAIT_S, abs=2)


def test_a_batch_whose_time_is_over_is_left_alone() -> None:
    world = World()
    mid = silent(world)
    world.store.packed.clear()
    assert check(world, mid) == {"batch_missing": 1}
    assert enqueued(world) == []


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_callback_that_is_recovered_was_perhaps_taken_and_says_so(moment: str) -> None:
    """A task whose process died at its post, and that was never redelivered."""
    world = World()
    world.trust()
    mid = silent(world)
    receipt = Receipt(mid, 1, State.DELIVERED, int(world.now))
    world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)
    world.faults.on_call = lambda number, name: (
        getattr(world.faults, moment).add(number) if name == "post" else None
    )
    world.run(1)
    world.faults.on_call = lambda number, name: None
    world.queues.waiting = [each for each in world.queues.waiting if "receipts" not in each.body]
    world.run()
    assert world.counts["recovered"] == 1
    assert world.called_back() == {mid: 1 if moment == "kill_before" else 2}
    assert world.callbacks_in_doubt() == {mid}
