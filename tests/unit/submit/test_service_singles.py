"""A single message is embedded in its task, and may share its outcome with others."""

from base64 import b64encode
from collections import Counter
from dataclasses import replace

import pytest

from harkara.model.messages import MessageBatch, pack
from harkara.model.submit_tasks import SubmitTask
from tests.support.fakes import ProcessKilled
from tests.unit.deliveries import HOLDS_S
from tests.unit.dispatching import BATCH
from tests.unit.submits import TASK, Submits

ONE = replace(BATCH, messages=BATCH.messages[:1])
TWO = replace(BATCH, messages=BATCH.messages[:2])


def test_a_batch_that_comes_with_its_task_is_not_read() -> None:
    there = Submits(ONE)
    calls = len(there.faults.calls)
    task = replace(TASK, packed=b64encode(pack(ONE)).decode())
    assert there.submit(task) == Counter(taken=1)
    assert "get_batch" not in there.faults.calls[calls:]
    there.submit(TASK, task_id="another")
    assert "get_batch" in there.faults.calls[calls:]


@pytest.mark.parametrize(
    ("batch", "task", "shares"),
    [
        pytest.param(ONE, TASK, True, id="one message"),
        pytest.param(TWO, TASK, False, id="two of one request"),
        pytest.param(ONE, replace(TASK, attempt=2, indexes=(0,)), False, id="a later try"),
    ],
)
def test_a_first_try_of_a_single_message_alone_says_where_its_outcome_may_stand(
    batch: MessageBatch, task: SubmitTask, shares: bool
) -> None:
    there = Submits(batch)
    there.submit(task)
    (claim,) = there.entries("claim#")
    assert ("shared" in claim.data) is shares


def test_who_takes_over_from_a_dead_worker_closes_what_its_claim_might_share() -> None:
    there = Submits(ONE)

    def kill(number: int, name: str) -> None:
        if name == "put_if_absent outcome":
            there.faults.on_call = lambda number, name: None
            raise ProcessKilled(name)

    there.faults.on_call = kill
    with pytest.raises(ProcessKilled):
        there.submit()
    there.now += HOLDS_S + 1
    assert there.submit(task_id="task") == Counter(in_doubt=1)
    (claim,), (shared,) = there.entries("claim#"), there.entries("shared")
    assert (shared.partition, shared.task_id) == (claim.data["shared"], claim.task_id)
    assert shared.data["taken"] == {}
