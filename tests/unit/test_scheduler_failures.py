"""The sweep where a call fails, and the late rows of a run that does not take place."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.base.time import Deadline
from harkara.model.tasks import QueueName
from harkara.scheduler import HELP_S
from tests.unit.test_scheduler import RECEIPT, SUBMIT, Sweeps


def test_a_run_that_reads_no_cursor_fails_with_the_stores_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps = Sweeps()
    sweeps.queues.put("a")

    def fail() -> None:
        raise StoreUnavailable("ThrottlingException")

    monkeypatch.setattr(sweeps.queues, "cursors", fail)
    with pytest.raises(StoreUnavailable, match="ThrottlingException"):
        sweeps.run()
    assert sweeps.queues.waiting == []


def test_a_page_fails_only_after_all_its_batches_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One queue fails while another refuses a task, which is put off all the same."""
    sweeps = Sweeps()
    sweeps.queues.put("fails", late_s=2, queue=RECEIPT)
    sweeps.queues.put("refused", late_s=1)
    failed = threading.Event()

    def send(
        queue: QueueName, bodies: Sequence[str], group: str, delays_s: Sequence[int]
    ) -> list[bool]:
        if queue is RECEIPT:
            failed.set()
            raise StoreUnavailable("RequestThrottled")
        assert failed.wait(60)
        return [False] * len(bodies)

    monkeypatch.setattr(sweeps.queues, "send", send)
    with ThreadPoolExecutor(2) as calls:
        sweeps.service = replace(sweeps.service, calls=calls)
        with pytest.raises(StoreUnavailable, match="RequestThrottled"):
            sweeps.run()
    assert [event.what for event in sweeps.log_events] == ["task put off", "swept"]


def test_messages_of_the_sweep_belong_to_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = Sweeps()
    sweeps.queues.put("a")
    groups = []

    def send(
        queue: QueueName, bodies: Sequence[str], group: str, delays_s: Sequence[int]
    ) -> list[bool]:
        groups.append(group)
        return [True] * len(bodies)

    monkeypatch.setattr(sweeps.queues, "send", send)
    sweeps.run()
    assert groups == [""]


def test_late_rows_are_swept_by_the_run_of_the_next_shard() -> None:
    sweeps = Sweeps()
    for shard in (4, 6, 15):
        sweeps.queues.put(f"late {shard}", shard, late_s=HELP_S + 1)
    sweeps.queues.put("on time", 5)

    def run(*shards: int) -> list[str]:
        before = len(sweeps.queues.waiting)
        asyncio.run(sweeps.service.sweep(Deadline(lambda: 50.0), shards))
        return [message.body for message in sweeps.queues.waiting[before:]]

    assert run(5) == ["on time", "late 4"]
    assert run(0) == ["late 15"]
    assert {row.queue for row in sweeps.queues.waiting_rows} == {SUBMIT}
    assert [row.body for row in sweeps.queues.waiting_rows] == ["late 6"]
