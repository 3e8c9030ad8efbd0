"""Parked callbacks in memory, among the marks."""

from collections.abc import Sequence

from harkara.marks import Mark
from tests.fakes import FakeMessageStore


class FakeParkedStore:
    """The parked rows of a store of marks."""

    def __init__(self, store: FakeMessageStore) -> None:
        self.store = store

    def find(self, partition: str, after: str, before: str, limit: int) -> list[Mark]:
        rows = self.store.find_marks(partition, "")
        return [row for row in rows if after < row.kind <= before][:limit]

    def get_marks(self, keys: Sequence[tuple[str, str]]) -> list[Mark | None]:
        return self.store.get_marks(keys)

    def remove(self, keys: Sequence[tuple[str, str]]) -> None:
        number = self.store.faults.before("remove parked")
        for key in keys:
            self.store.marks.pop(key, None)
        self.store.faults.after(number)
