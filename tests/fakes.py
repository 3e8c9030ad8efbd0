"""In-memory ports that behave as DynamoDB and SQS do where it matters, and fail when told to."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from harkara.accounts import Account, Credential
from harkara.aws.inserts import Item
from harkara.aws.messages import item_of
from harkara.aws.queues import SqsTaskQueues
from harkara.callback_settings import CallbackEndpoint, Destination, unregistered
from harkara.carrier_settings import CarrierSettings
from harkara.errors import StoreUnavailable
from harkara.events import Dlr
from harkara.exchanges import TextAnswer
from harkara.jsons import encode
from harkara.marks import Mark, claim_kind
from harkara.messages import Chunk, Endpoint, unpack
from harkara.ports import DueTask, Extension, Timeline
from harkara.posting import PostResult
from harkara.services.authenticate import Caller
from harkara.services.door import Door
from harkara.services.doors import name_of
from harkara.tasks import CallbackTask, QueueName
from tests.limits import ITEM_LIMIT_BYTES, Sqs, is_content, item_bytes, pages, refusal_of_batch

SHARDS = 16
FIRST_CLAIM = claim_kind(1, 0).removesuffix("0000")


async def no_texts(region: str, request: Mapping[str, Any], timeout_s: float) -> TextAnswer:
    """Where no carrier is of AWS."""
    raise AssertionError("nothing is sent through AWS here")


class ProcessKilled(BaseException):
    """The process of a function died here. Not an Exception: nothing may catch it."""


class AnswerLost(Exception):
    """The call was done, and its answer never came."""


@dataclass
class Faults:
    """Counts the calls to the outside and kills the process before or after one of them."""

    kill_before: set[int] = field(default_factory=set)
    kill_after: set[int] = field(default_factory=set)
    lose_answer: set[int] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    on_call: Callable[[int, str], object] = lambda number, name: None

    def before(self, name: str) -> int:
        """Note a call; die if it is the one."""
        number = len(self.calls)
        self.calls.append(name)
        self.on_call(number, name)
        if number in self.kill_before:
            raise ProcessKilled(name)
        return number

    def after(self, number: int) -> None:
        """The call is done; die if it is the one."""
        if number in self.kill_after:
            raise ProcessKilled(self.calls[number])


def check_size(item: Item) -> None:
    """Raise StoreUnavailable for an item that is larger than DynamoDB takes."""
    if item_bytes(item) > ITEM_LIMIT_BYTES:
        raise StoreUnavailable("ValidationException")


class FakeMessageStore:
    """Chunks and marks. A lost answer is repeated, as botocore does: the mark is there already.

    What is older than its time to live is not found, and stays to be looked at.
    """

    def __init__(
        self, faults: Faults, clock: Callable[[], float] = lambda: 0.0, retention_s: int = 10**9
    ) -> None:
        self.faults = faults
        self.clock = clock
        self.retention_s = retention_s
        self.packed: dict[str, bytes] = {}
        self.marks: dict[tuple[str, str], Mark] = {}
        # How many blocks were claimed for their first try, and attempts at callbacks.
        self.progress_count = 0
        self.ends_s: dict[tuple[str, str], float] = {}

    def put_chunk(self, chunk_id: str, packed: bytes, begins_ms: int) -> None:
        number = self.faults.before("put_chunk")
        ttl = {"N": "1767258000"}
        check_size(
            {"pk": {"S": chunk_id}, "sk": {"S": "chunk"}, "packed": {"B": packed}, "ttl": ttl}
        )
        self.packed.setdefault(chunk_id, packed)
        self.ends_s[chunk_id, "chunk"] = self._end_s(begins_ms)
        self.faults.after(number)

    def get_chunk(self, chunk_id: str) -> Chunk | None:
        self.faults.before("get_chunk")
        packed = self.packed.get(chunk_id) if self._lives((chunk_id, "chunk")) else None
        return unpack(chunk_id, packed) if packed else None

    def put_once(
        self, marks: Sequence[Mark], *, begins_ms: int = 0, keep_s: int | None = None
    ) -> list[Mark]:
        kinds = sorted({mark.kind.partition("#")[0] for mark in marks})
        number = self.faults.before(f"put_once {'+'.join(kinds)}")
        assert len({mark.key for mark in marks}) == len(marks), "keys in one call are distinct"
        for mark in marks:
            check_size(item_of(mark, {"N": "1767258000"}))
        rounds = 2 if number in self.faults.lose_answer else 1
        for _ in range(rounds):
            for mark in marks:
                if mark.key not in self.marks or not self._lives(mark.key):
                    self.marks[mark.key] = mark
                    self.progress_count += mark.kind.startswith((FIRST_CLAIM, "post#"))
                    self.ends_s[mark.key] = self._end_s(begins_ms, keep_s)
        self.faults.after(number)
        return [self.marks[mark.key] for mark in marks]

    def get_marks(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[Mark | None]:
        self.faults.before("get_marks")
        return [self.marks.get(key) if self._lives(key) else None for key in keys]

    def find_marks(self, partition: str, kind_prefix: str) -> list[Mark]:
        self.faults.before("find_marks")
        return [
            mark
            for (pk, kind), mark in sorted(self.marks.items())
            if pk == partition and kind.startswith(kind_prefix) and self._lives((pk, kind))
        ]

    def _lives(self, key: tuple[str, str]) -> bool:
        return self.clock() <= self.ends_s.get(key, math.inf)

    def _end_s(self, begins_ms: int, keep_s: int | None = None) -> float:
        from_s = max(self.clock(), begins_ms / 1000)
        return from_s + (self.retention_s if keep_s is None else keep_s)


@dataclass(eq=False)
class QueueMessage:
    """A message in a queue: its id is its owner's name, the same at every delivery.

    `lineage` says how often each function was invoked in a row for it to be there.
    """

    id: str
    queue: QueueName
    body: str
    visible_at: float
    receive_count: int = 0
    lineage: Mapping[str, int] = field(default_factory=dict)


LINEAGE: ContextVar[Callable[[], Mapping[str, int]]] = ContextVar("lineage", default=dict)
"""Of the message that this task handles: what it sends meanwhile has it too."""


class FakeTaskQueues:
    """Queues with delays, and the Due table behind them: the real adapter over SQS in memory."""

    page = 100

    def __init__(self, faults: Faults, clock: Callable[[], float]) -> None:
        self.faults = faults
        self.clock = clock
        self.waiting: list[QueueMessage] = []
        self.rows: list[tuple[int, DueTask]] = []
        self.reached: dict[int, str] = {}
        self._sent = 0
        self._sqs = SqsTaskQueues(Sqs(self._take), {queue: queue for queue in QueueName})

    def send(self, queue: QueueName, bodies: Sequence[str], group: str = "") -> list[bool]:
        number = self.faults.before(f"send {queue}")
        # A lost answer makes SQS take the bodies twice: its sender repeats the call.
        for _ in range(2 if number in self.faults.lose_answer else 1):
            sent = self._sqs.send(queue, bodies, group)
        self.faults.after(number)
        return sent

    def _take(self, queue: str, entry: Mapping[str, Any]) -> None:
        self.add(QueueName(queue), entry["MessageBody"], self.clock())

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        number = self.faults.before(f"schedule {queue}")
        if delay_s > 900:
            check_size(_item_of(DueTask(f"{0:013d}#{0:016x}", 0, queue, body)))
        elif refusal_of_batch([{"Id": "0", "MessageBody": body}]) or not is_content(body):
            raise StoreUnavailable(f"the {queue} queue did not take a task")
        for _ in range(2 if number in self.faults.lose_answer else 1):
            if delay_s > 900:
                self._sent += 1
                due_ms = int((self.clock() + delay_s) * 1000)
                row = DueTask(f"{due_ms:013d}#{self._sent:06d}", due_ms, queue, body)
                self.rows.append((self._sent % SHARDS, row))
            else:
                self.add(queue, body, self.clock() + delay_s)
        self.faults.after(number)

    def cursors(self) -> Mapping[int, str]:
        self.faults.before("cursors")
        return dict(self.reached)

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        tasks = sorted(
            task
            for each, task in self.rows
            if each == shard and task.sort_key > after and task.due_ms <= now_ms
        )
        yield from pages(tasks, lambda task: item_bytes(_item_of(task)), self.page)

    def move(self, shard: int, reached: str) -> bool:
        number = self.faults.before("move")
        if self.reached.get(shard, "") > reached:
            return False
        self.reached[shard] = reached
        self.faults.after(number)
        return True

    @property
    def waiting_rows(self) -> list[DueTask]:
        """The rows that no cursor has passed."""
        return [task for shard, task in self.rows if task.sort_key > self.reached.get(shard, "")]

    def add(self, queue: QueueName, body: str, visible_at: float) -> None:
        """Let a message be in a queue, without a call."""
        self._sent += 1
        self.waiting.append(
            QueueMessage(f"q{self._sent}", queue, body, visible_at, lineage=LINEAGE.get()())
        )


def _item_of(task: DueTask) -> Item:
    row = {"pk": "shard#00", "sk": task.sort_key, "queue": task.queue, "body": task.body}
    return {**{name: {"S": value} for name, value in row.items()}, "ttl": {"N": "1767258000"}}


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
    """What is counted against limits."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.standing: dict[str, str] = {}
        self.expires_at_s: dict[str, int] = {}

    def get(self, name: str) -> str:
        self.faults.before("get")
        return self.standing.get(name, "")

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        number = self.faults.before("swap")
        standing = self.standing.get(name, "")
        if standing != seen:
            return standing
        self.standing[name] = new
        self.expires_at_s[name] = expires_at_s
        self.faults.after(number)
        # Repeated after a lost answer, it finds what it wrote itself.
        return new if number in self.faults.lose_answer else None

    def extend(self, name: str, by: Extension, expires_at_s: int) -> tuple[int | None, Timeline]:
        number = self.faults.before("swap")
        for _ in range(1 + (number in self.faults.lose_answer)):  # it adds again where it is lost
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

    def swap_timeline(
        self, name: str, seen: Timeline, new: Timeline, expires_at_s: int
    ) -> Timeline | None:
        number = self.faults.before("swap")
        line = self.timeline(name)
        same_time = new.until_us == seen.until_us
        if line.text != seen.text or not (same_time or line.until_us == seen.until_us):
            return line
        line = new._replace(until_us=line.until_us) if same_time else new
        self._put(name, line, expires_at_s)
        self.faults.after(number)
        return line if number in self.faults.lose_answer else None

    def timeline(self, name: str) -> Timeline:
        """Return a time line; it stands as its time and its text."""
        until, _, text = self.standing.get(name, "0").partition(" ")
        return Timeline(int(until), text)

    def _put(self, name: str, line: Timeline, expires_at_s: int) -> None:
        self.standing[name] = f"{line.until_us} {line.text}".rstrip()
        self.expires_at_s[name] = expires_at_s


