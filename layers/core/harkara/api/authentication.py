"""Authenticate a request: its account, and the scope of its credential.

Credentials are read in every form that the platforms use:

    X-Api-Key: <user name>.<secret>         an API key
    Authorization: Bearer <API key>         or the secret alone, if the body names the user
    Authorization: Basic <...>              base64 of user:password or of an API key, or the key
    user and password                       of the body or the query

The first form present counts; an unknown scheme is ignored. Secrets hold no dot.

    webhook-id, webhook-timestamp, webhook-signature       Standard Webhooks 1.0.0

A platform's hook signs its requests instead, with a key that is derived from the credential's
secret.
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

from harkara.api.request import Request
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys, as_keys, hook_key
from harkara.base.time import Clock
from harkara.callbacks.posting import signature
from harkara.model.accounts import (
    Caller,
    Credential,
    Scope,
    any_secret,
    may_be_username,
    secret_matches,
)
from harkara.ports import AccountStore

# As the libraries of Standard Webhooks have it ("Verifying signatures").
SIGNED_WITHIN_S = 300


Fields = dict[str, Any]
Opened = Callable[[], tuple[tuple[str, str], Fields]]
"""Decodes a body; returns its user name and password, and its fields."""


class Proof(Protocol):
    """Tells whether a request is a credential's, by a pepper; of no credential it never is."""

    def __call__(self, pepper: bytes, credential: Credential | None) -> bool: ...


class CallerRefused(RequestRefused):
    """A refused request of a known caller: beyond the credential's limits, or with a bad body."""

    def __init__(self, code: Code, caller: Caller, detail: str = "") -> None:
        super().__init__(code, detail)
        self.caller = caller


class CallerFor(Protocol):
    """Authenticates the request at hand, for a route. Raises RequestRefused, StoreUnavailable."""

    def __call__(self, scope: Scope, username: str = "", password: str = "") -> Caller: ...


class Presented(NamedTuple):
    """The user name and secret of a request; empty if missing."""

    username: str
    secret: str


def presented(headers: Mapping[str, str], username: str = "", password: str = "") -> Presented:
    """Return the credentials of a request.

    Names of headers are in lower case; `username` and `password` are those of body or query.
    """
    api_key = headers.get("x-api-key", "").strip()
    if api_key:
        return _of_key(api_key, username)
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if value and scheme.lower() == "bearer":
        return _of_key(value, username)
    if value and scheme.lower() == "basic":
        return _of_basic(value, username)
    return Presented(username, password)


def _of_basic(value: str, username: str) -> Presented:
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except ValueError:  # includes binascii.Error and UnicodeDecodeError
        return _of_key(value, username)
    user, _, password = decoded.partition(":")
    # Some clients send an API key as the user of an empty password.
    return Presented(user, password) if password else _of_key(user, username)


def _of_key(key: str, username: str) -> Presented:
    user, dot, secret = key.partition(".")
    return Presented(user, secret) if dot else Presented(username, key)


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
        now_s = self.clock()
        return self._authenticate(
            presented.username,
            partial(secret_matches, secret=presented.secret, now_s=now_s),
            scope,
            source_ip,
        )

    def admit(
        self, request: Request, scope: Scope, opened: Opened | None = None
    ) -> tuple[Caller, Fields]:
        """Return the caller and the fields of a body. Raises as `authenticate`, and as `opened`.

        The body is decoded last if the headers authenticate; without `opened` there are no fields.
        """
        shown, fields = presented(request.headers), Fields()
        reads_first = opened is not None and not all(shown)
        if opened and reads_first:
            credentials, fields = opened()
            shown = presented(request.headers, *credentials)
        caller = self.authenticate(shown, scope, request.source_ip)
        if opened and not reads_first:
            try:
                _, fields = opened()
            except RequestRefused as refused:
                raise CallerRefused(refused.code, caller, refused.detail) from refused
        return caller, fields

    def authenticate_signed(self, username: str, request: Request, scope: Scope) -> Caller:
        """Return the caller of a request that is signed for this user. Raises as `authenticate`."""
        now_s, header = self.clock(), request.headers.get
        webhook_id, timestamp = header("webhook-id", ""), header("webhook-timestamp", "")
        # Several signatures are separated by blanks; Supabase puts commas before these.
        signatures = [each.rstrip(",").encode() for each in header("webhook-signature", "").split()]
        recent = re.fullmatch("[0-9]{1,12}", timestamp) and (
            abs(now_s - int(timestamp)) <= SIGNED_WITHIN_S
        )

        def fits(pepper: bytes, secret_hash: str) -> bool:
            key = hook_key(pepper, secret_hash)
            expected = signature(key, webhook_id, timestamp, request.body).encode()
            return any([hmac.compare_digest(each, expected) for each in signatures])

        return self._authenticate(
            username if recent and webhook_id else "",
            lambda pepper, credential: any_secret(credential, now_s, partial(fits, pepper)),
            scope,
            request.source_ip,
        )

    def _authenticate(
        self,
        username: str,
        proves: Proof,
        scope: Scope,
        source_ip: str,
    ) -> Caller:
        """Return the caller whose request `proves` itself to be."""
        plausible, peppers = may_be_username(username), as_keys(self.pepper)

        def admits(credential: Credential) -> bool:
            proven = peppers.any(partial(proves, credential=credential))
            return proven and credential.may_come_from(source_ip) and scope in credential.scopes

        credential = self.accounts.credential(username, admits) if plausible else None
        if not peppers.any(partial(proves, credential=credential)) or credential is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        callback = credential.callback
        account = self.accounts.account(
            credential.account_id,
            lambda now: not now.draining and (not callback or callback in now.callbacks),
        )
        if account is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        caller = Caller(account, credential)
        if not credential.may_come_from(source_ip):
            raise CallerRefused(Code.ADDRESS_NOT_ALLOWED, caller)
        if scope not in credential.scopes:
            raise CallerRefused(Code.SCOPE_MISSING, caller, f"(scope: {scope})")
        return caller
