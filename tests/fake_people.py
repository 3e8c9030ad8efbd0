"""The people of the console in memory: one of each role in an account, and their audit log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from console.people import People, Role, Session
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused

PASSWORD = "a long enough password"
TOKEN = "invitation-token"


class FakeSession(NamedTuple):
    """A person who is signed in."""

    email: str
    account_id: str | None
    role: str


class Entry(NamedTuple):
    """An entry of the audit log."""

    email: str
    action: str
    subject: str
    address: str
    at_ms: int = 1_767_258_000_000


class EntryPage(NamedTuple):
    """A page of the audit log."""

    entries: list[Entry]
    cursor: str | None


@dataclass
class FakePeople:
    """Signs in `<role>@<account>.example` with PASSWORD; a session's cookie is the address."""

    sessions: dict[str, FakeSession] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)

    def sign_in(self, email: str, password: str, code: str, address: str) -> str:
        role, _, rest = email.partition("@")
        if password != PASSWORD or role not in [*Role]:
            raise RequestRefused(Code.UNAUTHORIZED)
        account_id = rest.removesuffix(".example")
        self.sessions[email] = FakeSession(email, account_id, role)
        return email

    def accept_invitation(
        self, token: str, password: str, address: str = "", code: str = ""
    ) -> str:
        if token != TOKEN:
            raise RequestRefused(Code.NOT_FOUND)
        if len(password) < 12:
            raise RequestRefused(Code.INVALID_REQUEST, "(password: 12 characters at least)")
        return self.sign_in("viewer@sandbox.example", PASSWORD, "", "")

    def sign_in_by_link(self, token: str, address: str = "") -> str:
        if token != TOKEN:
            raise RequestRefused(Code.NOT_FOUND)
        return self.sign_in("admin@sandbox.example", PASSWORD, "", "")

    def person(self, cookie: str) -> FakeSession | None:
        return self.sessions.get(cookie)

    def sign_out(self, cookie: str, address: str = "") -> None:
        self.sessions.pop(cookie, None)

    def record(self, session: Session, action: str, subject: str, address: str) -> None:
        self.log.append(Entry(session.email, action, subject, address))

    def audit(self, account_id: str | None, cursor: str = "") -> EntryPage:
        people = f"@{account_id}.example"
        return EntryPage([each for each in reversed(self.log) if each.email.endswith(people)], None)


PEOPLE: Callable[[], People] = FakePeople
"""The console takes them for its people: mypy compares the two."""
