"""Let people sign in to the console: passwords, sessions, second factors, one-time links.

A person's whole state is one record, replaced by compare-and-swap. So of two requests that use one
link or one code at the same time one finds it used, and whoever is disabled is signed out by the
same write. Cookies and links are signed: a forged one costs no read, and what they name counts only
as long as it stands in the record.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.manage.audit import refusals
from harkara.manage.proofs import (
    TOTP_SECRET_BYTES,
    Ticket,
    check_password,
    new_id,
    new_salt,
    totp_step_of,
    totp_uri,
)
from harkara.manage.users import Users, no_user, with_fields, without_totp
from harkara.model.people import (
    SESSION_S,
    SESSIONS_LIMIT,
    Purpose,
    Role,
    Session,
    SignedIn,
    User,
    email_of,
    user_id_of,
)


@dataclass(frozen=True, slots=True)
class People(Users):
    """The people who use the console: what they do for themselves, beside what manages them.

    Its methods raise RequestRefused and StoreUnavailable.
    """

    def invitation(self, token: str) -> User | None:
        """Return the user whose password a token may set, None if it was used or has ended."""
        ticket = self._read(Purpose.INVITATION, token)
        user = self.store.get(ticket.user_id) if ticket else None
        if user is None or ticket is None:
            return None
        return user if user.holds(ticket.id, Purpose.INVITATION, self.clock()) else None

    def accept_invitation(
        self, token: str, password: str, address: str = "", code: str = ""
    ) -> str:
        """Set a user's password by a one-time token, and return the cookie of a session.

        All earlier sessions end. A user with a second factor needs a code too. Raises NOT_FOUND for
        a token that was used or has ended, INVALID_REQUEST for a bad password, UNAUTHORIZED,
        RATE_LIMITED; the token stays good after the latter three.
        """
        user = self.invitation(token)
        if user is None:
            raise _dead_link()
        with refusals():
            check_password(password, user.email)
        if user.has_totp:
            self.limits.take_of_user(user.id)
        password_hash = self.passwords.hash(password, new_salt(self.randomness))

        def accept(current: User, signed_in: SignedIn) -> User:
            return with_fields(
                current,
                totp_step=self._step(current, code),
                password_hash=password_hash,
                sessions=(signed_in,),
            )

        return self._by_link(Purpose.INVITATION, token, accept, "user.accept", address)

    def sign_in_link(self, account_id: str) -> str:
        """Return a one-time token that signs in to an account as its admin, on a local stack only.

        Raises NOT_FOUND on any other stack, or for an account that does not exist.
        """
        if not self.local or not self.has_account(account_id):
            raise RequestRefused(Code.NOT_FOUND, "(account)")
        email = f"{account_id.lower()}@local.invalid"
        one_time = self._one_time(Purpose.LINK)
        user = self._new(email, account_id, Role.ADMIN, one_time)
        if not self.store.create(user, self._entry(account_id, email, "user.link", email, "")):
            self._change(
                user.id, lambda user: with_fields(user, one_time=one_time), "user.link", email
            )
        return self._token(user.id, one_time)

    def sign_in_by_link(self, token: str, address: str = "") -> str:
        """Return the cookie of a session for a token of `sign_in_link`. Raises NOT_FOUND."""
        if not self.local:
            raise _dead_link()
        return self._by_link(Purpose.LINK, token, self._admitted, "user.sign_in", address)

    def sign_in(self, email: str, password: str, code: str, address: str) -> str:
        """Return the cookie of a new session.

        Raises RATE_LIMITED, and UNAUTHORIZED for whatever is wrong: an unknown user takes the same
        work as a wrong password.
        """
        # First that of the address: who is refused there uses up no tries of the user's.
        self.limits.take_of_address(address)
        user_id, user = "", None
        try:
            user_id = user_id_of(email_of(email))
        except FieldRefused:
            pass
        else:
            self.limits.take_of_user(user_id)
            user = self.store.get(user_id)
        existing = user.password_hash if user and not user.disabled else ""
        if not self.passwords.verify(password, existing):
            raise RequestRefused(Code.UNAUTHORIZED)
        renewed = existing
        if not self.passwords.is_current(existing):
            renewed = self.passwords.hash(password, new_salt(self.randomness))

        def enter(current: User, signed_in: SignedIn) -> User:
            if current.disabled or current.password_hash != existing:
                raise RequestRefused(Code.UNAUTHORIZED)
            step = self._step(current, code)
            admitted = self._admitted(current, signed_in)
            return with_fields(admitted, totp_step=step, password_hash=renewed)

        return self._signed_in(user_id, enter, "user.sign_in", address)

    def person(self, cookie: str) -> Session | None:
        """Return the session of a cookie: None where it has ended, was revoked or is not ours."""
        ticket = self._read(Purpose.COOKIE, cookie)
        user = self.store.get(ticket.user_id) if ticket else None
        return user.session(ticket.id, self.clock()) if user and ticket else None

    def sign_out(self, cookie: str, address: str = "") -> None:
        """End the session of a cookie; nothing happens if it has ended."""
        session = self.person(cookie)
        if session is None:
            return

        def leave(user: User) -> User:
            others = tuple(each for each in user.sessions if each.id != session.session_id)
            return with_fields(user, sessions=others)

        self._change(user_id_of(session.email), leave, "user.sign_out", address=address)

    def has_totp(self, session: Session) -> bool:
        """Return whether a person is asked for a code when signing in."""
        user = self.store.get(user_id_of(session.email))
        return user is not None and user.has_totp

    def begin_totp(self, session: Session) -> str:
        """Return the URI of a new secret for an authenticator app; `confirm_totp` makes it count.

        Raises ALREADY_EXISTS where one counts already.
        """
        user_id = user_id_of(session.email)
        secret = self.randomness(TOTP_SECRET_BYTES)
        encrypted = self.cipher.encrypt(user_id, secret)

        def begin(user: User) -> User:
            if user.has_totp:
                raise RequestRefused(Code.ALREADY_EXISTS, "(code)")
            return with_fields(user, totp_pending=encrypted)

        if self.store.change(user_id, begin) is None:
            raise no_user()
        return totp_uri(secret, session.email)

    def confirm_totp(self, session: Session, code: str, address: str = "") -> None:
        """Ask for a code at each sign-in from now on.

        Raises UNAUTHORIZED for a wrong code, RATE_LIMITED, and NOT_FOUND where none was begun.
        """

        def confirm(user: User) -> User:
            encrypted = user.totp_pending
            if not encrypted:
                raise RequestRefused(Code.NOT_FOUND, "(code)")
            given = with_fields(user, totp_secret=encrypted, totp_pending=b"")
            return with_fields(given, totp_step=self._step(given, code))

        self._by_code(session, confirm, "user.totp_on", address)

    def remove_totp(self, session: Session, code: str, address: str = "") -> None:
        """Ask for no code any more, by a last code. Raises UNAUTHORIZED, RATE_LIMITED."""

        def remove(user: User) -> User:
            return with_fields(without_totp(user), totp_step=self._step(user, code))

        self._by_code(session, remove, "user.totp_off", address)

    # Parts of these

    def _by_code(
        self, session: Session, change: Callable[[User], User], action: str, address: str
    ) -> None:
        user_id = user_id_of(session.email)
        self.limits.take_of_user(user_id)

        def checked(user: User) -> User:
            # Somebody may have revoked the session since it was read.
            if user.session(session.session_id, self.clock()) is None:
                raise RequestRefused(Code.UNAUTHORIZED)
            return change(user)

        self._change(user_id, checked, action, address=address)

    def _by_link(
        self,
        purpose: Purpose,
        token: str,
        admit: Callable[[User, SignedIn], User],
        action: str,
        address: str,
    ) -> str:
        """Use up a one-time token, and return the cookie of a new session."""
        ticket = self._read(purpose, token)
        if ticket is None:
            raise _dead_link()

        def enter(user: User, signed_in: SignedIn) -> User:
            if not user.holds(ticket.id, purpose, self.clock()):
                raise _dead_link()
            return with_fields(admit(user, signed_in), one_time=None)

        return self._signed_in(ticket.user_id, enter, action, address)

    def _signed_in(
        self, user_id: str, enter: Callable[[User, SignedIn], User], action: str, address: str
    ) -> str:
        """Put a new session into a user by `enter`, and return its cookie."""
        now_s = int(self.clock())
        signed_in = SignedIn(
            id=new_id(self.randomness), signed_in_at_s=now_s, expires_at_s=now_s + SESSION_S
        )

        def change(user: User) -> User:
            # After a lost answer the user has it already: the code or link is used, by ourselves.
            return user if signed_in in user.sessions else enter(user, signed_in)

        self._change(user_id, change, action, address=address)
        ticket = Ticket(user_id, signed_in.id, signed_in.expires_at_s)
        return self.tickets.sign(Purpose.COOKIE, ticket)

    def _admitted(self, user: User, signed_in: SignedIn) -> User:
        """Return a user with a further session, without those that have ended."""
        now_s = self.clock()
        alive = [each for each in user.sessions if now_s < each.expires_at_s]
        return with_fields(user, sessions=(*alive, signed_in)[-SESSIONS_LIMIT:])

    def _step(self, user: User, code: str) -> int:
        """Return the time step of a user's code, to be stored. Raises UNAUTHORIZED.

        Where the user has no second factor, no code is looked at.
        """
        if not user.has_totp:
            return user.totp_step
        secret = self.cipher.decrypt(user.id, user.totp_secret)
        step = totp_step_of(secret, code, self.clock(), user.totp_step)
        if step is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        return step

    def _read(self, purpose: Purpose, text: str) -> Ticket | None:
        return self.tickets.read(purpose, text, self.clock())


def _dead_link() -> RequestRefused:
    return RequestRefused(Code.NOT_FOUND, "(the link was used, or has ended: ask for another)")
