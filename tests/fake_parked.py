"""Dead letters of callbacks: the real adapter on a table in memory."""

from collections.abc import Sequence

from harkara.aws.dead_letters import DynamoParkedStore
from harkara.model.ledger import Mark
from tests.dynamo import MESSAGES
from tests.fakes import FakeMessageStore


class FakeParkedStore:
    """The dead letters in a store of ledger entries."""

    def __init__(self, store: FakeMessageStore) -> None:
        self.store = store
        self._parked = DynamoParkedStore(
            store.dynamo, MESSAGES, store.adapter, store.adapter._clock, lambda pause_s: None
        )

    def find(self, partition: str, after: str, before: str, limit: int) -> list[Mark]:
        self.store.faults.before("find parked")
        return self._parked.find(partition, after, before, limit)

    def get_marks(self, keys: Sequence[tuple[str, str]]) -> list[Mark | None]:
        return self.store.get_marks(keys)

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        number = self.store.faults.before("remove parked")
        self._parked.remove(keys)
        self.store.faults.after(number)
