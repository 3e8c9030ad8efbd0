"""In-memory ports that behave as DynamoDB and SQS do where it matters, and fail on request."""

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from harkara.aws.due import DynamoDueTable
from harkara.aws.last_messages import DynamoLastMessages
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.base.exchanges import TextAnswer
from harkara.base.ids import ReferenceSigner
from harkara.base.json import encode
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Caller, Credential
from harkara.model.callbacks import CallbackEndpoint, Destination, PostResult, unregistered
from harkara.model.events import Dlr
from harkara.model.ledger import LedgerEntry, claim_kind
from harkara.model.messages import Endpoint, MessageBatch
from harkara.model.tasks import CallbackTask, QueueName
from harkara.ports import DueTask, Extension, Timeline
from harkara.state.endpoint_health import name_of
from harkara.state.endpoint_health_record import HealthRecord
from tests import policies
from tests.dynamo import ALL, DUE, MESSAGES, Column, DueRows, Dynamo, LedgerEntries
from tests.limits import Sqs

QUEUE_IDS = {
    QueueName.SUBMIT: "SubmitQueue",
    QueueName.SUBMIT_PRIORITY: "SubmitPriorityQueue",
    QueueName.RECEIPT: "ReceiptQueue",
    QueueName.CALLBACK: "CallbackQueue",
}
_QUEUES = {url: queue for queue, url in QUEUE_IDS.items()}
FIRST_CLAIM = claim_kind(1, 0).removesuffix("0000")


async def no_texts(region: str, request: Mapping[str, Any], timeout_s: float) -> TextAnswer:
    """Refuse to send through AWS, in tests without such a carrier."""
    raise AssertionError("nothing is sent through AWS here")


class ProcessKilled(BaseException):
    """Simulates the death of a function's process. Not an Exception: no handler may catch it."""


class AnswerLost(Exception):
    """The call was done, but its answer was lost."""


@dataclass
class Faults:
    """Counts calls to ports, and kills the process before one of them or after a write."""

    kill_before: set[int] = field(default_factory=set)
    kill_after: set[int] = field(default_factory=set)
    lose_answer: set[int] = field(default_factory=set)
    # Queue entries of these calls: every other one fails at each repetition.
    refuse: set[int] = field(default_factory=set)
    # Seed of AWS's optional behaviour (`tests.caprices`).
    seed: int = 0
    calls: list[str] = field(default_factory=list)
    # Numbers of those that changed something.
    writes: list[int] = field(default_factory=list)
    on_call: Callable[[int, str], object] = lambda number, name: None

    def before(self, name: str) -> int:
        """Record a call; raise ProcessKilled if the process is to die before it."""
        number = len(self.calls)
        self.calls.append(name)
        self.on_call(number, name)
        if number in self.kill_before:
            raise ProcessKilled(name)
        return number

    def after(self, number: int) -> None:
        """Record a write; raise ProcessKilled if the process is to die after it."""
        self.writes.append(number)
        if number in self.kill_after:
            raise ProcessKilled(self.calls[number])


