"""Look up and change an account's suppressions, which block messages to a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Clock
from harkara.model.accounts import Account
from harkara.model.suppressions import Source, Suppression, number_of, suppression_of
from harkara.ports import SuppressionList


class Page(NamedTuple):
    """A page of entries; if `next_number` is given, more follow `after` it."""

    entries: list[Suppression]
    next_number: str | None


@dataclass(frozen=True, slots=True)
class SuppressionService:
    """Reads and changes an account's suppressions.

    Its methods raise RequestRefused (INVALID_REQUEST names the field) and StoreUnavailable.
    """

    lists: SuppressionList
    clock: Clock

    def page(self, account: Account, after: str, limit: int) -> Page:
        """Return the entries of up to `limit` numbers."""
        found = self.lists.find(account.id, after, limit + 1)
        numbers = list(dict.fromkeys(entry.number for entry in found))
        more = len(numbers) > limit
        visible = [entry for entry in found if entry.number in numbers[:limit]]
        return Page(visible, numbers[limit - 1] if more else None)

    def check(self, account: Account, number: str) -> list[Suppression]:
        """Return a number's entries. Raises NOT_FOUND if it has none."""
        found = self.lists.entries(account.id, [_number(number)])
        if not found:
            raise RequestRefused(Code.NOT_FOUND)
        return found

    def add(self, account: Account, fields: Mapping[str, Any]) -> Suppression:
        """Add an entry made of these fields, replacing the number's entry of the same source.

        Raises INVALID_REQUEST also if a change later than its `since` is stored.
        """
        try:
            entry = suppression_of(fields, int(self.clock()))
        except FieldRefused as error:
            raise _refusal(error) from error
        if not self.lists.put(account.id, entry):
            raise _refusal(FieldRefused("since", "a later change of this number stands"))
        return entry

    def remove(self, account: Account, number: str, sources: Sequence[Source]) -> None:
        """Remove a number's entries of these sources. Raises NOT_FOUND if there are none."""
        msisdn, now_s = _number(number), int(self.clock())
        # Entries of this second are removed too; an opt-out later in the same second counts again.
        removed = [
            self.lists.remove(account.id, msisdn, each, now_s, before_s=now_s + 1)
            for each in sources
        ]
        if not any(removed):
            raise RequestRefused(Code.NOT_FOUND)


def _number(text: str) -> str:
    try:
        return number_of(text)
    except FieldRefused as error:
        raise _refusal(error) from error


def _refusal(error: FieldRefused) -> RequestRefused:
    return RequestRefused(Code.INVALID_REQUEST, f"({error})")
