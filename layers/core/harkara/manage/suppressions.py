"""Suppressions: looked up before a message is submitted, and changed by their account's owner."""

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
    """Entries; what follows is read `after` the number `next_number`, if given."""

    entries: list[Suppression]
    next_number: str | None


@dataclass(frozen=True, slots=True)
class SuppressionService:
    """What an account does with its lists.

    Its methods raise RequestRefused (INVALID_REQUEST names the field) and StoreUnavailable.
    """

    lists: SuppressionList
    clock: Clock

    def page(self, account: Account, after: str, limit: int) -> Page:
        """Return the entries of up to `limit` numbers."""
        found = self.lists.find(account.id, after, limit + 1)
        numbers = list(dict.fromkeys(entry.number for entry in found))
        more = len(numbers) > limit
        shown = [entry for entry in found if entry.number in numbers[:limit]]
        return Page(shown, numbers[limit - 1] if more else None)

    def check(self, account: Account, number: str) -> list[Suppression]:
        """Return a number's entries; NOT_FOUND where it has none."""
        found = self.lists.entries(account.id, [_number(number)])
        if not found:
            raise RequestRefused(Code.NOT_FOUND)
        return found

    def add(self, account: Account, fields: Mapping[str, Any]) -> Suppression:
        """Put in an entry made of these fields, in place of the number's of the same source.

        INVALID_REQUEST too where a later change than its `since` stands.
        """
        try:
            entry = suppression_of(fields, int(self.clock()))
        except FieldRefused as error:
            raise _refusal(error) from error
        if not self.lists.put(account.id, entry):
            raise _refusal(FieldRefused("since", "a later change of this number stands"))
        return entry

    def remove(self, account: Account, number: str, sources: Sequence[Source]) -> None:
        """Take a number's entries of these sources out; NOT_FOUND where there is none."""
        msisdn, now_s = _number(number), int(self.clock())
        # What was put in this second goes too, and who asks to stop later in it is out again.
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
