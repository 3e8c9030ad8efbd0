"""The sweep: enqueued tasks, the positions of the cursors, and tasks that come again."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, count, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.queues import DELAY_LIMIT_S
from harkara.base.errors import StoreUnavailable
from harkara.base.log_events import LogEvent
from harkara.base.time import Deadline
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS, DueTask
from harkara.scheduler import PUT_OFF_S, SweepService
from tests.support.fakes import Faults
from tests.support.queues import FakeTaskQueues
from tests.support.virtual import InPlace

NOW = 1_767_258_000.0
SUBMIT, RECEIPT = QueueName.SUBMIT, QueueName.RECEIPT


class Queues(FakeTaskQueues):
    """Queues that refuse some bodies, and whole queues that fail."""

    def __init__(self) -> None:
        super().__init__(Faults(), lambda: NOW)
        self.refused: set[str] = set()
        self.failing: set[QueueName] = set()

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        if queue in self.failing:
            raise StoreUnavailable("RequestThrottled")
        taken = [body not in self.refused for body in bodies]
        indexes = [index for index, ok in enumerate(taken) if ok]
        delays_s = [delays_s[index] for index in indexes] if delays_s else ()
        super().send(queue, [bodies[index] for index in indexes], group, delays_s)
        return taken

    def put(self, body: str, shard: int = 0, late_s: float = 0, queue: QueueName = SUBMIT) -> None:
        """Put a row into a shard that was due `late_s` ago."""
        due_ms = int((NOW - late_s) * 1000)
        task = DueTask(f"{due_ms:013d}#{len(self.rows):016x}", due_ms, queue, body)
        self.rows.append((shard, task))


class Sweeps:
    """A table, its queues, and the runs of `sweep` over them."""

    def __init__(self) -> None:
        self.queues = Queues()
        self.log_events: list[LogEvent] = []
        self.service = SweepService(
            self.queues, self.queues, lambda: NOW, self.log_events.append, InPlace()
        )

    def run(self, remaining_s: float = 50.0) -> list[str]:
        """Sweep; return the enqueued bodies."""
        before = len(self.queues.waiting)
        asyncio.run(self.service.sweep(Deadline(lambda: remaining_s)))
        return [message.body for message in self.queues.waiting[before:]]


def test_what_is_due_is_enqueued_once_the_oldest_of_a_shard_first() -> None:
    sweeps = Sweeps()
    for body, shard, late_s in [("b", 0, 5), ("a", 0, 9), ("c", 3, 7)]:
        sweeps.queues.put(body, shard, late_s)
    assert sweeps.run() == ["a", "b", "c"]
    assert sweeps.run() == []


def test_what_is_not_due_waits() -> None:
    sweeps = Sweeps()
    sweeps.queues.put("later", late_s=-1)
    assert sweeps.run() == []
    sweeps.queues.put("now")
    assert sweeps.run() == ["now"]
    assert [row.body for row in sweeps.queues.waiting_rows] == ["later"]


def test_each_task_goes_into_its_own_queue() -> None:
    sweeps = Sweeps()
    for number, queue in enumerate((SUBMIT, RECEIPT, SUBMIT)):
        sweeps.queues.put(str(number), late_s=-number / 1000, queue=queue)
    sweeps.service = replace(sweeps.service, clock=lambda: NOW + 1)
    assert sorted(sweeps.run()) == ["0", "1", "2"]
    queues = {message.body: message.queue for message in sweeps.queues.waiting}
    assert queues == {"0": SUBMIT, "1": RECEIPT, "2": SUBMIT}


def test_more_than_a_page_is_enqueued_page_by_page() -> None:
    sweeps = Sweeps()
    sweeps.queues.page = 2
    for number in range(5):
        sweeps.queues.put(str(number), late_s=9 - number)
    assert sweeps.run() == ["0", "1", "2", "3", "4"]
    assert sweeps.queues.faults.calls.count("move") == 3


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=30),
    page=st.integers(1, 7),
)
def test_a_task_that_its_queue_does_not_take_keeps_no_other_waiting(
    rows: list[tuple[int, bool]], page: int
) -> None:
    """Each row is (shard, whether its queue accepts it); refused rows stay in the table."""
    sweeps = Sweeps()
    sweeps.queues.page = page
    for number, (shard, taken) in enumerate(rows):
        sweeps.queues.put(str(number), shard, late_s=99 - number)
        if not taken:
            sweeps.queues.refused.add(str(number))
    refused = sorted(sweeps.queues.refused)
    good = [str(number) for number, (_, taken) in enumerate(rows) if taken]
    assert sorted(sweeps.run()) == sorted(good)
    assert sorted(row.body for row in sweeps.queues.waiting_rows) == refused
    counts = sum((Counter(event.counts) for event in sweeps.log_events), Counter[str]())
    assert (counts["enqueued"], counts["put_off"]) == (len(good), len(refused))
    assert sweeps.run() == []
    # It becomes due again at a time that no cursor has reached.
    later_s = NOW + PUT_OFF_S
    sweeps.queues.clock = lambda: later_s
    sweeps.service = replace(sweeps.service, clock=lambda: later_s + 1)
    sweeps.queues.refused.clear()
    assert sorted(sweeps.run()) == refused


def test_a_task_that_can_be_put_off_nowhere_holds_its_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps = Sweeps()
    sweeps.queues.put("bad", late_s=2)
    sweeps.queues.put("other", shard=1)
    sweeps.queues.refused = {"bad"}

    def fail(*_: object) -> None:
        raise StoreUnavailable("ThrottlingException")

    monkeypatch.setattr(sweeps.queues, "schedule", fail)
    with pytest.raises(StoreUnavailable):
        sweeps.run()
    assert [row.body for row in sweeps.queues.waiting_rows] == ["bad"]
    monkeypatch.undo()
    sweeps.queues.refused.clear()
    assert sweeps.run() == ["bad"]


def test_what_is_put_off_is_told_by_its_row() -> None:
    sweeps = Sweeps()
    sweeps.queues.put("bad")
    sweeps.queues.refused = {"bad"}
    (row,) = sweeps.queues.waiting_rows
    sweeps.run()
    about = {"row": row.sort_key, "queue": SUBMIT}
    assert sweeps.log_events[0] == LogEvent("task put off", about, {"put_off": 1})


def test_what_is_put_off_is_put_beyond_a_queues_delay() -> None:
    """No row may be put nearer to a cursor, and a delayed message would be refused again."""
    assert PUT_OFF_S > DELAY_LIMIT_S


def test_a_shard_that_fails_keeps_no_other_waiting() -> None:
    sweeps = Sweeps()
    sweeps.queues.put("first", shard=0, queue=RECEIPT)
    sweeps.queues.put("second", shard=1)
    sweeps.queues.failing = {RECEIPT}
    with pytest.raises(StoreUnavailable, match="RequestThrottled"):
        sweeps.run()
    assert [message.body for message in sweeps.queues.waiting] == ["second"]
    assert [event.counts for event in sweeps.log_events] == [{"enqueued": 1}]
    sweeps.queues.failing.clear()
    assert sweeps.run() == ["first"]


def test_a_row_that_cannot_be_read_keeps_no_other_shard_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row of a queue that only another version knows: its shard waits, and the run fails."""
    sweeps = Sweeps()
    sweeps.queues.page = 1
    for number in range(3 * SHARDS):
        sweeps.queues.put(str(number), number % SHARDS)
    due = sweeps.queues.due

    def read(shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        if shard == 5:
            QueueName("fax")
        yield from due(shard, after, now_ms)

    monkeypatch.setattr(sweeps.queues, "due", read)
    with pytest.raises(ValueError, match="fax"):
        sweeps.run()
    enqueued = {message.body for message in sweeps.queues.waiting}
    assert enqueued == {str(number) for number in range(3 * SHARDS) if number % SHARDS != 5}


def test_what_was_enqueued_comes_again_where_the_cursor_could_not_be_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps = Sweeps()
    sweeps.queues.put("a")

    def fail(shard: int, reached: str) -> bool:
        raise StoreUnavailable("ThrottlingException")

    monkeypatch.setattr(sweeps.queues, "move", fail)
    with pytest.raises(StoreUnavailable):
        sweeps.run()
    monkeypatch.undo()
    assert sweeps.run() == ["a"]


def test_of_two_runs_the_one_behind_leaves_the_shard_to_the_other() -> None:
    """The second begins and ends while the first is enqueuing its first page."""
    sweeps = Sweeps()
    sweeps.queues.page = 2
    for number in range(5):
        sweeps.queues.put(str(number), late_s=9 - number)
    calls = count()

    def meanwhile(_: int, name: str) -> None:
        if name.startswith("send") and next(calls) == 0:
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(sweeps.run).result()

    sweeps.queues.faults.on_call = meanwhile
    assert sweeps.run() == ["0", "1", "2", "3", "4", "0", "1"]
    assert sweeps.run() == []


def test_a_cursor_never_goes_back() -> None:
    sweeps = Sweeps()
    sweeps.queues.put("b", late_s=1)
    sweeps.run()
    (reached,) = sweeps.queues.reached.values()
    assert not sweeps.queues.move(0, "0")
    assert list(sweeps.queues.reached.values()) == [reached]


def test_near_its_deadline_it_begins_no_page() -> None:
    sweeps = Sweeps()
    for shard in range(SHARDS):
        sweeps.queues.put(str(shard), shard)
    remaining_s = chain(repeat(50.0, 3), repeat(4.9))
    assert asyncio.run(sweeps.service.sweep(Deadline(lambda: next(remaining_s)))) == 2
    assert len(sweeps.run()) == SHARDS - 2


@given(pages=st.integers(1, 3 * SHARDS), minute=st.integers(0, SHARDS - 1))
def test_no_shard_is_further_on_than_another_by_more_than_a_page(pages: int, minute: int) -> None:
    """A run has time for `pages` pages of a backlog; each minute another shard is first."""
    sweeps = Sweeps()
    sweeps.queues.page = 2
    for shard in range(SHARDS):
        for number in range(6):
            sweeps.queues.put(f"{shard}", shard, late_s=9 - number)
    now = NOW + 60 * minute
    sweeps.queues.clock = lambda: now
    sweeps.service = replace(sweeps.service, clock=lambda: now)
    remaining_s = chain(repeat(50.0, 1 + pages), repeat(4.9))
    asyncio.run(sweeps.service.sweep(Deadline(lambda: next(remaining_s))))
    bodies = [message.body for message in sweeps.queues.waiting]
    assert bodies[0] == str(int(now // 60) % SHARDS)
    reached = Counter(bodies)
    taken = [reached[str(shard)] for shard in range(SHARDS)]
    assert sum(taken) == 2 * pages
    assert max(taken) - min(taken) <= 2


def test_it_says_how_late_the_oldest_task_was() -> None:
    sweeps = Sweeps()
    for shard, late_s in enumerate((30, 90, 60)):
        sweeps.queues.put(str(shard), shard, late_s)
    sweeps.run()
    sweeps.run()
    first, second = sweeps.log_events
    assert first == LogEvent("swept", {}, {"enqueued": 3}, {"sweep_delay": 90.0})
    assert second == LogEvent("swept", {}, {"enqueued": 0})
