"""What a dead letter is about, and that nothing else of it is ever shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.activity.exports import ExportTask
from harkara.base.ids import mid_of, split_mid
from harkara.base.json import decode, encode
from harkara.manage.dead_tasks import STREAM, UNREADABLE, Task, task_of
from harkara.model.accounts import may_be_username
from harkara.model.events import ClickTask, Dlr, EventTask
from harkara.model.messages import Endpoint, State
from harkara.model.submit_tasks import Part, SubmitTask
from harkara.model.tasks import (
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    QueueName,
    Receipt,
    ReceiptsTask,
    RecoverTask,
)

BATCH = "101M80PKPVGTZQN98QP2VKS1J18"
OTHER = "101M80PKPVGTZQN98QP2VKS1J19"
MIDS = [mid_of(BATCH, index) for index in (0, 3)]
RECEIPTS = tuple(Receipt(mid, 1, State.DELIVERED, 0) for mid in MIDS)
ENDPOINT = Endpoint("https://hooks.acme.in/dlr?key=secret", "clevertap", "main")
DLRS = tuple(Dlr(mid, "ref", State.DELIVERED, 0) for mid in MIDS)
TASKS: list[tuple[Any, Task]] = [
    (
        SubmitTask(BATCH, "acme", others=[Part(OTHER, QueueName.SUBMIT, 0)], packed="c2VjcmV0"),
        Task("submit", "acme", [], [BATCH, OTHER]),
    ),
    (SubmitTask(BATCH, "acme", indexes=(0, 3), attempt=2), Task("submit", "acme", MIDS, [])),
    (ReceiptsTask(RECEIPTS), Task("receipts", "", MIDS, [])),
    (
        CarrierReceiptsTask("sim", (("their id", Receipt("", 0, State.FAILED, 0)),)),
        Task("carrier_receipts", "", [], []),
    ),
    (CheckTask(BATCH, (OTHER,), singles_of="acme"), Task("check", "acme", [], [BATCH, OTHER])),
    (RecoverTask(BATCH, (0, 3)), Task("recover", "", MIDS, [])),
    (CallbackTask("t", 0, 1, "acme", ENDPOINT, DLRS), Task("callback", "acme", MIDS, [])),
    (EventTask("acme", ENDPOINT, DLRS[0]), Task("event", "acme", MIDS[:1], [])),
    (ClickTask(MIDS[0], 0, 0, "https://a.example/?token=1", "s"), Task("click", "", MIDS[:1], [])),
    (ExportTask("acme", "export-id"), Task("export", "acme", [], [])),
]
SECRETS = ("secret", "919876543210", "https://", "Hello", "their id", "export-id")


@pytest.mark.parametrize(("task", "about"), TASKS, ids=lambda each: type(each).__name__)
def test_a_task_is_named_by_its_account_and_messages(task: Any, about: Task) -> None:
    assert task_of(task.encode()) == about


@pytest.mark.parametrize(
    "body",
    [
        '{"shardId": "s", "sequenceNumber": "1", "error": "KeyError"}',
        '{"requestContext": {}, "DDBStreamBatchInfo": {"shardId": "s"}}',
    ],
)
def test_reports_about_the_stream_are_named(body: str) -> None:
    assert task_of(body) == Task(STREAM)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5000), st.sampled_from([*SECRETS, BATCH])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(base=st.sampled_from([task.encode() for task, _ in TASKS]), data=st.data())
def test_whatever_stands_in_a_body_nothing_but_ids_is_shown(base: str, data: Any) -> None:
    fields = decode(base)
    for name in data.draw(st.sets(st.sampled_from(sorted(fields)), max_size=3)):
        fields[name] = data.draw(JSON)
    check(task_of(encode(fields).decode()))


@given(st.one_of(st.sampled_from(SECRETS), st.text(max_size=40)))
def test_what_is_no_id_of_ours_is_not_shown(word: str) -> None:
    dlr = DLRS[0]._replace(mid=word)
    for task in (
        SubmitTask(word, "acme"),
        SubmitTask(word, "acme", indexes=(1,)),
        ReceiptsTask((RECEIPTS[0]._replace(mid=word), RECEIPTS[1])),
        CheckTask(word, (OTHER, word)),
        RecoverTask(word, (0,)),
        CallbackTask("t", 0, 1, "acme", ENDPOINT, (dlr, DLRS[1])),
        EventTask("acme", ENDPOINT, dlr),
        ClickTask(word, 0, 0, "https://a.example/", "s"),
    ):
        shown = task_of(task.encode())
        assert not {word, mid_of(word, 0), mid_of(word, 1)} & {*shown.mids, *shown.batch_ids}
        check(shown)
    for name in (f"{word} ", f"{word}/", "https://a"):
        assert task_of(ExportTask(name, word).encode()).account_id == ""


@given(st.one_of(st.text(), JSON.map(lambda value: encode(value).decode())))
def test_no_body_is_too_broken_to_be_listed(body: str) -> None:
    check(task_of(body))


def check(task: Task) -> None:
    assert task.kind in {about.kind for _, about in TASKS} | {STREAM, UNREADABLE}
    assert not task.account_id or may_be_username(task.account_id)
    for mid in (*task.mids, *(mid_of(each, 0) for each in task.batch_ids)):
        split_mid(mid)
