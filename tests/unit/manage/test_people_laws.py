"""Whatever is done in whatever order, a cookie counts exactly as long as it should.

It was issued, has not ended, was not revoked, and its user is enabled, in the role of then.
"""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harkara.base.errors import RequestRefused
from harkara.model.people import INVITATION_S, SESSION_S, SESSIONS_LIMIT, Role
from tests.unit.signing_in import ADDRESS, ASHA, BALA, COMMAND, OTHER, PASSWORD, Console

emails = st.sampled_from([ASHA, BALA])
passwords = st.sampled_from([PASSWORD, OTHER])
roles = st.sampled_from([Role.VIEWER, Role.MARKETER, Role.ADMIN])
numbers = st.integers(0, 30)


@dataclass
class Issued:
    """A cookie or token as it was issued."""

    text: str
    email: str
    role: Role
    expires_at_s: float
    good: bool = True


@dataclass
class Known:
    """What is known of a user."""

    role: Role
    password: str = ""
    disabled: bool = False


class SigningIn(RuleBasedStateMachine):
    """People who are invited, sign in and out, and are disabled, beside a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console()
        self.processes = [self.console.people, self.console.process()]
        self.users: dict[str, Known] = {}
        self.cookies: list[Issued] = []
        self.tokens: list[Issued] = []

    def end(self, email: str) -> None:
        for cookie in self.cookies:
            cookie.good = cookie.good and cookie.email != email

    def issue(self, text: str, email: str) -> None:
        now_s = self.console.now_s
        alive = [
            each
            for each in self.cookies
            if each.email == email and each.good and now_s < each.expires_at_s
        ]
        for cookie in alive[: max(0, len(alive) + 1 - SESSIONS_LIMIT)]:
            cookie.good = False
        role = self.users[email].role
        self.cookies.append(Issued(text, email, role, int(now_s) + SESSION_S))

    @rule(email=emails, role=roles)
    def invite(self, email: str, role: Role) -> None:
        user = self.users.get(email)
        try:
            token = self.processes[0].invite(email, "acme", role, COMMAND)
        except RequestRefused:
            assert user is not None
            assert user.disabled
            return
        assert user is None or not user.disabled
        if user is None:
            self.users[email] = Known(role)
        elif user.role is not role:
            user.role = role
            self.end(email)
        for each in self.tokens:
            each.good = each.good and each.email != email
        expires_at_s = int(self.console.now_s) + INVITATION_S
        self.tokens.append(Issued(token, email, role, expires_at_s))

    @precondition(lambda self: self.tokens)
    @rule(number=numbers, password=passwords)
    def accept(self, number: int, password: str) -> None:
        token = self.tokens[number % len(self.tokens)]
        is_good = token.good and self.console.now_s < token.expires_at_s
        assert (self.processes[1].invitation(token.text) is not None) == is_good
        try:
            cookie = self.processes[0].accept_invitation(token.text, password, ADDRESS)
        except RequestRefused:
            assert not is_good
            return
        assert is_good
        token.good = False
        self.users[token.email].password = password
        self.end(token.email)
        self.issue(cookie, token.email)

    @rule(email=emails, password=passwords)
    def sign_in(self, email: str, password: str) -> None:
        user = self.users.get(email)
        may = user is not None and user.password == password and not user.disabled
        try:
            cookie = self.processes[1].sign_in(email, password, "", ADDRESS)
        except RequestRefused:
            assert not may
            return
        assert may
        self.issue(cookie, email)

    @precondition(lambda self: self.cookies)
    @rule(number=numbers)
    def sign_out(self, number: int) -> None:
        cookie = self.cookies[number % len(self.cookies)]
        self.processes[0].sign_out(cookie.text)
        cookie.good = False

    @precondition(lambda self: self.users)
    @rule(number=numbers, act=st.sampled_from(["revoke_all", "disable", "enable"]))
    def manage(self, number: int, act: str) -> None:
        email = sorted(self.users)[number % len(self.users)]
        getattr(self.processes[1], act)(email, COMMAND)
        if act != "enable":
            self.end(email)
        if act != "revoke_all":
            self.users[email].disabled = act == "disable"
        if act == "disable":
            for token in self.tokens:
                token.good = token.good and token.email != email

    @precondition(lambda self: self.users)
    @rule(number=numbers, role=roles)
    def change_role(self, number: int, role: Role) -> None:
        email = sorted(self.users)[number % len(self.users)]
        self.processes[0].change_role(email, role, COMMAND)
        if self.users[email].role is not role:
            self.users[email].role = role
            self.end(email)

    @rule(seconds=st.sampled_from([1, INVITATION_S - 1, INVITATION_S, SESSION_S // 2, SESSION_S]))
    def wait(self, seconds: int) -> None:
        self.console.now_s += seconds

    @precondition(lambda self: self.cookies)
    @rule(number=numbers, index=st.integers(0, 200), character=st.sampled_from("aA0._-z"))
    def alter(self, number: int, index: int, character: str) -> None:
        text = self.cookies[number % len(self.cookies)].text
        index %= len(text)
        altered = text[:index] + character + text[index + 1 :]
        if altered != text:
            assert self.processes[0].person(altered) is None

    @invariant()
    def cookies_count_as_long_as_they_should(self) -> None:
        for people in self.processes:
            for cookie in self.cookies[-15:]:
                found = people.person(cookie.text)
                assert (found is not None) == (
                    cookie.good and self.console.now_s < cookie.expires_at_s
                )
                if found:
                    assert (found.email, found.role) == (cookie.email, cookie.role)
                    assert found.account_id == "acme"


TestSigningIn = SigningIn.TestCase
TestSigningIn.settings = settings(stateful_step_count=20)
