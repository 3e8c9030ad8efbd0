"""Look up and change an account's lists of numbers: suppressions, and consents past DND."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Clock
from harkara.manage.audit import Actor, refusals
from harkara.model.accounts import Account
from harkara.model.consents import Consent, attribute_of, consent_of, header_of
from harkara.model.people import AuditEntry
from harkara.model.suppressions import Number, Source, Suppression, number_of, suppression_of
from harkara.ports import SuppressionList

_THREADS = 16
N = TypeVar("N", bound=Number)


class NumberPage(NamedTuple, Generic[N]):
    """A page of entries of up to so many numbers; if `next_number` is given, more follow it."""

    entries: list[N]
    next_number: str | None


@dataclass(frozen=True, slots=True)
class SuppressionService:
    """Reads and changes an account's suppressions, which block messages to a number.

    Its methods raise RequestRefused (INVALID_REQUEST names the field) and StoreUnavailable.
    """

    lists: SuppressionList
    clock: Clock

    def page(self, account: Account, after: str, limit: int) -> NumberPage[Suppression]:
        """Return the entries of up to `limit` numbers."""
        return _page(self.lists.find(account.id, after, limit + 1), limit)

    def check(self, account: Account, number: str) -> list[Suppression]:
        """Return a number's entries. Raises NOT_FOUND if it has none."""
        with refusals():
            msisdn = number_of(number)
        found = self.lists.entries(account.id, [msisdn])
        if not found:
            raise RequestRefused(Code.NOT_FOUND)
        return found

    def add(self, account: Account, fields: Mapping[str, Any]) -> Suppression:
        """Add an entry made of these fields, replacing the number's entry of the same source.

        Raises INVALID_REQUEST also if a change later than its `since` is stored.
        """
        with refusals():
            entry = suppression_of(fields, int(self.clock()))
            if not self.lists.put(account.id, entry):
                raise FieldRefused("since", "a later change of this number stands")
        return entry

    def remove(self, account: Account, number: str, sources: Sequence[Source]) -> None:
        """Remove a number's entries of these sources. Raises NOT_FOUND if there are none."""
        with refusals():
            msisdn, now_s = number_of(number), int(self.clock())
        # Entries of this second are removed too; an opt-out later in the same second counts again.
        removed = [
            self.lists.remove(account.id, msisdn, each, now_s, before_s=now_s + 1)
            for each in sources
        ]
        if not any(removed):
            raise RequestRefused(Code.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class ConsentService:
    """Reads and changes an account's consents, which let promotional messages past DND.

    Each change is in the account's audit log. Its methods raise RequestRefused (INVALID_REQUEST
    names the field) and StoreUnavailable.
    """

    lists: SuppressionList
    clock: Clock
    record: Callable[[AuditEntry], None]

    def page(self, account: Account, after: str, limit: int) -> NumberPage[Consent]:
        """Return the consents of up to `limit` numbers."""
        return _page(self.lists.find_consents(account.id, after, limit + 1), limit)

    def check(self, account: Account, number: str) -> list[Consent]:
        """Return a number's consents. Raises NOT_FOUND if it has none."""
        with refusals():
            msisdn = number_of(number)
        _, found = self.lists.records(account.id, [msisdn])
        if not found:
            raise RequestRefused(Code.NOT_FOUND)
        return found

    def add(self, account: Account, fields: Mapping[str, Any], by: Actor) -> Consent:
        """Add a consent made of these fields, replacing the number's consent to the same header.

        Raises INVALID_REQUEST also if a change later than its `since` is stored.
        """
        with refusals():
            consent = consent_of(fields, int(self.clock()))
            self.record(by.entry(account, "consent.put", consent.header, self.clock()))
            if not self.lists.put(account.id, consent):
                raise FieldRefused("since", "a later change of this number stands")
        return consent

    def put_all(self, account: Account, consents: Sequence[Consent], by: Actor) -> int:
        """Add the consents of a file, with one entry in the log; return how many count now."""
        self.record(by.entry(account, "consent.import", str(len(consents)), self.clock()))
        with ThreadPoolExecutor(_THREADS) as pool:
            return sum(pool.map(partial(self.lists.put, account.id), consents))

    def remove(self, account: Account, number: str, header: str, by: Actor) -> None:
        """Remove a number's consent to a header. Raises NOT_FOUND if there is none."""
        now_s = int(self.clock())
        with refusals():
            msisdn, attribute = number_of(number), attribute_of(header_of(header))
        self.record(by.entry(account, "consent.remove", header, self.clock()))
        if not self.lists.remove(account.id, msisdn, attribute, now_s, before_s=now_s + 1):
            raise RequestRefused(Code.NOT_FOUND)


def _page(found: Sequence[N], limit: int) -> NumberPage[N]:
    numbers = list(dict.fromkeys(each.number for each in found))
    visible = [each for each in found if each.number in numbers[:limit]]
    return NumberPage(visible, numbers[limit - 1] if len(numbers) > limit else None)
