"""Keep the log of what people changed: who, what, when and from where; and name their store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Clock
from harkara.model.accounts import Account
from harkara.model.people import AuditEntry, AuditPage, Session, User

AUDIT_PAGE = 50
_TEXT_LIMIT = 300


class UserStore(Protocol):
    """The people who use the console, and the audit log. Each method raises StoreUnavailable."""

    def get(self, user_id: str) -> User | None:
        """Return a user, read consistently."""

    def create(self, user: User, entry: AuditEntry) -> bool:
        """Store a user and the entry, both or none; return false if the address is taken."""

    def change(
        self,
        user_id: str,
        change: Callable[[User], User],
        entry_of: Callable[[User], AuditEntry] | None = None,
    ) -> User | None:
        """Replace a user by `change` of it, with an entry in the log; return the result.

        Both are written or none, and nothing where `change` returns what it was given. `change` is
        called again if the user was changed meanwhile. Returns None if there is no such user.
        """

    def remove(
        self, user_id: str, check: Callable[[User], None], entry_of: Callable[[User], AuditEntry]
    ) -> bool:
        """Remove a user, with an entry in the log, unless `check` raises; return if there was one.

        `check` is called again if the user was changed meanwhile.
        """

    def users(self, account_id: str | None) -> list[User]:
        """Return the users of an account, or the operators (None), by their addresses."""

    def record(self, entry: AuditEntry) -> None:
        """Add an entry to the log of its account."""

    def audit(self, account_id: str | None, after: str, limit: int) -> AuditPage:
        """Return up to `limit` entries beyond a cursor ("": from the newest).

        Raises FieldRefused for a text that is no cursor.
        """

    def erase(self, account_id: str) -> int:
        """Remove an account's users and its log; return how many users there were."""


class Actor(NamedTuple):
    """The name of a credential, program or person that changes something, with the address."""

    name: str
    address: str = ""

    def entry(self, account: Account, action: str, subject: str, now_s: float) -> AuditEntry:
        """Return the entry for a change of an account; `AuditEntry` says what it may hold."""
        words = map(_plain, (self.name, action, subject, self.address))
        return AuditEntry(int(now_s * 1000), account.id, *words)


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The log of each account, and that of the operators."""

    store: UserStore
    clock: Clock

    def record(
        self,
        session: Session,
        action: str,
        subject: str,
        address: str,
        account_id: str | None = None,
    ) -> None:
        """Put a change into the log of an account, by default the person's own.

        `subject` is the id of something that exists: no text, phone number or secret.
        """
        account_id = session.account_id if session.account_id is not None else account_id
        self.store.record(self._entry(account_id, session.email, action, subject, address))

    def audit(self, account_id: str | None, cursor: str = "") -> AuditPage:
        """Return a page of the log, newest first. Raises INVALID_REQUEST for a bad cursor."""
        with refusals():
            return self.store.audit(account_id, cursor, AUDIT_PAGE)

    def _entry(
        self, account_id: str | None, email: str, action: str, subject: str, address: str
    ) -> AuditEntry:
        at_ms = int(self.clock() * 1000)
        return AuditEntry(at_ms, account_id, *map(_plain, (email, action, subject, address)))


@contextmanager
def refusals() -> Iterator[None]:
    """Raise RequestRefused for a field that is refused."""
    try:
        yield
    except FieldRefused as error:
        raise RequestRefused(Code.INVALID_REQUEST, f"({error})") from error


def _plain(text: str) -> str:
    """Return a text of an entry on one line, in a length that no item is too large for."""
    return "".join(each if each.isprintable() else "?" for each in text[:_TEXT_LIMIT])
