"""Routing in memory."""

from collections.abc import Iterator, MutableMapping

from harkara.aws.carriers import SORT_KEY, DynamoRoutingStore, partition_of
from harkara.model.routing import Routing, Rules
from tests.support.dynamo import ACCOUNTS, Column, Dynamo
from tests.support.fakes import Faults
from tests.support.tables import Table


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
