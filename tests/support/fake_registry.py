"""The registry of accounts in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harkara.base.time import Deadline
from harkara.model.accounts import Credential, Sender, Template
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets
from harkara.model.fields import P, Part, name_of
from tests.support.fakes import FakeAccountStore

# The longest sort key of DynamoDB, in bytes.
KEY_LIMIT = 1024
_FIELDS: dict[type, str] = {
    Sender: "senders",
    Template: "templates",
    CallbackEndpoint: "callbacks",
}


class FakeCipher:
    """Encrypts a text by reversing it, with the callback's name in front."""

    def encrypt(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        return f"{account_id}/{callback_id}|".encode() + secrets.model_dump_json().encode()[::-1]

    def decrypt(self, account_id: str, callback_id: str, sealed: bytes) -> CallbackSecrets:
        name, text = sealed.split(b"|", 1)
        assert name == f"{account_id}/{callback_id}".encode()
        return CallbackSecrets.model_validate_json(text[::-1])


@dataclass
class FakeRegistry:
    """Changes the accounts of a store."""

    store: FakeAccountStore

    def get(self, account_id: str, kind: type[P], name: str) -> P | None:
        assert len(name) <= KEY_LIMIT
        return self._parts(account_id, kind).get(name)

    def find(
        self, account_id: str, kind: type[P], after: str = "", limit: int | None = None
    ) -> list[P]:
        parts = sorted(self._parts(account_id, kind).items())
        return [part for name, part in parts if name > after][:limit]

    def create(self, account_id: str, part: Part) -> bool:
        if name_of(part) in self._parts(account_id, type(part)):
            return False
        self.put_all(account_id, [part])
        return True

    def change(
        self, account_id: str, kind: type[P], name: str, change: Callable[[P], P]
    ) -> P | None:
        known = self._parts(account_id, kind).get(name)
        if known is None:
            return None
        changed = change(known)
        self.put_all(account_id, [changed])
        return changed

    def remove(self, account_id: str, kind: type[Part], name: str) -> bool:
        assert len(name) <= KEY_LIMIT
        parts = dict(self._parts(account_id, kind))
        found = parts.pop(name, None)
        self._set(account_id, kind, parts)
        return found is not None

    def put_all(
        self, account_id: str, parts: Sequence[Part], deadline: Deadline | None = None
    ) -> None:
        for part in parts:
            known = self._parts(account_id, type(part))
            self._set(account_id, type(part), {**known, name_of(part): part})

    def credentials(self, account_id: str) -> list[Credential]:
        return [
            credential
            for credential in self.store.credentials.values()
            if credential.account_id == account_id
        ]

    def default_callback(self, account_id: str) -> str:
        return self.store.accounts[account_id].default_callback

    def _parts(self, account_id: str, kind: type[P]) -> dict[str, P]:
        found: dict[str, P] = getattr(self.store.accounts[account_id], _FIELDS[kind])
        return found

    def _set(self, account_id: str, kind: type[Part], parts: dict[str, Any]) -> None:
        account = self.store.accounts[account_id]
        changed = {_FIELDS[kind]: parts, "version": account.version + 1}
        self.store.accounts[account_id] = account.model_copy(update=changed)
