"""The people who use the console: users with their roles and sessions, and the audit log."""

import base64
import hashlib
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from harkara.base.errors import FieldRefused
from harkara.model.fields import OperatorRecord

SESSION_S = 12 * 3600
INVITATION_S = 3600
# A further sign-in ends the oldest of these.
SESSIONS_LIMIT = 20

# Narrower than RFC 5322: nothing that a mail header or a spreadsheet takes for more than text.
_EMAIL = re.compile(
    r"(?=.{3,254}\Z)[a-z0-9_][a-z0-9_.%+'&-]{0,63}"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
EMAIL_RULE = "an address such as asha@acme.example, without letters beyond ASCII"


class Role(StrEnum):
    """What a user may do, each role all that those before it may.

    A viewer reads, a marketer changes templates and sends, an admin changes the account and its
    users. An operator has no account, and sees all of them.
    """

    VIEWER = "viewer"
    MARKETER = "marketer"
    ADMIN = "admin"
    OPERATOR = "operator"

    def may(self, needed: "Role") -> bool:
        """Return whether this role may do all that another may."""
        roles = tuple(Role)
        return roles.index(self) >= roles.index(needed)


class Purpose(StrEnum):
    """What a signed ticket is for: a ticket of one purpose is refused for any other."""

    COOKIE = "cookie"
    INVITATION = "invitation"
    LINK = "link"


class OneTime(OperatorRecord):
    """The only one-time link of a user that is still good, until `expires_at_s`."""

    id: str
    purpose: Purpose
    expires_at_s: int


class SignedIn(OperatorRecord):
    """A session of a user, as it is stored: its id, and its times in Unix seconds."""

    id: str
    signed_in_at_s: int
    expires_at_s: int


class User(OperatorRecord):
    """A person who may sign in; `account_id` is None for operators.

    The whole state of a person is in one record, which is replaced by compare-and-swap: so a
    session, a one-time link or a code can be used or revoked, never both. `totp_secret` and
    `totp_pending` (not confirmed yet) are encrypted; `totp_step` is the last step whose code was
    taken. No secret is in the representation.
    """

    email: str
    account_id: str | None
    role: Role
    created_at_s: int
    disabled: bool = False
    password_hash: str = Field(default="", repr=False)
    totp_secret: bytes = Field(default=b"", repr=False)
    totp_pending: bytes = Field(default=b"", repr=False)
    totp_step: int = Field(default=0, repr=False)
    one_time: OneTime | None = Field(default=None, repr=False)
    sessions: tuple[SignedIn, ...] = Field(default=(), repr=False)

    @property
    def id(self) -> str:
        """The user's id, which follows from the address."""
        return user_id_of(self.email)

    @property
    def has_totp(self) -> bool:
        """Whether the user signs in with a code too."""
        return bool(self.totp_secret)

    @property
    def is_invited(self) -> bool:
        """Whether the user has set no password yet."""
        return not self.password_hash

    def session(self, session_id: str, now_s: float) -> "Session | None":
        """Return a session that still counts, None for any other."""
        for each in () if self.disabled else self.sessions:
            if each.id == session_id and now_s < each.expires_at_s:
                times = each.signed_in_at_s, each.expires_at_s
                return Session(session_id, self.email, self.account_id, self.role, *times)
        return None

    def holds(self, one_time_id: str, purpose: Purpose, now_s: float) -> bool:
        """Return whether a one-time link is good, and not used yet."""
        found = self.one_time
        return (
            not self.disabled
            and found is not None
            and (found.id, found.purpose) == (one_time_id, purpose)
            and now_s < found.expires_at_s
        )


class Session(NamedTuple):
    """A person who is signed in, from `signed_in_at_s` to `expires_at_s` (Unix seconds)."""

    session_id: str
    email: str
    account_id: str | None
    role: Role
    signed_in_at_s: int = 0
    expires_at_s: int = 0

    def may(self, role: Role) -> bool:
        """Return whether the person's role may do all that another may."""
        return self.role.may(role)


class AuditEntry(NamedTuple):
    """A change: when (Unix milliseconds), of which account (None: of operators), by whom, what.

    `action` is a name such as `template.put`, `subject` the id of what was changed; `address` is
    the client's. No text, phone number or secret is in it.
    """

    at_ms: int
    account_id: str | None
    email: str
    action: str
    subject: str = ""
    address: str = ""


class AuditPage(NamedTuple):
    """Entries of an account, newest first; `cursor` reads the following page, None ends them."""

    entries: Sequence[AuditEntry]
    cursor: str | None


def email_of(text: str) -> str:
    """Return an e-mail address in the form in which it is kept: in small letters.

    Raises FieldRefused for what is none, or has letters beyond ASCII, which look like others.
    """
    email = text.strip(" ")
    # Before the letters are made small: the Kelvin sign would become a k.
    if not email.isascii() or not _EMAIL.fullmatch(email.lower()):
        raise FieldRefused("email", EMAIL_RULE)
    return email.lower()


def user_id_of(email: str) -> str:
    """Return the id of the user with this address: a hash, so that no cookie shows the address."""
    digest = hashlib.sha256(email.encode()).digest()
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()
