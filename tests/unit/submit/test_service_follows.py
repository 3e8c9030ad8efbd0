"""Other work of `submit`: checks, a request's other message batches, reports, retries."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused
from harkara.model.messages import State
from harkara.model.submit_tasks import Part, SubmitTask
from harkara.model.tasks import CheckTask, QueueName, Receipt, ReceiptsTask
from tests.support.wired import NOW, RECEIPT_WAIT_S
from tests.unit.dispatching import BATCH, MIDS, NOW_MS
from tests.unit.submits import TASK, Scheduled, Submits

FIRST = SubmitTask(BATCH.id, "acme")
OTHERS = (
    Part("1" + "0" * 25 + "1", QueueName.SUBMIT, NOW_MS + 5000),
    Part("1" + "0" * 25 + "2", QueueName.SUBMIT_PRIORITY, NOW_MS - 5000),
)
CHECK = Scheduled(QueueName.RECEIPT, CheckTask(BATCH.id), RECEIPT_WAIT_S, "acme", "")


def failing(there: Submits, times: int) -> None:
    """Make `times` calls fail that schedule a task in the receipt queue."""
    left = iter(range(times))

    def fail(number: int, name: str) -> None:
        if name == "schedule receipt" and next(left, None) is not None:
            raise StoreUnavailable("busy")

    there.faults.on_call = fail


def test_a_requests_check_is_set_before_anything_else_and_its_other_batches_are_enqueued() -> None:
    there = Submits()
    calls = len(there.faults.calls)
    there.submit(replace(FIRST, others=OTHERS))
    assert there.faults.calls[calls] == "schedule receipt"
    assert there.scheduled == [
        CHECK._replace(task=CheckTask(BATCH.id, tuple(each.batch_id for each in OTHERS))),
        Scheduled(QueueName.SUBMIT, SubmitTask(OTHERS[0][0], "acme", checked=True), 5, "acme", ""),
        Scheduled(
            QueueName.SUBMIT_PRIORITY,
            SubmitTask(OTHERS[1][0], "acme", checked=True),
            0,
            "acme",
            "",
        ),
    ]


def test_the_check_of_a_single_message_says_so_and_names_its_account() -> None:
    there = Submits()
    there.submit(replace(FIRST, single=True))
    assert there.scheduled == [CHECK._replace(task=CheckTask(BATCH.id, singles_of="acme"))]


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"checked": True}, id="it was set with another"),
        pytest.param({"attempt": 2, "indexes": (0,)}, id="a later try"),
        pytest.param({"handed_on": True}, id="the rest of a batch"),
    ],
)
def test_a_check_is_set_once(task: Mapping[str, Any]) -> None:
    there = Submits()
    there.submit(replace(FIRST, **task))
    assert there.scheduled == []


def test_what_is_to_go_out_does_not_wait_for_its_check() -> None:
    there = Submits()
    failing(there, 1)
    assert there.submit(replace(FIRST, others=OTHERS)) == Counter(taken=25)
    # The other batches then have checks of their own.
    assert [row.task for row in there.scheduled] == [
        SubmitTask(OTHERS[0].batch_id, "acme"),
        SubmitTask(OTHERS[1].batch_id, "acme"),
        CheckTask(BATCH.id),
    ]


def test_until_its_check_is_set_a_queue_message_comes_back() -> None:
    there = Submits()
    failing(there, 2)
    with pytest.raises(StoreUnavailable):
        there.submit(FIRST)
    assert len(there.got()) == 25


def test_what_was_refused_from_the_first_is_reported_with_the_first_task_of_its_batch() -> None:
    refused = BATCH.messages[3]._replace(refusal=Code.INVALID_NUMBER)
    messages = [*BATCH.messages[:3], refused, *BATCH.messages[4:]]
    there = Submits(replace(BATCH, messages=messages))
    assert there.submit() == Counter(taken=24)
    at_s = BATCH.accepted_at_ms // 1000
    failed = Receipt(MIDS[3], 0, State.FAILED, at_s, Code.INVALID_NUMBER)
    task = ReceiptsTask((failed,))
    assert there.scheduled == [Scheduled(QueueName.RECEIPT, task, 0, "acme", "")]
    again = Submits(replace(BATCH, messages=messages))
    again.submit(replace(TASK, handed_on=True))
    assert again.scheduled == []


def test_what_a_carrier_refused_is_reported_in_its_name() -> None:
    there = Submits(outcomes={0: Refused(Code.DND, "650"), 12: Refused(Code.DND, "651")})
    there.route(routes=[{"prefix": "919876543212", "carriers": [{"carrier": "other"}]}])
    there.submit()
    receipts = [
        Receipt(MIDS[index], 1, State.FAILED, int(NOW), Code.DND, words)
        for index, words in ((0, "650"), (12, "651"))
    ]
    assert [row[:4] for row in there.scheduled] == [
        (QueueName.RECEIPT, ReceiptsTask((receipts[0],), "sim"), 0, "acme"),
        (QueueName.RECEIPT, ReceiptsTask((receipts[1],), "other"), 0, "acme"),
    ]


@pytest.mark.parametrize(
    ("attempt", "left_s", "requested_s", "delay_s"),
    [
        pytest.param(1, 500, 0, 1.1, id="a second, and a tenth at random"),
        pytest.param(2, 500, 0, 5.5, id="then longer"),
        pytest.param(1, 500, 30, 33, id="as its carrier wants it"),
        pytest.param(1, 500, 600, 275, id="its carrier wants it too late: half of what is left"),
        pytest.param(3, 4, 0, 5, id="at the very end: just after it, to hear so"),
    ],
)
def test_what_was_not_taken_is_tried_again_as_a_new_queue_message_while_it_is_valid(
    attempt: int, left_s: int, requested_s: int, delay_s: float
) -> None:
    there = Submits(replace(BATCH, validity_s=5 + left_s), {24: NotTaken(requested_s)})
    indexes = (22, 24) if attempt > 1 else ()
    there.submit(replace(TASK, attempt=attempt, block=2, indexes=indexes))
    (row,) = there.scheduled
    assert (row.queue, row.delay_s, row.group, row.task_id) == (
        QueueName.SUBMIT,
        delay_s,
        "acme",
        "",
    )
    assert (row.task.attempt, row.task.block, row.task.indexes) == (attempt + 1, 2, (24,))
    assert row.task.tried == {"sim": [24]}


@pytest.mark.parametrize(
    ("attempt", "rounds", "after", "delay_s"),
    [
        pytest.param(1, 6, 1, 1.1, id="the first try is progress"),
        pytest.param(2, 6, 7, 80, id="a later one is none"),
        pytest.param(2, 7, 8, 495, id="and has a last try before it ends"),
    ],
)
def test_a_try_that_comes_back_often_waits_longer(
    attempt: int, rounds: int, after: int, delay_s: float
) -> None:
    there = Submits(replace(BATCH, validity_s=505), {0: NotTaken()})
    task = replace(TASK, attempt=attempt, indexes=(0,) if attempt > 1 else (), rounds=rounds)
    there.submit(task)
    (row,) = there.scheduled
    assert (row.task.rounds, row.delay_s) == (after, delay_s)


def test_what_took_long_to_be_refused_has_no_time_left_to_wait() -> None:
    """The carrier answers after the end of the message, which is reported a second later."""
    there = Submits(replace(BATCH, validity_s=15), {0: NotTaken()})

    async def think() -> None:
        there.now += 20

    there.carriers["sim"].meanwhile = think
    there.submit(replace(TASK, attempt=2, indexes=(0,)))
    assert [row.delay_s for row in there.scheduled] == [1]


@pytest.mark.parametrize(("two_way", "recorded"), [(True, {0, 2}), (False, set())])
def test_what_phones_may_have_got_is_remembered_where_they_may_answer(
    two_way: bool, recorded: set[int]
) -> None:
    outcomes: dict[int, Outcome] = {
        1: Refused(Code.DND, ""),
        2: InDoubt(),
        3: NotTaken(),
    }
    there = Submits(replace(BATCH, two_way=two_way), outcomes)
    there.submit(replace(TASK, attempt=2, indexes=(0, 1, 2, 3)))
    assert there.last.mids == {
        ("acme", BATCH.messages[index].to): MIDS[index] for index in recorded
    }
