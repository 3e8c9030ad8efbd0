"""Dead letters of callbacks: the real adapter on a table in memory."""

from collections.abc import Sequence

from harkara.aws.messages import DynamoDeadLetterStore
from harkara.model.ledger import LedgerEntry
from tests.support.dynamo import MESSAGES
from tests.support.fakes import FakeMessageStore


class FakeDeadLetterStore:
    """The dead letters in a store of ledger entries."""

    def __init__(self, store: FakeMessageStore) -> None:
        self.store = store
        self._parked = DynamoDeadLetterStore(
            store.dynamo, MESSAGES, store.adapter, store.adapter._clock, lambda pause_s: None
        )

    def find(self, partition: str, after: str, before: str, limit: int) -> list[LedgerEntry]:
        self.store.faults.before("find parked")
        return self._parked.find(partition, after, before, limit)

    def get_entries(self, keys: Sequence[tuple[str, str]]) -> list[LedgerEntry | None]:
        return self.store.get_entries(keys)

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        number = self.store.faults.before("remove parked")
        self._parked.remove(keys)
        self.store.faults.after(number)
