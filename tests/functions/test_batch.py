"""A batch of any queue: the task ids of its messages, and preparation for all of them."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest

from harkara.base.errors import LeaseHeld
from harkara.base.time import Deadline
from harkara.model.ledger import Lease
from harkara.runtime.sqs_batches import Prepare, consume
from tests.functions.invoking import (
    NOW,
    Context,
    Logs,
    sqs_event,
)
from tests.functions.test_queues import NO_FAILURES, failures


def leases(*bodies: str, context: Context | None = None) -> list[Lease]:
    """Consume messages; return the lease of each."""
    seen: list[Lease] = []

    async def handle(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        seen.append(lease)
        assert deadline.remaining_s() == 60
        return Counter()

    consume(sqs_event(*bodies), context or Context(), handle)  # type: ignore[arg-type]
    return seen


@pytest.mark.usefixtures("gateway")
def test_a_message_keeps_its_first_task_id_or_has_its_own_id() -> None:
    task_ids = [lease.task_id for lease in leases("{}", '{"task_id": "first"}')]
    assert task_ids == ["m0", "first"]


@pytest.mark.usefixtures("gateway")
def test_a_delivery_has_a_worker_id_of_its_own_until_its_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harkara.runtime.sqs_batches.time.time", lambda: NOW)
    first, second = leases('{"task_id": "m"}', '{"task_id": "m"}')
    (again,) = leases("{}")
    assert len({first.worker_id, second.worker_id, again.worker_id}) == 3
    assert first.expires_at_ms == int((NOW + 60) * 1000)


@pytest.mark.usefixtures("gateway")
def test_our_own_errors_say_why_in_the_log(logs: Logs) -> None:
    async def handle(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        raise LeaseHeld("an earlier delivery may still be at work")

    answer = consume(sqs_event("{}"), Context(), handle)  # type: ignore[arg-type]
    assert answer == failures("m0")
    assert [line["reason"] for line in logs.lines()] == ["an earlier delivery may still be at work"]


@pytest.mark.usefixtures("gateway")
def test_counts_of_nothing_are_not_logged(logs: Logs) -> None:
    async def handle(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        return Counter(taken=2, refused=0)

    consume(sqs_event("{}"), Context(), handle)  # type: ignore[arg-type]
    (line,) = logs.lines()
    assert line["counts"] == {"taken": 2}
    assert not {"joined", "again"} & line.keys()


@pytest.mark.usefixtures("gateway")
def test_the_tasks_of_a_batch_are_done_at_once(logs: Logs) -> None:
    """Each waits for the other to begin: one after the other they would wait forever."""
    begun: list[str] = []

    async def handle(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        begun.append(lease.task_id)
        for _ in range(100):
            if len(begun) == 2:
                return Counter()
            await asyncio.sleep(0)
        raise AssertionError("the other has not begun")

    answer = consume(sqs_event("{}", "{}"), Context(), handle)  # type: ignore[arg-type]
    assert answer == NO_FAILURES
    assert [line["message"] for line in logs.lines()] == ["tasks done"]


BODIES = ['{"n": 0}', '{"n": 1}']


def prepared(prepare: Prepare) -> list[str]:
    """Consume two messages; return the bodies that were handled."""
    bodies: list[str] = []

    async def handle(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        bodies.append(body)
        return Counter()

    event = sqs_event(*BODIES)
    answer = consume(event, Context(), handle, prepare=prepare)  # type: ignore[arg-type]
    assert answer == NO_FAILURES
    return bodies


@pytest.mark.usefixtures("gateway")
def test_what_was_prepared_for_all_is_done_in_place_of_what_came(logs: Logs) -> None:
    def prepare(bodies: Mapping[str, str]) -> Mapping[str, str]:
        assert bodies == dict(zip(("m0", "m1"), BODIES, strict=True))
        return {"m1": "prepared"}

    assert prepared(prepare) == [BODIES[0], "prepared"]
    assert [line["message"] for line in logs.lines()] == ["tasks done"]


@pytest.mark.usefixtures("gateway")
def test_where_nothing_can_be_prepared_each_is_done_as_it_came(logs: Logs) -> None:
    def prepare(bodies: Mapping[str, str]) -> Mapping[str, str]:
        raise ValueError("no task")

    assert prepared(prepare) == BODIES
    assert [line["message"] for line in logs.lines()] == ["tasks not prepared", "tasks done"]
