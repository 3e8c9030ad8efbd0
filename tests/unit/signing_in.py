"""People who sign in through several processes on tables in memory, with a clock set by hand."""

import hashlib
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import pytest

from harkara.aws.limits import DynamoLimitStore
from harkara.aws.people import DynamoUserStore
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys
from harkara.manage.people import People
from harkara.manage.proofs import STEP_S, Passwords, Tickets, totp
from harkara.model.people import Role, Session, User, user_id_of
from harkara.state.sign_in_limits import SignInLimits, TryLimit
from tests.support.dynamo import ACCOUNTS, MESSAGES, Dynamo

NOON = 1_767_249_000  # 2026-01-01T06:30:00Z
PEPPER = b"pepper"
ADDRESS = "203.0.113.7"
ASHA, BALA, OLGA = "asha@acme.example", "bala@acme.example", "olga@harkara.example"
PASSWORD, OTHER = "correct horse battery", "another long passphrase"
UNLIMITED = TryLimit(10**6, 1)
COMMAND = Session("", "command:olga", None, Role.OPERATOR)


class FakeUserCipher:
    """Encrypts a secret by reversing it, with the user's id in front."""

    def encrypt(self, user_id: str, secret: bytes) -> bytes:
        return user_id.encode() + b"|" + secret[::-1]

    def decrypt(self, user_id: str, encrypted: bytes) -> bytes:
        name, secret = encrypted.split(b"|", 1)
        assert name == user_id.encode()
        return secret[::-1]


class Interrupted(Dynamo):
    """Tables of which one call waits until something else has been done.

    Calls are made one at a time, so that threads may share the tables.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.calls: list[str] = []
        self.meanwhile: tuple[int, Callable[[], object]] | None = None
        self._lock = Lock()

    def answer(self, operation: str, params: dict[str, Any]) -> Mapping[str, Any]:
        if self.meanwhile and self.meanwhile[0] == 0:
            (_, act), self.meanwhile = self.meanwhile, None
            act()
        elif self.meanwhile:
            self.meanwhile = self.meanwhile[0] - 1, self.meanwhile[1]
        with self._lock:
            self.calls.append(operation)
            return super().answer(operation, params)


class Console:
    """The tables of a deployment with the accounts acme and other."""

    def __init__(self, by_user: TryLimit = UNLIMITED, by_address: TryLimit = UNLIMITED) -> None:
        self.now_s = float(NOON)
        self.dynamo = Interrupted(self.clock)
        self.keys = [PEPPER]
        self._limits = by_user, by_address
        self._drawn = 0
        self.people = self.process()

    def clock(self) -> float:
        return self.now_s

    def randomness(self, count: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_128(str(self._drawn).encode()).digest(count)

    def process(self, *, local: bool = False) -> People:
        """Return the service of another process."""
        counted = DynamoLimitStore(self.dynamo, MESSAGES)
        keys = Keys(lambda: list(self.keys), self.clock)
        return People(
            store=DynamoUserStore(self.dynamo, ACCOUNTS, self.clock, self.randomness),
            cipher=FakeUserCipher(),
            limits=SignInLimits(counted, self.clock, *self._limits),
            tickets=Tickets(keys),
            has_account=lambda account_id: account_id in ("acme", "other"),
            clock=self.clock,
            randomness=self.randomness,
            passwords=Passwords(log_n=1, r=1, p=1),
            local=local,
        )

    def invite(self, email: str = ASHA, account: str | None = "acme", role: str = "admin") -> str:
        return self.people.invite(email, account, Role(role), COMMAND)

    def joined(self, email: str = ASHA, account: str | None = "acme", role: str = "admin") -> str:
        """Add a user with PASSWORD; return the cookie of the first session."""
        return self.people.accept_invitation(self.invite(email, account, role), PASSWORD, ADDRESS)

    def session(self, cookie: str) -> Session:
        found = self.people.person(cookie)
        assert found is not None
        return found

    def user(self, email: str = ASHA) -> User:
        found = self.people.store.get(user_id_of(email))
        assert found is not None
        return found

    def sign_in(self, email: str = ASHA, password: str = PASSWORD, code: str = "") -> str:
        return self.people.sign_in(email, password, code, ADDRESS)

    def with_totp(self, cookie: str) -> bytes:
        """Set a second factor up; return its secret. The code of the present step is then used."""
        session = self.session(cookie)
        self.people.begin_totp(session)
        secret = self.people.cipher.decrypt(
            user_id_of(session.email), self.user(session.email).totp_pending
        )
        self.people.confirm_totp(session, self.code(secret))
        return secret

    def code(self, secret: bytes, steps: int = 0) -> str:
        return totp(secret, int(self.now_s) // STEP_S + steps)

    def actions(self, account: str | None = "acme") -> list[str]:
        """Return the actions in the log of an account, newest first."""
        return [entry.action for entry in self.people.audit(account).entries]


def refused(code: Code, call: Callable[..., object], *args: Any, **named: Any) -> RequestRefused:
    """Return the refusal of a call, which must have this code."""
    with pytest.raises(RequestRefused) as refusal:
        call(*args, **named)
    assert refusal.value.code is code, refusal.value.message
    return refusal.value
