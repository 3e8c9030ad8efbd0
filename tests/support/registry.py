"""The registry of accounts in memory, and an account's callbacks with their dead letters."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harkara.base.time import Deadline
from harkara.callbacks.dead_letters import DeadLetterService, dead_letter_entry
from harkara.manage.callbacks import EndpointService
from harkara.manage.registry import RegistryService
from harkara.manage.resources import secrets_in
from harkara.model.accounts import Account, Credential, Sender, Template
from harkara.model.answers import KeywordAnswer
from harkara.model.callbacks import (
    CallbackEndpoint,
    CallbackSecrets,
    Destination,
    PostResult,
    UrlRules,
)
from harkara.model.events import Dlr
from harkara.model.fields import Fields, P, Part, name_of
from harkara.model.ledger import Lease
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import Attempt, CallbackTask
from harkara.state.endpoint_health_record import HealthRecord
from tests.support.fakes import FakeAccountStore, FakeMessageStore, Faults
from tests.support.ports import FakeDeadLetterStore
from tests.support.queues import FakeTaskQueues

# The longest sort key of DynamoDB, in bytes.
KEY_LIMIT = 1024
_FIELDS: dict[type, str] = {
    Sender: "senders",
    Template: "templates",
    CallbackEndpoint: "callbacks",
    KeywordAnswer: "answers",
}


class FakeCipher:
    """Encrypts a text by reversing it, with the callback's name in front."""

    def encrypt(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        return f"{account_id}/{callback_id}|".encode() + secrets.model_dump_json().encode()[::-1]

    def decrypt(self, account_id: str, callback_id: str, encrypted: bytes) -> CallbackSecrets:
        name, text = encrypted.split(b"|", 1)
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
        existing = self._parts(account_id, kind).get(name)
        if existing is None:
            return None
        changed = change(existing)
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
            existing = self._parts(account_id, type(part))
            self._set(account_id, type(part), {**existing, name_of(part): part})

    def credentials(
        self, account_id: str, after: str = "", limit: int | None = None
    ) -> list[Credential]:
        return [
            credential
            for name, credential in sorted(self.store.credentials.items())
            if credential.account_id == account_id and name > after
        ][:limit]

    def default_callback(self, account_id: str) -> str:
        return self.store.accounts[account_id].default_callback

    def _parts(self, account_id: str, kind: type[P]) -> dict[str, P]:
        found: dict[str, P] = getattr(self.store.accounts[account_id], _FIELDS[kind])
        return found

    def _set(self, account_id: str, kind: type[Part], parts: dict[str, Any]) -> None:
        account = self.store.accounts[account_id]
        changed = {_FIELDS[kind]: parts, "version": account.version + 1}
        self.store.accounts[account_id] = account.model_copy(update=changed)


URL = "https://api.clevertap.com/dlr"
CALLBACK = {"id": "main", "url": URL}
NOW_S = 1_767_258_000
DAY_S = 24 * 3600
SECRETS = {"headers": {"X-Key": "not-a-real-key"}, "token": "not-a-real-token"}
KEPT = CallbackSecrets(headers={"x-key": "not-a-real-key"}, token="not-a-real-token")


class CountingCipher(FakeCipher):
    """An encryption fake that records the operations which would call KMS."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def encrypt(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        self.calls.append("encrypt")
        return super().encrypt(account_id, callback_id, secrets)

    def decrypt(self, account_id: str, callback_id: str, encrypted: bytes) -> CallbackSecrets:
        self.calls.append("decrypt")
        return super().decrypt(account_id, callback_id, encrypted)


class Platform:
    """A platform that answers with one status, and keeps the posts it received."""

    timeout_s = 10.0

    def __init__(self) -> None:
        self.status = 500
        self.posts: list[tuple[CallbackTask, Destination]] = []

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        self.posts.append((callback, destination))
        return PostResult(self.status, f"HTTP {self.status}", answer="no", duration_ms=12)


class World:
    """An account, its services, the circuits they opened and the callbacks they posted."""

    def __init__(self) -> None:
        self.store = FakeAccountStore({"acme": Account(id="acme", name="Acme", carrier="sim")})
        self.cipher = CountingCipher()
        self.opened: list[tuple[str, Endpoint]] = []
        self.registry = RegistryService(
            FakeRegistry(self.store), self.cipher, self.reset_health, UrlRules()
        )
        self.messages = FakeMessageStore(Faults())
        self.queues = FakeTaskQueues(self.messages.faults, lambda: float(NOW_S))
        self.platform = Platform()
        self.health = HealthRecord()
        self.random = bytes(range(32))
        self.service = EndpointService(
            self.registry,
            DeadLetterService(FakeDeadLetterStore(self.messages), self.queues, self.reset_health),
            self.platform,
            lambda: float(NOW_S),
            lambda size: self.random[:size],
            lambda *_: self.health,
        )

    def reset_health(self, account_id: str, endpoint: Endpoint) -> None:
        self.opened.append((account_id, endpoint))

    @property
    def account(self) -> Account:
        return self.store.accounts["acme"]

    @property
    def callback(self) -> CallbackEndpoint:
        return self.account.callbacks["main"]

    @property
    def secrets(self) -> CallbackSecrets:
        return secrets_in(FakeCipher(), "acme", self.callback)

    def create(self, **fields: Any) -> None:
        self.registry.create(self.account, CallbackEndpoint, {**CALLBACK, **fields})
        self.cipher.calls.clear()

    def replace(self, **fields: Any) -> None:
        self.registry.replace(self.account, CallbackEndpoint, "main", {**CALLBACK, **fields})

    def renew(self, **fields: Any) -> str:
        return str(self.service.renew_secret(self.account, "main", fields)["secret"])

    def test(self, name: str = "main") -> dict[str, Any]:
        return dict(asyncio.run(self.service.test(self.account, name)))

    def park(self, *numbers: int, callback_id: str = "main", members: int = 1) -> None:
        """Put callbacks into the dead letters, each a second after the one before."""
        for number in numbers:
            task = CallbackTask(
                group_task_id=f"q{number}",
                group=0,
                attempt=8,
                account_id="acme",
                endpoint=Endpoint(URL, "clevertap", callback_id),
                members=(Dlr("M", "ref" * 100, State.FAILED, NOW_S),) * members,
                failures=9,
            )
            last = Attempt((NOW_S + number) * 1000, 500, "HTTP 500", "oops", 12)
            self.messages.put_if_absent([dead_letter_entry(Lease("m", "worker_id", 0), task, last)])

    def page(
        self, name: str = "main", fields: Fields = MappingProxyType({}), limit: int = 100
    ) -> tuple[list[str], Any]:
        """Return the task ids of a page of dead letters, and the position of the next page."""
        page = self.service.dead_letter_page(self.account, name, fields, limit)
        return [row["id"].split(".")[1] for row in page["parked"]], page["next"]

    def replay(self, name: str = "main", **fields: Any) -> dict[str, Any]:
        return dict(self.service.replay(self.account, name, fields, Deadline(lambda: 60.0)))