class FakeMessageStore:
    """Message batches and ledger entries: the real adapter on a table in memory.

    A call whose answer is lost is repeated, as botocore does, and then finds its own entry. Expired
    items are not found, but stay in the table for inspection.
    """

    def __init__(
        self,
        faults: Faults,
        clock: Callable[[], float] = lambda: 0.0,
        retention_s: int = 10**9,
        dynamo: Dynamo | None = None,
    ) -> None:
        self.faults = faults
        self.dynamo = dynamo or Dynamo(clock, faults.seed)
        self.table = self.dynamo.tables[MESSAGES]
        self.adapter = DynamoMessageStore(self.dynamo, MESSAGES, retention_s, clock, _no_pause)
        self.packed = Column(self.table, "batch", "packed", "B")
        self.marks = LedgerEntries(self.table, lambda: self.adapter._ttl(0))
        # Number of blocks claimed for their first attempt, plus attempts at callbacks.
        self.progress_count = 0

    @property
    def ends_s(self) -> dict[tuple[str, str], int]:
        """When each entry and each message batch expires, in seconds since the epoch."""
        items = self.table.items
        return {key: int(items[key]["ttl"]["N"]) for key in items if "ttl" in items[key]}

    def put_batch(self, batch_id: str, packed: bytes, begins_ms: int) -> None:
        number = self.faults.before("put_batch")
        self.adapter.put_batch(batch_id, packed, begins_ms)
        self.faults.after(number)

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        self.faults.before("get_batch")
        # The cache is cleared: each process starts with an empty one.
        self.adapter._batches.clear()
        return self.adapter.get_batch(batch_id)

    def put_if_absent(
        self, marks: Sequence[LedgerEntry], *, begins_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        kinds = sorted({mark.kind.partition("#")[0] for mark in marks})
        number = self.faults.before(f"put_if_absent {'+'.join(kinds)}")
        assert len({mark.key for mark in marks}) == len(marks), "keys in one call are distinct"
        self.progress_count += sum(
            mark.kind.startswith((FIRST_CLAIM, "post#")) and self.table.live(mark.key) is None
            for mark in marks
        )
        absent = [mark for mark in marks if self.table.live(mark.key) is None]
        for _ in range(2 if number in self.faults.lose_answer else 1):
            existing = self.adapter.put_if_absent(marks, begins_ms=begins_ms, keep_s=keep_s)
        self.marks.know(absent)
        self.faults.after(number)
        return existing

    def put_over(self, marks: Sequence[LedgerEntry], *, begins_ms: int = 0) -> None:
        kinds = sorted({mark.kind for mark in marks})
        number = self.faults.before(f"put_over {'+'.join(kinds)}")
        self.adapter.put_over(marks, begins_ms=begins_ms)
        self.faults.after(number)

    def get_entries(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[LedgerEntry | None]:
        self.faults.before("get_entries")
        return self.adapter.get_entries(keys, consistent=consistent)

    def find_entries(self, partition: str, kind_prefix: str) -> list[LedgerEntry]:
        self.faults.before("find_entries")
        return self.adapter.find_entries(partition, kind_prefix)


def _no_pause(pause_s: float) -> None:
    """Return at once, in the place of a pause."""


@dataclass(eq=False)
class QueueMessage:
    """A message in a queue: its id becomes the task id, the same at every delivery.

    `lineage` counts the consecutive invocations of each function that led to this message.
    """

    id: str
    queue: QueueName
    body: str
    visible_at: float
    receive_count: int = 0
    lineage: Mapping[str, int] = field(default_factory=dict)


LINEAGE: ContextVar[Callable[[], Mapping[str, int]]] = ContextVar("lineage", default=dict)
"""The lineage of the message in work in this asyncio task; messages that it sends inherit it."""


class FakeTaskQueues:
    """Queues with delays, and the Due table behind them: the real adapters over AWS in memory."""

    page = ALL

    def __init__(
        self, faults: Faults, clock: Callable[[], float], dynamo: Dynamo | None = None
    ) -> None:
        self.faults = faults
        self.clock = clock
        self.dynamo = dynamo or Dynamo(clock, faults.seed)
        self.waiting: list[QueueMessage] = []
        self.rows = DueRows(self.dynamo.tables[DUE])
        self._sent = 0
        self.put_back_s: list[tuple[str, Sequence[tuple[str, int]]]] = []
        self._due = DynamoDueTable(self.dynamo, DUE, lambda: self.clock(), _no_pause)
        sqs = Sqs(self._take, self._failing)
        self._sqs = SqsTaskQueues(sqs, QUEUE_IDS, self._due, _no_pause)
        self._refused: set[str] | None = None

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        number = self.faults.before(f"send {queue}")
        self._refused = set() if number in self.faults.refuse else None
        # After a lost answer the sender repeats the call, so SQS accepts the bodies twice.
        for _ in range(2 if number in self.faults.lose_answer else 1):
            sent = self._sqs.send(queue, bodies, group, delays_s)
        self.faults.after(number)
        return sent

    def _failing(self, entries: Sequence[Mapping[str, Any]]) -> Container[str]:
        if self._refused is None:
            done = self.dynamo.caprices.done_of(entries)
            return {entry["Id"] for entry in entries[done:]}
        # The same entries fail at each repetition: the first, the third and so on.
        self._refused = self._refused or {entry["Id"] for entry in entries[::2]}
        return self._refused

    def _take(self, url: str, entry: Mapping[str, Any]) -> None:
        delay_s = entry.get("DelaySeconds", 0)
        self.add(_QUEUES[url], entry["MessageBody"], self.clock() + delay_s)

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        number = self.faults.before(f"schedule {queue}")
        self._refused = set() if number in self.faults.refuse else None
        for _ in range(2 if number in self.faults.lose_answer else 1):
            self._sqs.schedule(queue, body, delay_s, group)
        self.faults.after(number)

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        self.put_back_s.append((queue_arn, delays_s))

    def cursors(self) -> Mapping[int, str]:
        self.faults.before("cursors")
        return self._due.cursors()

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        self.dynamo.tables[DUE].page = self.page
        return self._due.due(shard, after, now_ms)

    def move(self, shard: int, reached: str) -> bool:
        number = self.faults.before("move")
        moved = self._due.move(shard, reached)
        self.faults.after(number)
        return moved

    @property
    def reached(self) -> Mapping[int, str]:
        """The shards' cursors, without a call."""
        return self.rows.cursors()

    @property
    def waiting_rows(self) -> list[DueTask]:
        """The rows after their shard's cursor."""
        return [task for _, task in self._waiting()]

    @property
    def waiting_shards(self) -> list[int]:
        """The shards with rows after their cursor."""
        return sorted({shard for shard, _ in self._waiting()})

    def _waiting(self) -> Iterator[tuple[int, DueTask]]:
        reached = self.reached
        return ((at, task) for at, task in self.rows if task.sort_key > reached.get(at, ""))

    def add(self, queue: QueueName, body: str, visible_at: float) -> None:
        """Add a message to a queue, without a call."""
        self._sent += 1
        self.waiting.append(
            QueueMessage(f"q{self._sent}", queue, body, visible_at, lineage=LINEAGE.get()())
        )


@dataclass
class FakeAccountStore:
    """Accounts, credentials and carriers by name."""

    accounts: dict[str, Account] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    carriers: dict[str, CarrierSettings] = field(default_factory=dict)

    def credential(
        self, username: str, suits: Callable[[Credential], bool] | None = None
    ) -> Credential | None:
        return self.credentials.get(username)

    def account(
        self, account_id: str, suits: Callable[[Account], bool] | None = None
    ) -> Account | None:
        return self.accounts.get(account_id)

    def carrier(
        self, name: str, suits: Callable[[CarrierSettings], bool] | None = None
    ) -> CarrierSettings | None:
        return self.carriers.get(name)


class FakeLimitStore:
    """Rate limits: text values through the real adapter, timelines in a fake of their own."""

    def __init__(self, faults: Faults, dynamo: Dynamo | None = None) -> None:
        self.faults = faults
        dynamo = dynamo or Dynamo(seed=faults.seed)
        # DynamoDB serialises the writes of an item.
        self._writing = Lock()
        self._store = DynamoLimitStore(dynamo, MESSAGES)
        self.existing = Column(dynamo.tables[MESSAGES], "rate", "data", "S")
        self.expires_at_s = Column(dynamo.tables[MESSAGES], "rate", "ttl", "N")

    def get(self, name: str, *, consistent: bool = False) -> str:
        self.faults.before("get")
        return self._store.get(name, consistent=consistent)

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        number = self.faults.before("swap")
        existing = self._store.swap(name, seen, new, expires_at_s)
        if existing is not None:
            return existing
        self.faults.after(number)
        # A call repeated after a lost answer finds its own write.
        return new if number in self.faults.lose_answer else None

    def extend(self, name: str, by: Extension, expires_at_s: int) -> tuple[int | None, Timeline]:
        number = self.faults.before("swap")
        for _ in range(1 + (number in self.faults.lose_answer)):  # a lost answer adds twice
            with self._writing:
                line = self.timeline(name)
                if line.until_us > by.limit_us:
                    return None, line
                idle = line.until_us < by.now_us
                begins_us = by.now_us if idle else line.until_us
                width_us = by.idle_width_us if idle else by.width_us
                line = line._replace(until_us=begins_us + width_us)
                self._put(name, line, expires_at_s)
        self.faults.after(number)
        return begins_us, line

    def extend_all(
        self, name: str, lines: Mapping[str, Extension], expires_at_s: int
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        number = self.faults.before("swap")
        for _ in range(1 + (number in self.faults.lose_answer)):  # a lost answer adds twice
            with self._writing:
                answer = self._store.extend_all(name, lines, expires_at_s)
        self.faults.after(number)
        return answer

    def swap_timeline(
        self, name: str, seen: Timeline, new: Timeline, expires_at_s: int
    ) -> Timeline | None:
        number = self.faults.before("swap")
        with self._writing:
            line = self.timeline(name)
            same_time = new.until_us == seen.until_us
            if line.text != seen.text or not (same_time or line.until_us == seen.until_us):
                return line
            line = new._replace(until_us=line.until_us) if same_time else new
            self._put(name, line, expires_at_s)
        self.faults.after(number)
        return line if number in self.faults.lose_answer else None

    def timeline(self, name: str) -> Timeline:
        """Return a timeline, which is stored as its time and its text."""
        until, _, text = self.existing.get(name, "0").partition(" ")
        return Timeline(int(until), text)

    def _put(self, name: str, line: Timeline, expires_at_s: int) -> None:
        policies.check("UpdateItem", {"TableName": MESSAGES, "Key": {"pk": {"S": name}}})
        self.existing[name] = f"{line.until_us} {line.text}".rstrip()
        self.expires_at_s[name] = expires_at_s


def trust(counted: FakeLimitStore, account_id: str, endpoint: Endpoint, now_s: float) -> None:
    """Record a quick acknowledgement by an endpoint at this time, without a call."""
    door = HealthRecord(acked_ms=int(now_s * 1000), quick_ms=int(now_s * 1000))
    counted.existing[name_of(account_id, endpoint)] = encode(door).decode()


class FakeLastMessages:
    """The last message to each number: the real adapter on a table in memory.

    `puts` has the number of messages recorded by each call, `mids` the message ids of all calls.
    """

    def __init__(
        self,
        faults: Faults,
        clock: Callable[[], float] = lambda: 0.0,
        retention_s: int = 10**9,
        dynamo: Dynamo | None = None,
    ) -> None:
        self.faults = faults
        self._last = DynamoLastMessages(
            dynamo or Dynamo(clock, faults.seed),
            MESSAGES,
            ReferenceSigner(b""),
            retention_s,
            clock,
            _no_pause,
        )
        self.puts: list[int] = []
        self.mids: dict[tuple[str, str], str] = {}

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        call = self.faults.before("put last")
        self.puts.append(len(mids))
        self.mids |= {(account_id, number): mid for number, mid in mids.items()}
        self._last.put(account_id, mids)
        self.faults.after(call)

    def find(self, account_id: str, number: str) -> str:
        self.faults.before("find last")
        return self._last.find(account_id, number)


@dataclass
class FakeDestinations:
    """Destinations of callbacks: those set by id, else the endpoint's own URL."""

    by_id: dict[str, Destination | None] = field(default_factory=dict)

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        return self.by_id.get(endpoint.callback_id, unregistered(endpoint))


@dataclass
class FakePlatform:
    """A platform that accepts callbacks after its scripted answers: statuses or whole results."""

    faults: Faults
    timeout_s: float = 10.0
    script: list[int | PostResult] = field(default_factory=list)
    taken: list[CallbackTask] = field(default_factory=list)
    posts: list[tuple[str, int, int]] = field(default_factory=list)
    within_s: list[float] = field(default_factory=list)

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        self.within_s.append(within_s)
        number = self.faults.before("post")
        result = self.script.pop(0) if self.script else 200
        if isinstance(result, int):
            result = PostResult(result, f"HTTP {result}")
        self.posts.append((callback.webhook_id, callback.attempt, result.status))
        if result.acknowledged:
            self.taken.append(callback)
        self.faults.after(number)
        return result

    @property
    def dlrs(self) -> list[Dlr]:
        """The final states that the platform acknowledged, in order."""
        return [each for task in self.taken for each in task.members if isinstance(each, Dlr)]


def caller_of(account: Account, **fields: Any) -> Caller:
    """Return a caller with all rights on the account; `fields` belong to the credential."""
    return Caller(account, Credential(username="user", account_id=account.id, secrets=(), **fields))


def calling_back(url: str) -> dict[str, Any]:
    """Return the fields of an account whose callbacks go to this URL."""
    return {
        "default_callback": "main",
        "callbacks": {"main": CallbackEndpoint(id="main", url=url)},
    }
