"""The ledger entries by which a check finds lost callbacks and overdue messages."""

import pytest

from harkara.base.ids import split_mid
from harkara.model.ledger import Lease, outcome_kind, recovered_kind
from tests.pipeline.test_check import LOST_AFTER_S, check, enqueued, final, silent
from tests.support.wired import ACCOUNT, RECEIPT_WAIT_S
from tests.support.world import BUDGET_S, World


def test_what_may_have_been_submitted_ends_unknown_too() -> None:
    """There is a claim without an outcome: its process died and the task never came back."""
    world = World()
    mid = silent(world)
    del world.store.entries[split_mid(mid)[0], outcome_kind(1, 0)]
    world.now += RECEIPT_WAIT_S
    assert check(world, mid)["unknown"] == 1


@pytest.mark.parametrize(("recovered", "lost"), [(False, 1), (True, 0)])
def test_a_final_that_was_recovered_is_not_recovered_again(recovered: bool, lost: int) -> None:
    world = World()
    mid = silent(world)
    final(world, mid)
    if recovered:
        entry = Lease("task_id", "worker_id", 0).entry(split_mid(mid)[0], recovered_kind(0))
        world.store.entries[entry.key] = entry
    world.now += BUDGET_S + LOST_AFTER_S + 60
    assert check(world, mid)["recovered"] == lost
    assert not world.queues.rows, "nobody waits for it any more"


def test_a_final_that_nobody_wants_to_hear_of_is_not_lost() -> None:
    world = World(account=ACCOUNT.model_copy(update={"default_callback": ""}))
    mid = silent(world)
    final(world, mid)
    world.now += BUDGET_S + LOST_AFTER_S + 60
    assert check(world, mid)["recovered"] == 0
    assert enqueued(world) == []
