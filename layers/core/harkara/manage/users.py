"""Manage the users of the console: invitations, roles, and who is let in no more."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.ids import Randomness
from harkara.manage.audit import AuditLog, refusals
from harkara.manage.proofs import Passwords, Ticket, Tickets, new_id
from harkara.model.people import (
    INVITATION_S,
    AuditEntry,
    OneTime,
    Purpose,
    Role,
    Session,
    User,
    email_of,
    user_id_of,
)
from harkara.state.sign_in_limits import SignInLimits


class UserCipher(Protocol):
    """Encrypts a secret of a user, for this user alone. Each method raises StoreUnavailable."""

    def encrypt(self, user_id: str, secret: bytes) -> bytes:
        """Encrypt a secret, to be stored."""

    def decrypt(self, user_id: str, encrypted: bytes) -> bytes:
        """Decrypt a secret."""


@dataclass(frozen=True, slots=True)
class Users(AuditLog):
    """The users of accounts, and the operators.

    Its methods raise RequestRefused and StoreUnavailable. `by` is the session of the person who
    asks: an admin manages the users of their own account, an operator everybody. `address` is that
    of their client. `local` allows links that sign in without a password.
    """

    cipher: UserCipher
    limits: SignInLimits
    tickets: Tickets
    has_account: Callable[[str], bool]
    randomness: Randomness
    passwords: Passwords = field(default_factory=Passwords)
    local: bool = False

    def invite(
        self, email: str, account_id: str | None, role: Role, by: Session, address: str = ""
    ) -> str:
        """Return a one-time token for a new user, or for a user to set another password.

        Any earlier link of the user ends. Raises INVALID_REQUEST, NOT_FOUND, SCOPE_MISSING, and
        ALREADY_EXISTS for a user who is disabled or of another account.
        """
        with refusals():
            email = email_of(email)
            _check_role(role, account_id)
        _check_manages(by, account_id)
        if account_id is not None and not self.has_account(account_id):
            raise RequestRefused(Code.NOT_FOUND, "(account)")
        one_time = self._one_time(Purpose.INVITATION)
        subject = f"{email} {role}"

        def renew(current: User) -> User:
            if current.account_id != account_id:
                raise RequestRefused(Code.ALREADY_EXISTS, "(email)")
            if current.disabled:
                raise RequestRefused(Code.ALREADY_EXISTS, "(email: the user is disabled)")
            return with_fields(_with_role(current, role, by), one_time=one_time)

        user = self._new(email, account_id, role, one_time)
        entry = self._entry(account_id, by.email, "user.invite", subject, address)
        if not self.store.create(user, entry):
            self._change(user.id, renew, "user.invite", by.email, address, subject)
        return self._token(user.id, one_time)

    def users(self, account_id: str | None) -> list[User]:
        """Return the users of an account, or the operators (None), by their addresses."""
        return self.store.users(account_id)

    def change_role(self, email: str, role: Role, by: Session, address: str = "") -> None:
        """Give a user another role, and end the user's sessions.

        Raises NOT_FOUND, SCOPE_MISSING, and INVALID_REQUEST for one's own role.
        """

        def change(user: User) -> User:
            with refusals():
                _check_role(role, user.account_id)
            return _with_role(user, role, by)

        self._manage(email, change, "user.role", by, address, f" {role}")

    def disable(self, email: str, by: Session, address: str = "") -> None:
        """Let a user in no more: sessions and one-time links end at once. Raises as change_role."""

        def disable(user: User) -> User:
            _check_other(user, by)
            return with_fields(user, disabled=True, sessions=(), one_time=None)

        self._manage(email, disable, "user.disable", by, address)

    def enable(self, email: str, by: Session, address: str = "") -> None:
        """Let a disabled user in again. Raises NOT_FOUND, SCOPE_MISSING."""
        self._manage(
            email, lambda user: with_fields(user, disabled=False), "user.enable", by, address
        )

    def remove(self, email: str, by: Session, address: str = "") -> None:
        """Remove a user, whose address is then free for any account. Raises as change_role.

        What the user did stays in the log.
        """
        with refusals():
            email = email_of(email)

        def check(user: User) -> None:
            _check_manages(by, user.account_id)
            _check_other(user, by)

        def entry_of(user: User) -> AuditEntry:
            return self._entry(user.account_id, by.email, "user.remove", email, address)

        if not self.store.remove(user_id_of(email), check, entry_of):
            raise no_user()

    def revoke_all(self, email: str, by: Session, address: str = "") -> None:
        """End all sessions of a user, who may be oneself. Raises NOT_FOUND, SCOPE_MISSING."""
        self._manage(
            email,
            lambda user: with_fields(user, sessions=()),
            "user.sign_out_all",
            by,
            address,
            own=True,
        )

    def reset_totp(self, email: str, by: Session, address: str = "") -> None:
        """Ask a user who has lost the app for no code any more. Raises as change_role."""

        def reset(user: User) -> User:
            # Otherwise a stolen session could take the code away from its owner.
            _check_other(user, by)
            return without_totp(user)

        self._manage(email, reset, "user.totp_reset", by, address)

    def erase(self, account_id: str, by: Session, address: str = "") -> int:
        """Remove an account's users and its log, for an operator; return how many users.

        That it was done is in the log of the operators. Raises SCOPE_MISSING.
        """
        _check_manages(by, None)
        self.store.record(self._entry(None, by.email, "account.erase", account_id, address))
        return self.store.erase(account_id)

    # Parts of these

    def _manage(
        self,
        email: str,
        change: Callable[[User], User],
        action: str,
        by: Session,
        address: str,
        more: str = "",
        *,
        own: bool = False,
    ) -> None:
        """Change a user whom `by` manages, or with `own` is."""
        with refusals():
            email = email_of(email)

        def checked(user: User) -> User:
            if not (own and user.email == by.email):
                _check_manages(by, user.account_id)
            return change(user)

        self._change(user_id_of(email), checked, action, by.email, address, f"{email}{more}")

    def _change(
        self,
        user_id: str,
        change: Callable[[User], User],
        action: str,
        by: str = "",
        address: str = "",
        subject: str = "",
    ) -> User:
        """Change a user, with an entry in the log. Raises NOT_FOUND if there is none."""

        def entry_of(user: User) -> AuditEntry:
            who, what = by or user.email, subject or user.email
            return self._entry(user.account_id, who, action, what, address)

        changed = self.store.change(user_id, change, entry_of)
        if changed is None:
            raise no_user()
        return changed

    def _new(self, email: str, account_id: str | None, role: Role, one_time: OneTime) -> User:
        return User(
            email=email,
            account_id=account_id,
            role=role,
            created_at_s=int(self.clock()),
            one_time=one_time,
        )

    def _one_time(self, purpose: Purpose) -> OneTime:
        expires_at_s = int(self.clock()) + INVITATION_S
        return OneTime(id=new_id(self.randomness), purpose=purpose, expires_at_s=expires_at_s)

    def _token(self, user_id: str, one_time: OneTime) -> str:
        ticket = Ticket(user_id, one_time.id, one_time.expires_at_s)
        return self.tickets.sign(one_time.purpose, ticket)


def no_user() -> RequestRefused:
    """Return the refusal of a user who does not exist, or is another account's."""
    return RequestRefused(Code.NOT_FOUND, "(user)")


