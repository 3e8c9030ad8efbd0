"""Tasks as JSON: encoded tasks are decoded, and other bodies refused."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.model.events import Click, Dlr, Event, EventTask, Reply
from harkara.model.messages import Endpoint, Lane, State
from harkara.model.submit_tasks import Part, Repeat, Reserved, SubmitTask, decode_submit, queue_of
from harkara.model.tasks import (
    RECEIPTS_PER_TASK,
    Attempt,
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    DlrTask,
    QueueName,
    Receipt,
    ReceiptsTask,
    RecoverTask,
    decode_dlr,
    receipts_tasks,
    task_id_of,
)

# SendMessage's reference: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | from #x10000.
SQS_CHARACTERS = "[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*"

texts = st.text(max_size=40) | st.text("a\x00\x1f\ufffd\ufffe\uffff", max_size=5)
numbers = st.integers(0, 2**40)
states = st.sampled_from(State)
submits = st.builds(
    SubmitTask,
    texts,
    texts,
    numbers,
    numbers,
    st.lists(numbers).map(tuple),
    st.booleans(),
    st.dictionaries(texts, st.builds(Reserved, numbers, numbers), max_size=3),
    numbers,
    st.dictionaries(texts, st.lists(numbers), max_size=3),
    st.lists(st.builds(Repeat, numbers, texts, numbers), max_size=3).map(tuple),
    st.dictionaries(texts, numbers, max_size=3),
    st.lists(st.builds(Part, texts, st.sampled_from(QueueName), numbers), max_size=3).map(tuple),
    st.booleans(),
    numbers,
)
receipts = st.builds(Receipt, texts, numbers, states, numbers, texts, texts)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Dlr, texts, texts, states, numbers, texts, texts, numbers),
    st.builds(Reply, texts, texts, numbers, texts, texts, texts),
    st.builds(Click, texts, texts, numbers, texts, texts, texts),
)
dlr_tasks: st.SearchStrategy[DlrTask] = st.one_of(
    st.builds(ReceiptsTask, st.lists(receipts, max_size=5).map(tuple)),
    st.builds(CarrierReceiptsTask, texts, st.lists(st.tuples(texts, receipts)).map(tuple), numbers),
    st.builds(
        CallbackTask,
        texts,
        numbers,
        numbers,
        texts,
        st.builds(Endpoint, texts, texts, texts),
        st.lists(events, max_size=5).map(tuple),
        numbers,
        numbers,
        st.booleans(),
        *[numbers] * 6,
        st.none() | st.builds(Attempt, numbers, numbers, texts, texts, numbers),
        numbers,
        numbers,
    ),
    st.builds(CheckTask, texts, st.lists(texts).map(tuple), numbers),
    st.builds(RecoverTask, texts, st.lists(numbers).map(tuple)),
    st.builds(EventTask, texts, st.builds(Endpoint, texts, texts, texts), events, numbers),
)
SUBMIT = SubmitTask("batch", "acme")
CHECK = CheckTask("batch")


def test_a_task_that_nothing_holds_back_says_nothing_of_it() -> None:
    fields = from_json(SUBMIT.encode())
    assert not {"reserved", "waits", "tried", "repeats"} & fields.keys()


@given(submits)
def test_a_submit_task_is_decoded_as_it_was_encoded(task: SubmitTask) -> None:
    assert decode_submit(task.encode()) == task


@given(dlr_tasks)
def test_a_task_of_dlr_is_decoded_as_it_was_encoded(task: DlrTask) -> None:
    decoded = decode_dlr(task.encode())
    assert decoded == task
    assert type(decoded) is type(task)


@given(receipts)
def test_a_decoded_receipt_has_a_state(receipt: Receipt) -> None:
    decoded = decode_dlr(ReceiptsTask((receipt,)).encode())
    assert isinstance(decoded, ReceiptsTask)
    assert isinstance(decoded.receipts[0].state, State)


@given(dlr_tasks | submits)
def test_a_body_holds_only_characters_that_sqs_takes(task: DlrTask | SubmitTask) -> None:
    """SQS refuses a whole call for one U+FFFF: a customer's `smsgid` must not stop its callback."""
    assert re.fullmatch(SQS_CHARACTERS, task.encode())


