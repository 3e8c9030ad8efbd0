"""The check of single messages: it reads little about those that are final and called back."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of, split_mid
from harkara.base.json import decode
from harkara.model.ledger import Lease, ack_kind, final_kind, members_of
from harkara.model.submit_tasks import SubmitTask, decode_submit
from harkara.model.tasks import CheckTask, QueueName, decode_dlr
from harkara.submit.service import Checks
from tests.pipeline import campaign
from tests.support.wired import ACCOUNT, RECEIPT_WAIT_S
from tests.support.world import World

BATCHES = [f"1{number:026d}" for number in range(3)]
FIRST = SubmitTask(BATCHES[0], "acme", single=True)


def put(world: World, batch_id: str, task_id: str, *groups: int, untold: bool = False) -> None:
    """Make a message final under a task id, and acknowledge these groups of its callbacks."""
    lease = Lease(task_id, "worker_id", 0)
    payload = {"untold": True} if untold else {}
    world.store.put_if_absent([lease.entry(batch_id, final_kind(0), state="delivered", **payload)])
    members = members_of([mid_of(batch_id, 0)])
    for group in groups:
        others = {} if group != groups[-1] else members
        world.store.put_if_absent([lease.entry(task_id, ack_kind(group), members=others)])


def look(world: World, *batch_ids: str) -> tuple[Counter[str], list[object]]:
    """Check single messages; return the counts and the enqueued tasks."""
    task = CheckTask(batch_ids[0], batch_ids[1:], singles_of="acme")
    counts = asyncio.run(world.dlr_services().check.check(task))
    return counts, [decode_dlr(message.body) for message in world.queues.waiting]


def put_two(world: World) -> None:
    """Make two messages final under one task id, and acknowledge the callback of the second."""
    put(world, BATCHES[0], "task_id")
    put(world, BATCHES[1], "task_id", 0)


SETTLED: dict[str, Callable[[World], None]] = {
    "called back": lambda world: put(world, BATCHES[0], "task_id", 0),
    "called back in a later group": lambda world: put(world, BATCHES[0], "task_id", 0, 1),
    "nobody wants to hear of it": lambda world: put(world, BATCHES[0], "task_id", untold=True),
}
OPEN: dict[str, Callable[[World], None]] = {
    "not final": lambda world: None,
    "never called back": lambda world: put(world, BATCHES[0], "task_id"),
    "another of its queue message was called back": lambda world: put_two(world),
}


@pytest.mark.parametrize("state", SETTLED)
def test_what_is_final_and_called_back_is_settled(state: str) -> None:
    world = World()
    SETTLED[state](world)
    counts, enqueued = look(world, BATCHES[0])
    assert (+counts, enqueued) == (Counter(settled=1), [])


@pytest.mark.parametrize("state", OPEN)
def test_anything_else_is_checked_in_whole(state: str) -> None:
    world = World()
    OPEN[state](world)
    counts, enqueued = look(world, BATCHES[0])
    assert (+counts, enqueued) == (Counter(unsettled=1), [CheckTask(BATCHES[0])])


def test_those_of_one_queue_message_are_settled_by_two_reads_together() -> None:
    world = World()
    lease = Lease("task_id", "worker_id", 0)
    for batch_id in BATCHES:
        put(world, batch_id, "task_id")
    members = members_of(mid_of(batch_id, 0) for batch_id in BATCHES)
    world.store.put_if_absent([lease.entry("task_id", ack_kind(0), members=members)])
    calls = len(world.faults.calls)
    counts, enqueued = look(world, *BATCHES)
    assert (+counts, enqueued) == (Counter(settled=3), [])
    assert world.faults.calls[calls:] == ["get_entries"] * 2


def test_it_reads_from_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    put_two(world)
    read: list[bool] = []
    get_entries = world.store.get_entries

    def note(keys: Sequence[tuple[str, str]], *, consistent: bool = True) -> object:
        read.append(consistent)
        return get_entries(keys, consistent=consistent)

    monkeypatch.setattr(world.store, "get_entries", note)
    look(world, *BATCHES[:2])
    assert read == [False, False]


def test_what_is_open_waits_in_its_accounts_group(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    groups: list[str] = []

    def send(queue: QueueName, bodies: Sequence[str], group: str) -> list[bool]:
        groups.append(group)
        return [True] * len(bodies)

    monkeypatch.setattr(world.queues, "send", send)
    look(world, *BATCHES[:2])
    assert groups == ["acme"]
    monkeypatch.setattr(world.queues, "send", lambda *_: [True, False])
    with pytest.raises(StoreUnavailable):
        look(world, *BATCHES[:2])


def test_a_message_whose_account_has_no_callback_needs_one_read() -> None:
    world = World(account=ACCOUNT.model_copy(update={"default_callback": ""}))
    answers = world.send([campaign.record("0000")])
    assert answers
    world.run(60)
    calls = len(world.faults.calls)
    assert look(world, split_mid(answers[0].mid)[0])[0]["settled"] == 1
    assert world.faults.calls[calls:] == ["get_entries"]


# Scheduling the check


def checks_of(world: World, *tasks: SubmitTask) -> tuple[dict[str, SubmitTask], list[object]]:
    """Schedule checks for tasks together; return the changed tasks, and the scheduled ones."""
    bodies = {f"m{number}": task.encode() for number, task in enumerate(tasks)}
    done = Checks(world.queues, RECEIPT_WAIT_S).set_together(bodies)
    rows: list[object] = [decode_dlr(row.body) for row in world.queues.waiting_rows]
    return {name: decode_submit(body) for name, body in done.items()}, rows


def test_single_messages_of_an_account_share_a_check() -> None:
    other = replace(FIRST, batch_id=BATCHES[1])
    foreign = replace(FIRST, batch_id=BATCHES[2], account_id="other")
    done, rows = checks_of(World(), FIRST, foreign, other)
    tasks = (FIRST, foreign, other)
    assert done == {f"m{n}": replace(task, checked=True) for n, task in enumerate(tasks)}
    assert rows == [
        CheckTask(BATCHES[0], (BATCHES[1],), singles_of="acme"),
        CheckTask(BATCHES[2], singles_of="other"),
    ]


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(replace(FIRST, single=False), id="a request of several"),
        pytest.param(replace(FIRST, checked=True), id="it was set"),
        pytest.param(replace(FIRST, handed_on=True), id="the rest of a batch"),
        pytest.param(replace(FIRST, attempt=2), id="a later try"),
    ],
)
def test_whatever_else_there_is_sets_its_own_or_needs_none(task: SubmitTask) -> None:
    assert checks_of(World(), task, task) == ({}, [])


def test_where_it_cannot_be_set_each_sets_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def refuse(*_: object) -> None:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(world.queues, "schedule", refuse)
    assert checks_of(world, FIRST, FIRST) == ({}, [])


def test_it_is_set_in_its_accounts_group(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    set_for: list[object] = []
    monkeypatch.setattr(world.queues, "schedule", lambda *scheduled: set_for.append(scheduled))
    checks_of(world, FIRST, replace(FIRST, batch_id=BATCHES[1], account_id="other"))
    assert set_for == [
        (QueueName.RECEIPT, check.encode(), RECEIPT_WAIT_S, check.singles_of)
        for check in (
            CheckTask(BATCHES[0], singles_of="acme"),
            CheckTask(BATCHES[1], singles_of="other"),
        )
    ]


def test_a_task_that_was_moved_by_hand_keeps_its_task_id() -> None:
    world = World()
    body = FIRST.encode("task_id")
    done = Checks(world.queues, RECEIPT_WAIT_S).set_together({"m0": body})
    (checked,) = done.values()
    assert decode(checked) == decode(replace(FIRST, checked=True).encode("task_id"))


def test_send_says_which_tasks_are_of_one_message() -> None:
    world = World()
    world.send([campaign.record("0000")])
    world.send([campaign.record("0000"), campaign.record("9001")])
    bodies = [m.body for m in world.queues.waiting if m.queue is QueueName.SUBMIT]
    assert [decode_submit(body).single for body in bodies] == [True, False]
