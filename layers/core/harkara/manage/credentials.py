"""Create, change and revoke an account's credentials, and renew and end their secrets.

A secret is returned once, by the call that makes it; the store has its keyed hash alone.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from pydantic import BaseModel

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused, UnknownCallback
from harkara.base.ids import Randomness
from harkara.base.keys import Keys, Networks, as_keys, hook_key, new_secret
from harkara.base.time import Clock
from harkara.callbacks.posting import SECRET_PREFIX
from harkara.manage.audit import refusals
from harkara.model.accounts import (
    Credential,
    Scope,
    Secret,
    has_expired,
    hash_secret,
    may_be_username,
)
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import CallbackReference, Fields, OneCategory, Rule, read, unique
from harkara.ports import Registry

NETWORKS_LIMIT = 100
# The year 3000: later times cannot be shown in every zone.
_LATEST_S = 32_503_680_000
_MARK_LENGTH = 16


class CredentialStore(Protocol):
    """The credentials of all accounts, read without a cache. Each method raises StoreUnavailable.

    Functions that are given are called again if the credential was changed meanwhile. What they
    raise ends the call without a change.
    """

    def credential(self, username: str) -> Credential | None:
        """Return a credential."""

    def create_credential(self, credential: Credential) -> bool:
        """Store a credential; return False, and store nothing, if its user name is taken."""

    def change_credential(
        self, username: str, change: Callable[[Credential], Credential]
    ) -> Credential | None:
        """Replace a credential by the result of `change` and return it; None if there is none."""

    def remove_credential(self, username: str, check: Callable[[Credential], None]) -> bool:
        """Remove a credential unless `check` raises; return False if there is none."""


def _some(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    if not scopes:
        raise ValueError
    return unique(scopes)


def _few(networks: tuple[str, ...]) -> tuple[str, ...]:
    if len(networks) > NETWORKS_LIMIT:
        raise ValueError
    return unique(networks)


class CredentialRequest(BaseModel):
    """What may be set of a credential; `expires_at_s` is in Unix seconds, None for never."""

    scopes: Annotated[
        tuple[Scope, ...], Rule(f"one or more of {', '.join(Scope)}", check=_some)
    ] = tuple(Scope)
    networks: Annotated[
        Networks, Rule(f"up to {NETWORKS_LIMIT} networks in CIDR form", check=_few)
    ] = ()
    callback: CallbackReference = ""
    default_category: OneCategory | None = None
    expires_at_s: int | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The fields of the credential."""
        return {**dict(self), "expires_at_s": self.expires_at_s or 0}


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A new secret of a credential, and the one of a platform's hook; `repr` shows neither."""

    username: str
    secret: str = field(repr=False)
    hook_secret: str = field(repr=False)

    @property
    def api_key(self) -> str:
        """The API key: user name and secret in one field."""
        return f"{self.username}.{self.secret}"


