"""Authenticate a request: its account, its source address, and the scope of its credential."""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.api.credentials import Presented
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys, as_keys
from harkara.base.time import Clock
from harkara.model.accounts import (
    Account,
    Caller,
    Credential,
    Scope,
    may_be_username,
    secret_matches,
)
from harkara.ports import AccountStore


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Authenticates requests by user name and secret; `pepper` is the key of the secret's hash."""

    accounts: AccountStore
    pepper: bytes | Keys
    clock: Clock

    def authenticate(self, presented: Presented, scope: Scope, source_ip: str) -> Caller:
        """Return the caller. Raises RequestRefused, StoreUnavailable.

        UNAUTHORIZED takes as long for an unknown user as for a wrong secret. The limits of a
        credential are revealed only to callers with its secret: ADDRESS_NOT_ALLOWED, then
        SCOPE_MISSING.
        """
        now_s, username = self.clock(), presented.username

        def matches(credential: Credential | None) -> bool:
            return as_keys(self.pepper).any(
                lambda pepper: secret_matches(pepper, presented.secret, credential, now_s)
            )

        def admits(credential: Credential) -> bool:
            may_come = credential.may_come_from(source_ip)
            return matches(credential) and may_come and scope in credential.scopes

        known = may_be_username(username)
        credential = self.accounts.credential(username, admits) if known else None
        if not matches(credential) or credential is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        account = self.accounts.account(credential.account_id, _serves(credential))
        if account is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        if not credential.may_come_from(source_ip):
            raise RequestRefused(Code.ADDRESS_NOT_ALLOWED)
        if scope not in credential.scopes:
            raise RequestRefused(Code.SCOPE_MISSING, f"(scope: {scope})")
        return Caller(account, credential)


def _serves(credential: Credential) -> Callable[[Account], bool]:
    """Return a check that an account takes requests and has the credential's callback."""
    callback = credential.callback
    return lambda account: not account.draining and (not callback or callback in account.callbacks)
