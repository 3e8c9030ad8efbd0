"""Authenticate a request: its account, its source address, and the scope of its credential.

Credentials are read in every form that the platforms use:

    X-Api-Key: <user name>.<secret>         an API key
    Authorization: Bearer <API key>         or the secret alone, if the body names the user
    Authorization: Basic <...>              base64 of user:password or of an API key, or the key
    user and password                       of the body or the query

The first form present counts; an unknown scheme is ignored. Secrets hold no dot.

    webhook-id, webhook-timestamp, webhook-signature       Standard Webhooks 1.0.0

A platform's hook signs its requests instead, with a key that is derived from the credential's
secret.

A proxy in front of the API, if there is one (CloudFront with WAF, or another), is trusted to name
the client's address. It sends a secret that its clients do not know, in a header of its own. In
X-Forwarded-For it appends each client's address to the header that the client itself sent. API
Gateway then appends the address of the proxy.
"""

import base64
import hmac
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from harkara.api.request import Request
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys, as_keys, hook_key
from harkara.base.time import Clock
from harkara.callbacks.posting import signature
from harkara.model.accounts import (
    Account,
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


class CallerRefused(RequestRefused):
    """A request with a credential's secret that goes beyond the credential's limits."""

    def __init__(self, code: Code, caller: Caller, detail: str = "") -> None:
        super().__init__(code, detail)
        self.caller = caller


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
            lambda pepper, credential: secret_matches(pepper, presented.secret, credential, now_s),
            scope,
            source_ip,
        )

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
        proves: Callable[[bytes, Credential | None], bool],
        scope: Scope,
        source_ip: str,
    ) -> Caller:
        """Return the caller; `proves` says whether a request is the credential's, by a pepper."""

        def matches(credential: Credential | None) -> bool:
            return as_keys(self.pepper).any(lambda pepper: proves(pepper, credential))

        def admits(credential: Credential) -> bool:
            may_come = credential.may_come_from(source_ip)
            return matches(credential) and may_come and scope in credential.scopes

        plausible = may_be_username(username)
        credential = self.accounts.credential(username, admits) if plausible else None
        if not matches(credential) or credential is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        account = self.accounts.account(credential.account_id, _serves(credential))
        if account is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        caller = Caller(account, credential)
        if not credential.may_come_from(source_ip):
            raise CallerRefused(Code.ADDRESS_NOT_ALLOWED, caller)
        if scope not in credential.scopes:
            raise CallerRefused(Code.SCOPE_MISSING, caller, f"(scope: {scope})")
        return caller


def _serves(credential: Credential) -> Callable[[Account], bool]:
    """Return a check that an account takes requests and has the credential's callback."""
    callback = credential.callback
    return lambda account: not account.draining and (not callback or callback in account.callbacks)


SECRET_HEADER = "x-harkara-proxy"  # noqa: S105


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """Admits requests that came through the proxy, which sends any of the keys."""

    keys: Keys

    def admit(self, request: Request) -> Request:
        """Return the request with its client's address, and without the secret.

        Raises RequestRefused for a request that bypassed the proxy.
        """
        sent = request.headers.get(SECRET_HEADER, "").encode(errors="surrogatepass")
        if not self.keys.any(lambda key: hmac.compare_digest(sent, key)):
            raise RequestRefused(Code.PROXY_REQUIRED)
        headers = {name: each for name, each in request.headers.items() if name != SECRET_HEADER}
        forwarded = headers.get("x-forwarded-for", "")
        return replace(
            request, headers=headers, source_ip=client_address(forwarded, request.source_ip)
        )


def client_address(forwarded: str, proxy: str) -> str:
    """Return the client's address from X-Forwarded-For, "" if the last entry is no address.

    Entries before the proxy's own come from the client, and never count.
    """
    entries = [entry for each in forwarded.split(",") if (entry := each.strip())]
    own = _address(proxy)
    if len(entries) > 1 and own and _address(entries[-1]) == own:
        entries.pop()  # the entry of API Gateway
    return _address(entries[-1]) if entries else ""


def _address(entry: str) -> str:
    """Return an entry's address in canonical form; it may be `1.2.3.4`, `[2001:db8::1]:443`, ..."""
    text = entry.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
