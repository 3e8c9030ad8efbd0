"""An export holds each message once and ends once, wherever a process dies and whoever repeats."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harkara.activity import export_steps, search
from harkara.activity.cursors import Cursor, Cursors
from harkara.activity.export_steps import COLUMNS, ExportWorker, cells_of
from harkara.activity.exports import ExportService, ExportState, decode_task
from harkara.activity.filters import ExportFilter
from harkara.activity.index import Digests
from harkara.activity.search import SearchService
from harkara.aws.activity import DynamoActivityStore
from harkara.aws.exports import DynamoExportStore
from harkara.aws.messages import DynamoMessageStore
from harkara.base.errors import LeaseHeld, StoreUnavailable
from harkara.base.time import utc_text
from harkara.model.tasks import QueueName
from tests.pipeline import campaign
from tests.pipeline.counting import RETENTION_S, Counted, Faulty
from tests.support.bucket import Bucket, new_files
from tests.support.dynamo import ACTIVITY, MESSAGES
from tests.support.fakes import Faults, ProcessKilled, no_pause
from tests.support.policies import as_function
from tests.support.streams import Stream
from tests.support.wired import ACCOUNT, NOW
from tests.support.world import World

PART_LEAST_BYTES = 2_000
PART_BYTES = 4_000
SIZES = (1, 7, 20, 1, 3, 15, 20, 2, 12, 18, 20, 20)
SINCE = utc_text(int(NOW * 1000))


@pytest.fixture(scope="module")
def world() -> World:
    """A table with messages of every kind, and their index in many rows."""
    world = World()
    world.trust()
    counted = Counted(world.clock)
    counted.dynamo.tables[ACTIVITY] = world.store.dynamo.tables[ACTIVITY]
    stream = Stream(world.store.table, world.clock)
    for at, number in enumerate(SIZES):
        records = [campaign.record("9001" if at % 2 else "0000") for _ in range(number)]
        world.send([*records, campaign.record("0000")._replace(to="=12")])
        assert counted.count(stream.poll())
        world.now += 1
    world.run()
    return world


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_steps, "PART_BYTES", PART_BYTES)
        patch.setattr(export_steps, "PART_LEAST_BYTES", PART_LEAST_BYTES)
        patch.setattr(search, "WALKED_TOGETHER", 10)
        yield


class Rows(list[list[str]]):
    """Rows of a file; a failed example names them in few words."""

    def __repr__(self) -> str:
        return f"{len(self)} rows"


class Export:
    """An export's queue and executions, over the tables of a world and a bucket of its own."""

    def __init__(self, world: World, faults: Faults, pauses: Sequence[bool]) -> None:
        self.faults, self.pauses = faults, [*pauses]
        self.bucket = Bucket(PART_LEAST_BYTES)
        self.world = world
        self.waiting: list[str] = []
        self.sent: list[str] = []
        self.dynamo = world.store.dynamo
        items = self.dynamo.tables[ACTIVITY].items
        for key in [key for key in items if key[0].startswith("exports#")]:
            del items[key]
        self.jobs = DynamoExportStore(self.dynamo, ACTIVITY, world.clock, no_pause)
        service = ExportService(
            self.jobs, new_files(self.bucket), self, world.clock, world.randomness
        )
        self.service = service
        self.id = service.create(ACCOUNT, {"from": SINCE})["id"]

    def worker(self, faults: Faults) -> ExportWorker:
        dynamo: Any = as_function("files", Faulty(self.dynamo, faults))
        bucket: Any = as_function("files", Faulty(self.bucket, faults))
        clock = self.world.clock
        activity = DynamoActivityStore(dynamo, ACTIVITY, RETENTION_S, clock, no_pause)
        messages = DynamoMessageStore(dynamo, MESSAGES, RETENTION_S, clock, no_pause)
        found = SearchService(activity, messages, Digests(b"pepper"), Cursors(b"pepper"), clock)
        jobs = DynamoExportStore(dynamo, ACTIVITY, clock, no_pause)
        return ExportWorker(jobs, new_files(bucket), found, self, clock)

    def send(
        self, queue: QueueName, bodies: Sequence[str], group: str = "", delays_s: Sequence[int] = ()
    ) -> list[bool]:
        assert queue is QueueName.EXPORT
        number = self.faults.before("send")
        self.waiting += bodies
        self.sent += bodies
        self.faults.after(number)
        return [True] * len(bodies)

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        raise AssertionError("nothing of an export waits")

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        raise AssertionError("the handler does that")

    def allows(self, needed_s: float) -> bool:
        return self.pauses.pop() if self.pauses else True

    def deliver(self, body: str, faults: Faults) -> bool:
        """Run one execution; return whether it lived to its end."""
        try:
            self.worker(faults).work(decode_task(body), self)  # type: ignore[arg-type]
        except (LeaseHeld, ProcessKilled, StoreUnavailable):
            return False
        return True

    def run(self) -> None:
        """Deliver what is in the queue until it is empty; what fails comes again."""
        for _ in range(300):
            if not self.waiting:
                return
            body = self.waiting.pop(0)
            if not self.deliver(body, self.faults):
                self.waiting.append(body)
        raise AssertionError("the export does not end")

    def content(self) -> bytes:
        """Return the file that the export's link leads to, which nothing changes any more."""
        shown = self.service.read(ACCOUNT, self.id)
        assert (shown["state"], shown["progress"]) == (ExportState.DONE, 100)
        assert shown["link"]
        content = self.bucket.opened(shown["link"])
        for body in self.sent:
            assert self.deliver(body, Faults())
        assert self.waiting == []
        assert self.service.read(ACCOUNT, self.id) == shown
        assert self.bucket.opened(shown["link"]) == content
        assert shown["messages"] == len(rows_of(content)) - 1
        return content


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def expected(world: World) -> Rows:
    """All messages, walked at once, as rows of a file."""
    worker = Export(world, Faults(), ()).worker(Faults())
    start = Cursor(int(NOW * 1000), int(world.now * 1000), "", -1)
    found = worker.search.walk(ACCOUNT.id, ExportFilter(), start)
    cells = [list(cells_of(each)) for _, messages in found for each in messages]
    neutral = [[f"'{cell}" if cell.startswith("=") else cell for cell in row] for row in cells]
    return Rows([list(COLUMNS), *neutral])


