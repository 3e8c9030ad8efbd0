"""An account's suppressions in memory."""

from collections.abc import Sequence

from harkara.aws.suppressions import DynamoSuppressionList
from harkara.model.suppressions import Source, Suppression
from tests.support.dynamo import ACCOUNTS, Dynamo
from tests.support.fakes import Faults


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

    def put(self, account_id: str, entry: Suppression) -> bool:
        number = self.faults.before("put suppression")
        stands = self._list.put(account_id, entry)
        self.faults.after(number)
        return stands

    def remove(
        self,
        account_id: str,
        number: str,
        source: Source,
        at_s: int,
        *,
        before_s: int | None = None,
    ) -> bool:
        call = self.faults.before("remove suppression")
        there = self._list.remove(account_id, number, source, at_s, before_s=before_s)
        self.faults.after(call)
        return there
