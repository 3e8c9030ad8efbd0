"""Keep the log of what people changed: who, what, when and from where."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Clock
from harkara.model.people import AuditEntry, AuditPage, Session
from harkara.ports import UserStore

AUDIT_PAGE = 50
_TEXT_LIMIT = 300


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
