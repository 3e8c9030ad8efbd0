"""Registered callbacks with secrets: kept over a change, renewed, and tried."""

import asyncio
import math
from base64 import b64decode
from typing import Any

import pytest

from harkara.accounts import Account
from harkara.callback_settings import CallbackEndpoint, CallbackSecrets, Destination, SigningSecret
from harkara.callback_urls import UrlRules
from harkara.callbacks import FORMATS
from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.events import Dlr
from harkara.messages import State
from harkara.ports import PostResult
from harkara.services.endpoints import EndpointService
from harkara.services.registry import RegistryService
from harkara.services.sealing import secrets_in
from harkara.tasks import CallbackTask
from tests.fake_registry import FakeRegistry, FakeVault
from tests.fakes import FakeAccountStore

URL = "https://api.clevertap.com/dlr"
CALLBACK = {"id": "main", "url": URL}
NOW_S = 1_767_258_000
DAY_S = 24 * 3600
SECRETS = {"headers": {"X-Key": "not-a-real-key"}, "token": "not-a-real-token"}
KEPT = CallbackSecrets(headers={"x-key": "not-a-real-key"}, token="not-a-real-token")


class CountingVault(FakeVault):
    """Counts what costs a call of KMS."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def seal(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        self.calls.append("seal")
        return super().seal(account_id, callback_id, secrets)

    def unseal(self, account_id: str, callback_id: str, sealed: bytes) -> CallbackSecrets:
        self.calls.append("unseal")
        return super().unseal(account_id, callback_id, sealed)


class Platform:
    """Answers 500, and keeps what it was sent."""

    timeout_s = 10.0

    def __init__(self) -> None:
        self.posts: list[tuple[CallbackTask, Destination]] = []

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        self.posts.append((callback, destination))
        return PostResult(500, "HTTP 500", answer="no", duration_ms=12)


class World:
    def __init__(self) -> None:
        self.store = FakeAccountStore({"acme": Account(id="acme", name="Acme", carrier="sim")})
        self.vault = CountingVault()
        self.registry = RegistryService(FakeRegistry(self.store), self.vault, UrlRules())
        self.platform = Platform()
        self.random = bytes(range(32))
        self.service = EndpointService(
            self.registry, self.platform, lambda: float(NOW_S), lambda size: self.random[:size]
        )

    @property
    def account(self) -> Account:
        return self.store.accounts["acme"]

    @property
    def callback(self) -> CallbackEndpoint:
        return self.account.callbacks["main"]

    @property
    def secrets(self) -> CallbackSecrets:
        return secrets_in(FakeVault(), "acme", self.callback)

    def create(self, **fields: Any) -> None:
        self.registry.create(self.account, CallbackEndpoint, {**CALLBACK, **fields})
        self.vault.calls.clear()

    def replace(self, **fields: Any) -> None:
        self.registry.replace(self.account, CallbackEndpoint, "main", {**CALLBACK, **fields})

    def renew(self, **fields: Any) -> str:
        return str(self.service.renew_secret(self.account, "main", fields)["secret"])

    def test(self, name: str = "main") -> dict[str, Any]:
        return asyncio.run(self.service.test(self.account, name))


@pytest.fixture
def world() -> World:
    return World()


def test_secrets_are_sealed_and_their_names_are_shown(world: World) -> None:
    world.create(**SECRETS)
    assert (world.callback.header_names, world.callback.has_token) == (("x-key",), True)
    assert not world.callback.signed
    assert world.secrets == KEPT
    assert "not-a-real" not in world.callback.model_dump_json()


def test_a_change_keeps_the_secrets_that_it_does_not_name(world: World) -> None:
    world.create(**SECRETS)
    secret = world.renew()
    world.replace(name="Changed", token="other")
    assert world.callback.name == "Changed"
    assert world.secrets.token == "other"
    assert world.secrets.headers == KEPT.headers
    assert world.secrets.signing == (SigningSecret(secret=secret),)
    assert world.callback.signed


def test_a_change_of_no_secret_seals_nothing(world: World) -> None:
    world.create(**SECRETS)
    sealed = world.callback.sealed
    world.replace(name="Changed", header_names=[], has_token=False, signed=True)
    assert world.callback.sealed == sealed
    assert (world.callback.header_names, world.callback.signed) == (("x-key",), False)
    assert world.vault.calls == ["unseal"]


def test_a_callback_without_secrets_costs_no_call(world: World) -> None:
    world.create()
    world.replace(name="Changed")
    world.test()
    assert world.callback.sealed == b""
    assert world.vault.calls == []


def test_secrets_that_are_taken_out_leave_nothing(world: World) -> None:
    world.create(**SECRETS)
    world.replace(headers={}, token="")
    assert world.callback == CallbackEndpoint(id="main", url=URL)


def test_what_cannot_be_beside_what_is_kept_is_refused(world: World) -> None:
    world.create(**SECRETS)
    before = world.callback
    with pytest.raises(RequestRefused) as error:
        world.replace(headers={"authorization": "s3cret"})
    assert error.value.code is Code.INVALID_REQUEST
    assert "(headers: no authorization" in error.value.message
    assert "s3cret" not in error.value.message
    assert world.callback == before


def test_a_signing_secret_is_of_32_random_bytes(world: World) -> None:
    world.create()
    secret = world.renew()
    assert secret.startswith("whsec_")
    assert b64decode(secret.removeprefix("whsec_"), validate=True) == world.random
    assert world.secrets.signing == (SigningSecret(secret=secret),)
    assert world.callback.signed


def test_the_signing_secret_before_ends_after_the_overlap(world: World) -> None:
    world.create(**SECRETS)
    first = world.renew()
    world.random = bytes(32)
    second = world.renew()
    assert second != first
    assert world.secrets == KEPT.model_copy(
        update={
            "signing": (
                SigningSecret(secret=second),
                SigningSecret(secret=first, expires_at_s=NOW_S + DAY_S),
            )
        }
    )
    world.renew(overlap_s=0)
    assert [each.secret for each in world.secrets.signing] == [second]


@pytest.mark.parametrize("fields", [{"overlap_s": -1}, {"overlap_s": "1d"}, {"secret": "mine"}])
def test_another_renewal_is_refused(fields: dict[str, Any], world: World) -> None:
    world.create()
    with pytest.raises(RequestRefused, match="INVALID_REQUEST"):
        world.renew(**fields)
    assert not world.callback.signed


@pytest.mark.parametrize("name", ["gone", "x" * 5_000])
def test_what_is_not_there_is_neither_renewed_nor_tried(name: str, world: World) -> None:
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.service.renew_secret(world.account, name, {})
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.test(name)
    assert world.platform.posts == []


def test_a_sample_goes_where_the_callback_says_with_its_secrets(world: World) -> None:
    world.create(**SECRETS)
    tried = world.test()
    assert tried == {"status": 500, "reason": "HTTP 500", "duration_ms": 12, "answer": "no"}
    ((task, destination),) = world.platform.posts
    assert destination == Destination(world.callback, KEPT)
    assert task.webhook_id == f"test-{world.random[:8].hex()}.0"
    assert (task.account_id, task.attempt) == ("acme", 0)
    assert task.members == (Dlr("test", "test", State.DELIVERED, NOW_S, "", "910000000000", 1),)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("form", FORMATS)
def test_a_sample_is_of_a_state_that_is_wanted_and_can_be_told(
    state: State, form: str, world: World
) -> None:
    world.create(states=[state], format=form)
    world.test()
    ((task, destination),) = world.platform.posts
    assert [member.state for member in task.members if isinstance(member, Dlr)] == [state]
    assert FORMATS[form].render(task.members, destination.settings)


def test_a_vault_that_fails_changes_nothing(world: World) -> None:
    def fail(*_: object) -> bytes:
        raise StoreUnavailable("a text of AWS")

    world.create()
    before = world.callback
    world.vault.seal = fail  # type: ignore[method-assign,assignment]
    for change in (lambda: world.replace(**SECRETS), world.renew):
        with pytest.raises(StoreUnavailable):
            change()
    assert world.callback == before
