"""An account's suppressions in memory."""

from collections.abc import Sequence

from harkara.suppressions import Source, Suppression
from tests.fakes import Faults


class FakeSuppressionList:
    """Entries by account, number and source, and when each was changed last."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.standing: dict[tuple[str, str, Source], Suppression] = {}
        self.changed_at_s: dict[tuple[str, str, Source], int] = {}

    def entries(self, account_id: str, numbers: Sequence[str]) -> list[Suppression]:
        self.faults.before("entries")
        return [
            entry
            for (account, number, _), entry in self.standing.items()
            if account == account_id and number in numbers
        ]

    def find(self, account_id: str, after: str = "", limit: int | None = None) -> list[Suppression]:
        found = {number for account, number, _ in self.standing if account == account_id}
        return self.entries(account_id, sorted(each for each in found if each > after)[:limit])

    def put(self, account_id: str, entry: Suppression) -> bool:
        number = self.faults.before("put suppression")
        key = (account_id, entry.number, entry.source)
        stands = entry.since_s >= self.changed_at_s.get(key, 0)
        if stands:
            self.standing[key] = entry
            self.changed_at_s[key] = entry.since_s
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
        key = (account_id, number, source)
        before_s = at_s if before_s is None else before_s
        there = key in self.standing and self.changed_at_s[key] < before_s
        if there:
            del self.standing[key]
            self.changed_at_s[key] = at_s
        self.faults.after(call)
        return there