def test_a_task_without_the_optional_fields_of_a_receipt_is_read() -> None:
    body = '{"kind":"receipts","receipts":[["mid",1,"delivered",1700000000]]}'
    receipt = Receipt("mid", 1, State.DELIVERED, 1_700_000_000)
    assert decode_dlr(body) == ReceiptsTask((receipt,))


def test_a_receipt_keeps_the_segment_that_it_is_of() -> None:
    part = Receipt("mid", 1, State.DELIVERED, 1_700_000_000, segment="0c1f")
    for task in (ReceiptsTask((part,), "sim"), CarrierReceiptsTask("sim", (("id", part),))):
        assert decode_dlr(task.encode()) == task
        assert "0c1f" in task.encode()
    without = ReceiptsTask((part._replace(segment=""),))
    assert decode_dlr(without.encode()) == without


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        pytest.param(decode_submit, CHECK.encode(), id="a check in a submit queue"),
        pytest.param(decode_dlr, SUBMIT.encode(), id="a submit in a queue of dlr"),
        pytest.param(decode_submit, '{"batch": "x"}', id="no kind"),
        pytest.param(decode_submit, '{"kind": "later"}', id="a kind of the future"),
        pytest.param(decode_dlr, "[]", id="an array"),
        pytest.param(decode_dlr, "null", id="null"),
        pytest.param(decode_submit, "submit", id="no JSON"),
        pytest.param(decode_dlr, "", id="empty"),
    ],
)
def test_another_kind_of_task_is_an_error(decode: Callable[[str], object], body: str) -> None:
    with pytest.raises(ValueError, match=r"another kind|line 1 column 1"):
        decode(body)


@pytest.mark.parametrize(
    ("task_id", "expected"),
    [
        pytest.param({}, "message-id", id="none: the message's own id"),
        pytest.param({"task_id": "first-id"}, "first-id", id="a redrive names the first task id"),
        pytest.param({"task_id": None}, "message-id", id="null is none"),
        pytest.param({"task_id": 7}, "message-id", id="a number is none"),
    ],
)
def test_a_body_may_name_whose_duty_it_is(task_id: dict[str, object], expected: str) -> None:
    body = to_json({**from_json(SUBMIT.encode()), **task_id}).decode()
    assert task_id_of("message-id", body) == expected
    assert decode_submit(body) == SUBMIT


def test_a_requeued_task_may_keep_its_first_task_id() -> None:
    body = SUBMIT.encode("first-id")
    assert task_id_of("message-id", body) == "first-id"
    assert decode_submit(body) == SUBMIT


def test_receipts_travel_a_hundred_at_a_time() -> None:
    rows = [Receipt(str(n), 1, State.DELIVERED, n) for n in range(2 * RECEIPTS_PER_TASK + 1)]
    tasks = receipts_tasks(rows)
    assert [len(task.receipts) for task in tasks] == [100, 100, 1]
    assert [receipt for task in tasks for receipt in task.receipts] == rows
    assert receipts_tasks([]) == []


def test_a_webhook_id_is_the_same_at_every_attempt() -> None:
    first = CallbackTask("task_id", 3, 0, "acme", Endpoint("https://x.example", "clevertap"), ())
    again = CallbackTask("task_id", 3, 4, "acme", Endpoint("https://x.example", "clevertap"), ())
    assert first.webhook_id == again.webhook_id == "task_id.3"


def test_a_lane_has_its_queue() -> None:
    assert {lane: queue_of(lane) for lane in Lane} == {
        Lane.PRIORITY: QueueName.SUBMIT_PRIORITY,
        Lane.BULK: QueueName.SUBMIT,
    }
