"""An account's callbacks in memory, with their secrets and dead letters."""

import asyncio
import math
from types import MappingProxyType
from typing import Any

from harkara.base.time import Deadline
from harkara.callbacks.dead_letters import DeadLetterService
from harkara.manage.callbacks import EndpointService
from harkara.manage.registry import RegistryService
from harkara.manage.resources import secrets_in
from harkara.model.accounts import Account
from harkara.model.callbacks import (
    CallbackEndpoint,
    CallbackSecrets,
    Destination,
    PostResult,
    UrlRules,
)
from harkara.model.events import Dlr
from harkara.model.fields import Fields
from harkara.model.ledger import Lease, dead_letter_entry
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import Attempt, CallbackTask
from harkara.state.endpoint_health_record import HealthRecord
from tests.support.fake_parked import FakeDeadLetterStore
from tests.support.fake_queues import FakeTaskQueues
from tests.support.fake_registry import FakeCipher, FakeRegistry
from tests.support.fakes import FakeAccountStore, FakeMessageStore, Faults

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

    def decrypt(self, account_id: str, callback_id: str, sealed: bytes) -> CallbackSecrets:
        self.calls.append("decrypt")
        return super().decrypt(account_id, callback_id, sealed)


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
            FakeRegistry(self.store), self.cipher, self.open_door, UrlRules()
        )
        self.messages = FakeMessageStore(Faults())
        self.queues = FakeTaskQueues(self.messages.faults, lambda: float(NOW_S))
        self.platform = Platform()
        self.health = HealthRecord()
        self.random = bytes(range(32))
        self.service = EndpointService(
            self.registry,
            DeadLetterService(FakeDeadLetterStore(self.messages), self.queues, self.open_door),
            self.platform,
            lambda: float(NOW_S),
            lambda size: self.random[:size],
            lambda *_: self.health,
        )

    def open_door(self, account_id: str, endpoint: Endpoint) -> None:
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
        return asyncio.run(self.service.test(self.account, name))

    def park(self, *numbers: int, callback_id: str = "main", members: int = 1) -> None:
        """Put callbacks into the dead letters, each a second after the one before."""
        for number in numbers:
            task = CallbackTask(
                group_owner=f"q{number}",
                group=0,
                attempt=8,
                account_id="acme",
                endpoint=Endpoint(URL, "clevertap", callback_id),
                members=(Dlr("M", "ref" * 100, State.FAILED, NOW_S),) * members,
                failures=9,
            )
            last = Attempt((NOW_S + number) * 1000, 500, "HTTP 500", "oops", 12)
            self.messages.put_if_absent([dead_letter_entry(Lease("m", "holder", 0), task, last)])

    def page(
        self, name: str = "main", fields: Fields = MappingProxyType({}), limit: int = 100
    ) -> tuple[list[str], Any]:
        """Return the owners of a page of dead letters, and the position of the next page."""
        page = self.service.parked_page(self.account, name, fields, limit)
        return [row["id"].split(".")[1] for row in page["parked"]], page["next"]

    def replay(self, name: str = "main", **fields: Any) -> dict[str, Any]:
        return self.service.replay(self.account, name, fields, Deadline(lambda: 60.0))
