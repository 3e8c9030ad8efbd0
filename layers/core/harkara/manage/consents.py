"""Look up and change an account's consents, which let promotional messages past DND."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Clock
from harkara.manage.audit import refusals
from harkara.model.accounts import Account
from harkara.model.consents import Consent, attribute_of, consent_of, header_of
from harkara.model.people import AuditEntry
from harkara.model.suppressions import number_of
from harkara.ports import SuppressionList

_THREADS = 16


class Actor(NamedTuple):
    """The name of a credential or program that changes something, and the client's address."""

    name: str
    address: str = ""


class Page(NamedTuple):
    """A page of consents; if `next_number` is given, more follow `after` it."""

    consents: list[Consent]
    next_number: str | None


@dataclass(frozen=True, slots=True)
class ConsentService:
    """Reads and changes an account's consents; each change is in the account's audit log.

    Its methods raise RequestRefused (INVALID_REQUEST names the field) and StoreUnavailable.
    """

    lists: SuppressionList
    clock: Clock
    record: Callable[[AuditEntry], None]

    def page(self, account: Account, after: str, limit: int) -> Page:
        """Return the consents of up to `limit` numbers."""
        found = self.lists.find_consents(account.id, after, limit + 1)
        numbers = list(dict.fromkeys(each.number for each in found))
        visible = [each for each in found if each.number in numbers[:limit]]
        return Page(visible, numbers[limit - 1] if len(numbers) > limit else None)

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
            self.record(self._entry(account, by, "consent.put", consent.header))
            if not self.lists.put(account.id, consent):
                raise FieldRefused("since", "a later change of this number stands")
        return consent

    def put_all(self, account: Account, consents: Sequence[Consent], by: Actor) -> int:
        """Add the consents of a file, with one entry in the log; return how many count now."""
        self.record(self._entry(account, by, "consent.import", str(len(consents))))
        with ThreadPoolExecutor(_THREADS) as pool:
            return sum(pool.map(partial(self.lists.put, account.id), consents))

    def remove(self, account: Account, number: str, header: str, by: Actor) -> None:
        """Remove a number's consent to a header. Raises NOT_FOUND if there is none."""
        now_s = int(self.clock())
        with refusals():
            msisdn, attribute = number_of(number), attribute_of(header_of(header))
        self.record(self._entry(account, by, "consent.remove", header))
        if not self.lists.remove(account.id, msisdn, attribute, now_s, before_s=now_s + 1):
            raise RequestRefused(Code.NOT_FOUND)

    def _entry(self, account: Account, by: Actor, action: str, subject: str) -> AuditEntry:
        at_ms = int(self.clock() * 1000)
        return AuditEntry(at_ms, account.id, by.name, action, subject, by.address)