def with_fields(user: User, **fields: Any) -> User:
    """Return a user with other values of some fields."""
    return user.model_copy(update=fields)


def without_totp(user: User) -> User:
    """Return a user without a second factor."""
    # The last step stays: its code must not count again.
    return with_fields(user, totp_secret=b"", totp_pending=b"")


def _with_role(user: User, role: Role, by: Session) -> User:
    if user.role is role:
        return user
    _check_other(user, by)
    return with_fields(user, role=role, sessions=())


def _check_other(user: User, by: Session) -> None:
    """Refuse what nobody may do to themselves, so that an account keeps an admin."""
    if user.email == by.email:
        raise RequestRefused(Code.INVALID_REQUEST, "(email: of another user than oneself)")


def _check_manages(by: Session, account_id: str | None) -> None:
    if by.may(Role.OPERATOR):
        return
    # To others no account but their own exists.
    if account_id is None or account_id != by.account_id:
        raise no_user()
    if not by.may(Role.ADMIN):
        raise RequestRefused(Code.SCOPE_MISSING, f"(role: {Role.ADMIN})")


def _check_role(role: Role, account_id: str | None) -> None:
    if (role is Role.OPERATOR) != (account_id is None):
        raise FieldRefused("role", "operator without an account, else viewer, marketer or admin")