def test_every_message_of_the_table_is_in_the_file(world: World, expected: Rows) -> None:
    export = Export(world, Faults(), ())
    export.run()
    rows = rows_of(export.content())
    batches = world.batches().values()
    mids = sorted(
        "" if message.refusal else batch.mid(index)
        for batch in batches
        for index, message in enumerate(batch.messages)
    )
    assert sorted(row[0] for row in rows[1:]) == mids
    assert len(mids) == sum(SIZES) + len(SIZES)
    assert len(export.sent) > 4, "the file has several parts"
    assert rows == expected


@pytest.fixture(scope="module")
def calls(world: World) -> int:
    export = Export(world, Faults(), [False] * 3)
    export.run()
    return len(export.faults.calls)


def test_a_death_at_every_call_and_a_lost_answer_change_nothing(
    world: World, calls: int, expected: Rows
) -> None:
    """Each call's answer is lost, or the process dies behind it."""
    for number in range(1, calls):
        for faults in (
            Faults(kill_after={number}),
            Faults(lose_answer={number}),
        ):
            export = Export(world, faults, [False] * 3)
            export.run()
            assert rows_of(export.content()) == expected


# The delivery that began the later step dies before it enqueues the next one.
@example(before={3}, after=set(), again={2}, pauses=[])
@settings(max_examples=30, deadline=None)
@given(
    before=st.sets(st.integers(1, 90), max_size=5),
    after=st.sets(st.integers(1, 90), max_size=5),
    again=st.sets(st.integers(1, 90), max_size=3),
    pauses=st.lists(st.booleans(), max_size=30),
)
def test_repeats_and_other_executions_meanwhile_change_nothing(
    before: set[int],
    after: set[int],
    again: set[int],
    pauses: list[bool],
    world: World,
    expected: Rows,
) -> None:
    export = Export(world, Faults(before, after), pauses)

    def meanwhile(number: int, name: str) -> None:
        """Run a second delivery of a task in the midst of the first, which alone comes again."""
        if number in again:
            export.deliver(export.sent[0], Faults())

    export.faults.on_call = meanwhile
    export.run()
    assert rows_of(export.content()) == expected


HELD = ("upload_part", "put_object", "complete_multipart_upload", "update_item")


@pytest.mark.parametrize("whole", [True, False], ids=["to the end", "one step"])
@pytest.mark.parametrize("occurrence", [1, 2])
@pytest.mark.parametrize("held", HELD)
def test_a_process_that_goes_on_after_others_spoils_nothing(
    held: str, occurrence: int, whole: bool, world: World, expected: Rows
) -> None:
    """Its part lies in the upload under a number that the job does not name."""
    # Each step ends early, but those of the others.
    export = Export(world, Faults(), [False] * 8)
    happened: list[str] = []

    def go_on(number: int, name: str) -> None:
        happened.append(name)
        if name != held or happened.count(held) != occurrence:
            return
        own, export.faults, export.pauses = (export.faults, export.pauses), Faults(), []
        if whole:
            export.waiting.append(export.sent[0])
            export.run()
        else:
            assert export.deliver(export.sent[0], export.faults)
        export.faults, export.pauses = own

    export.faults.on_call = go_on
    export.run()
    assert held in happened
    assert rows_of(export.content()) == expected
