"""The people of the console: who is signed in, in which role, and what they changed."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused


class Role(StrEnum):
    """What a person may do; each may do all that those before it may."""

    VIEWER = "viewer"
    MARKETER = "marketer"
    ADMIN = "admin"
    OPERATOR = "operator"

    def may(self, needed: "Role") -> bool:
        """Return whether this role includes another."""
        order = [*Role]
        return order.index(self) >= order.index(needed)


class Session(Protocol):
    """A person who is signed in. An operator's `account_id` is None."""

    @property
    def email(self) -> str: ...

    @property
    def account_id(self) -> str | None: ...

    @property
    def role(self) -> str: ...


class AuditEntry(Protocol):
    """A change: when (Unix milliseconds), by whom, what, of which thing, from which address."""

    @property
    def at_ms(self) -> int: ...

    @property
    def email(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def address(self) -> str: ...


class AuditPage(Protocol):
    """Entries, newest first; `cursor` reads the following page, None ends them."""

    @property
    def entries(self) -> Sequence[AuditEntry]: ...

    @property
    def cursor(self) -> str | None: ...


class People(Protocol):
    """Signs people in and out, and keeps the audit log. All raise StoreUnavailable."""

    def sign_in(self, email: str, password: str, code: str, address: str) -> str:
        """Return the value of a session's cookie. Raises RequestRefused."""

    def accept_invitation(
        self, token: str, password: str, address: str = "", code: str = ""
    ) -> str:
        """Return the value of a session's cookie. Raises RequestRefused."""

    def sign_in_by_link(self, token: str, address: str = "") -> str:
        """Return the value of a session's cookie; only the stack on one machine has such links."""

    def person(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if it has ended, was revoked or is forged."""

    def sign_out(self, cookie: str, address: str = "") -> None:
        """End the session of a cookie."""

    def record(self, session: Session, action: str, subject: str, address: str) -> None:
        """Put an entry into the audit log: never a text, a number or a secret."""

    def audit(self, account_id: str | None, cursor: str = "") -> AuditPage:
        """Return a page of an account's audit log, newest first. Raises RequestRefused."""


class Nobody:
    """Lets nobody in: the console of a deployment that has no people."""

    def sign_in(self, email: str, password: str, code: str, address: str) -> str:
        """Refuse."""
        raise RequestRefused(Code.UNAUTHORIZED)

    def accept_invitation(
        self, token: str, password: str, address: str = "", code: str = ""
    ) -> str:
        """Refuse."""
        raise RequestRefused(Code.NOT_FOUND)

    def sign_in_by_link(self, token: str, address: str = "") -> str:
        """Refuse."""
        raise RequestRefused(Code.NOT_FOUND)

    def person(self, cookie: str) -> Session | None:
        """Return None."""

    def sign_out(self, cookie: str, address: str = "") -> None:
        """Do nothing: there is no session."""

    def record(self, session: Session, action: str, subject: str, address: str) -> None:
        """Do nothing: nobody changes anything."""

    def audit(self, account_id: str | None, cursor: str = "") -> AuditPage:
        """Refuse: there is no log."""
        raise RequestRefused(Code.NOT_FOUND)
