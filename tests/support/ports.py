"""The state that the functions share: tables and queues in memory, under the real adapters."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

from harkara.aws.activity import DynamoActivityStore
from harkara.aws.carriers import SORT_KEY, DynamoRoutingStore, partition_of
from harkara.aws.exports import DynamoExportStore, S3Files
from harkara.aws.messages import DynamoDeadLetterStore, DynamoLastMessages
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.carriers.settings import CarrierSettings
from harkara.model.consents import Consent
from harkara.model.ledger import LedgerEntry
from harkara.model.routing import AccountCarrier, Routing, Rules
from harkara.model.suppressions import Suppression
from tests.support.bucket import Bucket, new_files
from tests.support.dynamo import ACCOUNTS, ACTIVITY, MESSAGES, Column, Dynamo
from tests.support.fakes import (
    FakeAccountStore,
    FakeLimitStore,
    FakeMessageStore,
    Faults,
    no_pause,
)
from tests.support.policies import as_function
from tests.support.queues import FakeTaskQueues
from tests.support.tables import Table


class FakeSuppressionList:
    """Entries by account, number and source: the real adapter on a table in memory."""

    def __init__(self, faults: Faults, dynamo: Dynamo | None = None) -> None:
        self.faults = faults
        self._dynamo = dynamo or Dynamo(seed=faults.seed)
        self._list = DynamoSuppressionList(self._dynamo, ACCOUNTS, lambda _: None)

    def clear(self) -> None:
        """Remove all entries, without a call."""
        items = self._dynamo.tables[ACCOUNTS].items
        for key in [key for key in items if key[0].startswith("blocked#")]:
            del items[key]

    def entries(self, account_id: str, numbers: Sequence[str]) -> list[Suppression]:
        self.faults.before("entries")
        return self._list.entries(account_id, numbers)

    def find(self, account_id: str, after: str = "", limit: int | None = None) -> list[Suppression]:
        self.faults.before("entries")
        return self._list.find(account_id, after, limit)

    def records(
        self, account_id: str, numbers: Sequence[str]
    ) -> tuple[list[Suppression], list[Consent]]:
        self.faults.before("entries")
        return self._list.records(account_id, numbers)

    def find_consents(
        self, account_id: str, after: str = "", limit: int | None = None
    ) -> list[Consent]:
        self.faults.before("entries")
        return self._list.find_consents(account_id, after, limit)

    def put(self, account_id: str, entry: Suppression | Consent) -> bool:
        number = self.faults.before("put suppression")
        stands = self._list.put(account_id, entry)
        self.faults.after(number)
        return stands

    def remove(
        self,
        account_id: str,
        number: str,
        source: str,
        at_s: int,
        *,
        before_s: int | None = None,
    ) -> bool:
        call = self.faults.before("remove suppression")
        there = self._list.remove(account_id, number, source, at_s, before_s=before_s)
        self.faults.after(call)
        return there


class FakeRoutingStore:
    """Routing by account and for all accounts: the real adapter, always with an empty cache."""

    def __init__(self, faults: Faults, dynamo: Dynamo | None = None) -> None:
        self.faults = faults
        self.dynamo = dynamo or Dynamo(seed=faults.seed)
        self.routing = Routings(self.dynamo.tables[ACCOUNTS])

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        self.faults.before("rules")
        return DynamoRoutingStore(self.dynamo, ACCOUNTS).rules(account_id, anew=anew)


class Routings(MutableMapping[str, Routing]):
    """Routing as the operator sets it, without a call."""

    def __init__(self, table: Table) -> None:
        self._data = Column(table, SORT_KEY, "data", "S")

    def __getitem__(self, account_id: str) -> Routing:
        return Routing.model_validate_json(self._data[partition_of(account_id)])

    def __setitem__(self, account_id: str, routing: Routing) -> None:
        self._data[partition_of(account_id)] = routing.model_dump_json()

    def __delitem__(self, account_id: str) -> None:
        del self._data[partition_of(account_id)]

    def __iter__(self) -> Iterator[str]:
        return (partition.removeprefix(partition_of("")) for partition in self._data)

    def __len__(self) -> int:
        return len(self._data)


class FakeSetup:
    """Carriers, accounts and routings, as the operator's store has them."""

    def __init__(self, accounts: FakeAccountStore, routing: FakeRoutingStore) -> None:
        self._accounts = accounts
        self._routing = routing
        self.carrier = accounts.carrier
        self.change_carrier = accounts.change_carrier

    def setup(self) -> tuple[list[CarrierSettings], list[AccountCarrier], dict[str, Routing]]:
        carriers = [each for _, each in sorted(self._accounts.carriers.items())]
        accounts = [
            AccountCarrier(name, each.carrier, each.dead_numbers)
            for name, each in sorted(self._accounts.accounts.items())
        ]
        return carriers, accounts, dict(sorted(self._routing.routing.items()))


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
            no_pause,
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


class FakeDeadLetterStore:
    """The dead letters in a store of ledger entries."""

    def __init__(self, store: FakeMessageStore) -> None:
        self.store = store
        self._dead_letters = DynamoDeadLetterStore(
            store.dynamo, MESSAGES, store.adapter, store.adapter._clock, lambda pause_s: None
        )

    def find(self, partition: str, after: str, before: str, limit: int) -> list[LedgerEntry]:
        self.store.faults.before("find parked")
        return self._dead_letters.find(partition, after, before, limit)

    def get_entries(self, keys: Sequence[tuple[str, str]]) -> list[LedgerEntry | None]:
        return self.store.get_entries(keys)

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        number = self.store.faults.before("remove parked")
        self._dead_letters.remove(keys)
        self.store.faults.after(number)


class FakeFailedRecords:
    """The records of a stream that could not be read: shard, sequence number and reason."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def send(self, shard: str, sequence: str, reason: str) -> None:
        self.sent.append((shard, sequence, reason))


@dataclass(frozen=True)
class Ports:
    """The ports of a function: a call that its policy does not allow fails the test."""

    store: FakeMessageStore
    queues: FakeTaskQueues
    counted: FakeLimitStore
    routing: FakeRoutingStore
    suppressions: FakeSuppressionList
    last: FakeLastMessages
    dead_letters: FakeDeadLetterStore
    activity: DynamoActivityStore
    jobs: DynamoExportStore
    files: S3Files

    def of(self, function: str) -> Self:
        """Return the same ports, called by a function."""
        ports = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(**{name: as_function(function, port) for name, port in ports.items()})


def new_ports(
    faults: Faults,
    clock: Callable[[], float],
    retention_s: int = 10**9,
    bucket: Bucket | None = None,
) -> Ports:
    """Return the ports of an empty deployment; the test itself may make all calls."""
    dynamo = Dynamo(clock, faults.seed)
    store = FakeMessageStore(faults, clock, retention_s, dynamo)
    return Ports(
        store=store,
        queues=FakeTaskQueues(faults, clock, dynamo),
        counted=FakeLimitStore(faults, dynamo),
        routing=FakeRoutingStore(faults, dynamo),
        suppressions=FakeSuppressionList(faults, dynamo),
        last=FakeLastMessages(faults, clock, retention_s, dynamo),
        dead_letters=FakeDeadLetterStore(store),
        activity=DynamoActivityStore(dynamo, ACTIVITY, retention_s, clock, no_pause),
        jobs=DynamoExportStore(dynamo, ACTIVITY, clock, no_pause),
        files=new_files(bucket or Bucket()),
    )
