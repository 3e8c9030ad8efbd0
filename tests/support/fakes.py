"""In-memory ports that behave as DynamoDB and SQS do where it matters, and fail on request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.base.errors import TextAnswer
from harkara.base.json import encode
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Caller, Credential
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.ledger import LedgerEntry, claim_kind
from harkara.model.messages import Endpoint, MessageBatch
from harkara.state.endpoint_health import name_of
from harkara.state.endpoint_health_record import HealthRecord
from harkara.state.stores import Extension, Timeline
from tests.support import policies
from tests.support.dynamo import MESSAGES, Column, Dynamo, LedgerEntries

FIRST_CLAIM = claim_kind(1, 0).removesuffix("0000")


async def no_texts(region: str, request: Mapping[str, Any], timeout_s: float) -> TextAnswer:
    """Refuse to send through AWS, in tests without such a carrier."""
    raise AssertionError("nothing is sent through AWS here")


class ProcessKilled(BaseException):
    """Simulates the death of a function's process. Not an Exception: no handler may catch it."""


@dataclass
class Faults:
    """Counts calls to ports, and kills the process before one of them or after a write."""

    kill_before: set[int] = field(default_factory=set)
    kill_after: set[int] = field(default_factory=set)
    lose_answer: set[int] = field(default_factory=set)
    # Queue entries of these calls: every other one fails at each repetition.
    refuse: set[int] = field(default_factory=set)
    # Seed of AWS's optional behaviour (`tests.support.caprices`).
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
        self.adapter = DynamoMessageStore(self.dynamo, MESSAGES, retention_s, clock, no_pause)
        self.packed = Column(self.table, "batch", "packed", "B")
        self.entries = LedgerEntries(self.table, lambda: self.adapter._ttl(0))
        self.progress_count = 0  # first claims of blocks, plus attempts at callbacks

    @property
    def expires_at_s(self) -> dict[tuple[str, str], int]:
        """When each entry and each message batch expires, in seconds since the epoch."""
        items = self.table.items
        return {key: int(items[key]["ttl"]["N"]) for key in items if "ttl" in items[key]}

    def put_batch(self, batch_id: str, packed: bytes, due_at_ms: int) -> None:
        number = self.faults.before("put_batch")
        self.adapter.put_batch(batch_id, packed, due_at_ms)
        self.faults.after(number)

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        self.faults.before("get_batch")
        # The cache is cleared: each process starts with an empty one.
        self.adapter._batches.clear()
        return self.adapter.get_batch(batch_id)

    def read_messages(
        self, places: Sequence[tuple[str, int]]
    ) -> tuple[Mapping[str, MessageBatch], Sequence[LedgerEntry | None]]:
        self.faults.before("read_messages")
        return self.adapter.read_messages(places)

    def put_if_absent(
        self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        kinds = sorted({entry.kind.partition("#")[0] for entry in entries})
        number = self.faults.before(f"put_if_absent {'+'.join(kinds)}")
        assert len({entry.key for entry in entries}) == len(entries)  # as DynamoDB wants
        self.progress_count += sum(
            entry.kind.startswith((FIRST_CLAIM, "post#")) and self.table.live(entry.key) is None
            for entry in entries
        )
        absent = [entry for entry in entries if self.table.live(entry.key) is None]
        for _ in range(2 if number in self.faults.lose_answer else 1):
            existing = self.adapter.put_if_absent(entries, due_at_ms=due_at_ms, keep_s=keep_s)
        self.entries.know(absent)
        self.faults.after(number)
        return existing

    def put_over(self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0) -> None:
        kinds = sorted({entry.kind for entry in entries})
        number = self.faults.before(f"put_over {'+'.join(kinds)}")
        self.adapter.put_over(entries, due_at_ms=due_at_ms)
        self.faults.after(number)

    def get_entries(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[LedgerEntry | None]:
        self.faults.before("get_entries")
        return self.adapter.get_entries(keys, consistent=consistent)

    def find_entries(self, partition: str, kind_prefix: str) -> list[LedgerEntry]:
        self.faults.before("find_entries")
        return self.adapter.find_entries(partition, kind_prefix)


def no_pause(pause_s: float) -> None:
    """Return at once, in the place of a pause."""


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

    def change_account(
        self, account_id: str, change: Callable[[Account], Account]
    ) -> Account | None:
        if account_id not in self.accounts:
            return None
        self.accounts[account_id] = change(self.accounts[account_id])
        return self.accounts[account_id]

    def create_credential(self, credential: Credential) -> bool:
        return self.credentials.setdefault(credential.username, credential) is credential

    def change_credential(
        self, username: str, change: Callable[[Credential], Credential]
    ) -> Credential | None:
        if username not in self.credentials:
            return None
        self.credentials[username] = change(self.credentials[username])
        return self.credentials[username]

    def remove_credential(self, username: str, check: Callable[[Credential], None]) -> bool:
        if username not in self.credentials:
            return False
        check(self.credentials[username])
        del self.credentials[username]
        return True

    def carrier(
        self, name: str, suits: Callable[[CarrierSettings], bool] | None = None
    ) -> CarrierSettings | None:
        return self.carriers.get(name)

    def change_carrier(
        self, name: str, change: Callable[[CarrierSettings], CarrierSettings]
    ) -> CarrierSettings | None:
        if name not in self.carriers:
            return None
        self.carriers[name] = change(self.carriers[name])
        return self.carriers[name]


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

    def timelines(self, names: Sequence[str]) -> Mapping[str, Timeline]:
        self.faults.before("get")
        return {name: self.timeline(name) for name in names if name in self.existing}

    def _put(self, name: str, line: Timeline, expires_at_s: int) -> None:
        policies.check("UpdateItem", {"TableName": MESSAGES, "Key": {"pk": {"S": name}}})
        self.existing[name] = f"{line.until_us} {line.text}".rstrip()
        self.expires_at_s[name] = expires_at_s


def trust(counted: FakeLimitStore, account_id: str, endpoint: Endpoint, now_s: float) -> None:
    """Record a quick acknowledgement by an endpoint at this time, without a call."""
    record = HealthRecord(acked_ms=int(now_s * 1000), quick_ms=int(now_s * 1000))
    counted.existing[name_of(account_id, endpoint)] = encode(record).decode()


def caller_of(account: Account, **fields: Any) -> Caller:
    """Return a caller with all rights on the account; `fields` belong to the credential."""
    return Caller(account, Credential(username="user", account_id=account.id, secrets=(), **fields))


def calling_back(url: str) -> dict[str, Any]:
    """Return the fields of an account whose callbacks go to this URL."""
    return {"default_callback": "main", "callbacks": {"main": CallbackEndpoint(id="main", url=url)}}