@dataclass(frozen=True, slots=True)
class CredentialService:
    """Manages the credentials of accounts; to an account those of others do not exist.

    Its methods raise RequestRefused (NOT_FOUND, and others that they name) and StoreUnavailable.
    Where `seen` is given, it is the `mark_of` the credential that a person saw: INVALID_REQUEST
    if it has a newer secret by now.
    """

    registry: Registry
    store: CredentialStore
    pepper: bytes | Keys
    clock: Clock
    randomness: Randomness

    def get(self, account_id: str, username: str) -> Credential:
        """Return a credential of an account."""
        found = self.store.credential(username) if may_be_username(username) else None
        if found is None:
            raise RequestRefused(Code.NOT_FOUND)
        _check_owner(found, account_id)
        return found

    def create(self, account_id: str, username: str, fields: Fields) -> IssuedSecret:
        """Create a credential. Raises INVALID_REQUEST, and ALREADY_EXISTS for a taken name."""
        with refusals():
            if not may_be_username(username):
                raise FieldRefused("username", "1 to 64 letters, digits, _ or -")
            request = self._read(account_id, fields)
        secret, stored = self._new_secret()
        credential = Credential(
            username=username, account_id=account_id, secrets=(stored,), **request.settings
        )
        if not self.store.create_credential(credential):
            raise RequestRefused(Code.ALREADY_EXISTS)
        return IssuedSecret(username, secret, self.hook_secret(credential))

    def change(self, account_id: str, username: str, fields: Fields) -> None:
        """Set what the fields say, and for others their defaults. Raises INVALID_REQUEST.

        The secrets stay. An expiry that has passed may stay too.
        """
        existing = self.get(account_id, username)
        with refusals():
            request = self._read(account_id, fields, existing.expires_at_s or None)
        settings = request.settings
        self._change(account_id, username, lambda each: each.model_copy(update=settings))

    def rotate(
        self, account_id: str, username: str, overlap_s: int, seen: str | None = None
    ) -> IssuedSecret:
        """Give a credential a new secret. Those before it end after `overlap_s`, or as they do."""
        secret, stored = self._new_secret()
        now_s = int(self.clock())
        ends_s = now_s + overlap_s

        def renew(credential: Credential) -> Credential:
            if stored in credential.secrets:  # the answer to the first write was lost
                return credential
            _check_seen(credential, seen)
            older = [
                Secret(hash=each.hash, expires_at_s=min(each.expires_at_s or ends_s, ends_s))
                for each in credential.secrets
            ]
            valid = [each for each in older if not has_expired(each.expires_at_s, now_s)]
            return credential.model_copy(update={"secrets": (stored, *valid)})

        changed = self._change(account_id, username, renew)
        return IssuedSecret(username, secret, self.hook_secret(changed))

    def end_old_secrets(self, account_id: str, username: str, seen: str) -> None:
        """End all secrets of a credential but the newest."""

        def end(credential: Credential) -> Credential:
            _check_seen(credential, seen)
            return credential.model_copy(update={"secrets": credential.secrets[:1]})

        self._change(account_id, username, end)

    def revoke(self, account_id: str, username: str, seen: str | None = None) -> None:
        """Remove a credential with its secrets; it may work for up to a minute more."""
        self.get(account_id, username)

        def check(credential: Credential) -> None:
            _check_owner(credential, account_id)
            _check_seen(credential, seen)

        if not self.store.remove_credential(username, check):
            raise RequestRefused(Code.NOT_FOUND)

    def hook_secret(self, credential: Credential) -> str:
        """Return the secret with which a platform's hook signs (Standard Webhooks).

        It is made of the newest secret, and ends with that.
        """
        key = hook_key(as_keys(self.pepper).first(), credential.secrets[0].hash)
        return f"v1,{SECRET_PREFIX}{b64encode(key).decode()}"

    def _new_secret(self) -> tuple[str, Secret]:
        """Return a secret as it is shown, and as it is stored."""
        secret = new_secret(self.randomness)
        return secret, Secret(hash=hash_secret(as_keys(self.pepper).first(), secret))

    def _read(
        self, account_id: str, fields: Fields, existing_s: int | None = None
    ) -> CredentialRequest:
        """Return a request that may be granted; the existing expiry may be any time."""
        request = read(CredentialRequest, fields)
        name, ends_s = request.callback, request.expires_at_s
        if name and self.registry.get(account_id, CallbackEndpoint, name) is None:
            raise UnknownCallback("callback")
        if not (ends_s is None or ends_s == existing_s or self.clock() < ends_s < _LATEST_S):
            raise FieldRefused("expires_at_s", "a time to come, before the year 3000")
        return request

    def _change(
        self, account_id: str, username: str, change: Callable[[Credential], Credential]
    ) -> Credential:
        def own(credential: Credential) -> Credential:
            _check_owner(credential, account_id)
            return change(credential)

        known = may_be_username(username)
        changed = self.store.change_credential(username, own) if known else None
        if changed is None:
            raise RequestRefused(Code.NOT_FOUND)
        return changed


def hook_url(base_url: str, username: str, platform: str = "supabase") -> str:
    """Return the URL of a platform's hook for a credential."""
    return f"{base_url.rstrip('/')}/hooks/{platform}?user={username}"


def mark_of(credential: Credential) -> str:
    """Return a mark of a credential's newest secret, by which a form names it."""
    return hashlib.sha256(credential.secrets[0].hash.encode()).hexdigest()[:_MARK_LENGTH]


def _check_owner(credential: Credential, account_id: str) -> None:
    if credential.account_id != account_id:
        raise RequestRefused(Code.NOT_FOUND)


def _check_seen(credential: Credential, seen: str | None) -> None:
    if seen is not None and seen != mark_of(credential):
        rule = "it was renewed since this page was opened: look when the older ones end, and go on"
        with refusals():
            raise FieldRefused("secret", rule)
