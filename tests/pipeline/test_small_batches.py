"""A small message batch is embedded in the queue message, so that `submit` need not read it."""

from base64 import b64decode, b64encode
from dataclasses import replace

import pytest

from harkara.accept.requests import Options, Record
from harkara.accept.service import IN_QUEUE_LIMIT_BYTES
from harkara.model.messages import Category, pack
from harkara.model.submit_tasks import SubmitTask, decode_submit
from harkara.model.tasks import QueueName
from tests.pipeline import campaign
from tests.support.wired import NOW
from tests.support.world import SUBMIT_QUEUES, World
from tests.unit.dispatching import BATCH
from tests.unit.submits import TASK, Submits

ONE = campaign.record("0000")
OTP = ONE._replace(options=Options(category=Category.OTP))


def tasks(world: World) -> list[SubmitTask]:
    """Return the tasks that wait for `submit`, now or later."""
    bodies = [message.body for message in world.queues.waiting if message.queue in SUBMIT_QUEUES]
    rows = [row.body for row in world.queues.waiting_rows if row.queue in SUBMIT_QUEUES]
    return [decode_submit(body) for body in bodies + rows]


def test_a_single_message_is_submitted_without_a_read_of_its_batch() -> None:
    world = World()
    world.send([ONE])
    (task,) = tasks(world)
    assert {task.batch_id: b64decode(task.packed)} == world.store.packed
    calls = len(world.faults.calls)
    world.run(0.5)
    assert world.provider.taken
    submitted = world.faults.calls[calls:]
    assert "get_batch" not in submitted[: submitted.index("put_if_absent outcome")]


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([ONE, ONE], id="two messages"),
        pytest.param([ONE._replace(options=campaign.SOON)], id="in ten minutes"),
        pytest.param([ONE._replace(options=campaign.FAR)], id="in a month"),
        pytest.param([ONE, OTP], id="two categories"),
    ],
)
def test_whatever_else_there_is_goes_by_reference(records: list[Record]) -> None:
    world = World()
    world.send(records)
    assert {task.packed for task in tasks(world)} == {""}


def test_a_large_one_goes_by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.send([ONE])
    (packed,) = world.store.packed.values()
    monkeypatch.setattr("harkara.accept.service.IN_QUEUE_LIMIT_BYTES", len(packed) - 1)
    world.send([ONE])
    assert [bool(task.packed) for task in tasks(world)] == [True, False]


def test_what_waits_on_is_not_taken_along() -> None:
    there = Submits()
    there.left_s = 0
    there.submit(replace(TASK, packed=b64encode(pack(BATCH)).decode()))
    (row,) = there.scheduled
    assert (row.task.handed_on, row.task.packed) == (True, "")


def test_ten_are_less_than_what_sqs_bills_as_one() -> None:
    task = SubmitTask("1" * 27, "a" * 60, single=True, packed="A" * (IN_QUEUE_LIMIT_BYTES * 4 // 3))
    assert 10 * len(task.encode()) < 65_536


def test_a_task_keeps_it_through_the_queue() -> None:
    task = SubmitTask("1" * 27, "acme", single=True, packed="QQ==")
    assert decode_submit(task.encode()) == task
    assert "packed" not in replace(task, packed="").encode()


def test_what_is_sent_again_by_hand_is_the_same() -> None:
    """A redriven dead letter has the same body under another message id: its claim decides."""
    world = World()
    world.send([ONE])
    (body,) = [m.body for m in world.queues.waiting if m.queue is QueueName.SUBMIT]
    world.run(0.5)
    world.queues.add(QueueName.SUBMIT, body, NOW + 1)
    world.run(2)
    assert max(world.providers.taken().values()) == 1