def trust(counted: FakeLimitStore, account_id: str, endpoint: Endpoint, now_s: float) -> None:
    """Let an endpoint have acknowledged a callback at this time, quickly, without a call."""
    door = Door(acked_ms=int(now_s * 1000), quick_ms=int(now_s * 1000))
    counted.standing[name_of(account_id, endpoint)] = encode(door).decode()


@dataclass
class FakeLastMessages:
    """Which message each number got last; `puts` has how many each call noted."""

    faults: Faults
    mids: dict[tuple[str, str], str] = field(default_factory=dict)
    puts: list[int] = field(default_factory=list)

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        call = self.faults.before("put last")
        self.puts.append(len(mids))
        self.mids |= {(account_id, number): mid for number, mid in mids.items()}
        self.faults.after(call)

    def find(self, account_id: str, number: str) -> str:
        self.faults.before("find last")
        return self.mids.get((account_id, number), "")


@dataclass
class FakeDestinations:
    """Where callbacks go: those that are set by id, else what the endpoint itself says."""

    by_id: dict[str, Destination | None] = field(default_factory=dict)

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        return self.by_id.get(endpoint.callback_id, unregistered(endpoint))


@dataclass
class FakePlatform:
    """Takes callbacks, or answers as scripted first: with a status, or a whole result."""

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
        """What it took of final states, in order."""
        return [each for task in self.taken for each in task.members if isinstance(each, Dlr)]


def caller_of(account: Account, **fields: Any) -> Caller:
    """Return somebody who may do all in the account's name; `fields` are of the credential."""
    return Caller(account, Credential(username="user", account_id=account.id, secrets=(), **fields))


def calling_back(url: str) -> dict[str, Any]:
    """Return the fields of an account that is called back at this URL."""
    return {
        "default_callback": "main",
        "callbacks": {"main": CallbackEndpoint(id="main", url=url)},
    }
