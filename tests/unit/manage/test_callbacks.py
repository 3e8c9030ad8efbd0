"""Registered callbacks with secrets: kept over a change, renewed, and tested."""

from base64 import b64decode
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.formats.clevertap import RETRY_DELAYS_S
from harkara.model.callbacks import CallbackEndpoint, Destination, SigningSecret
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.state.endpoint_health_record import HealthRecord
from tests.support.registry import DAY_S, KEPT, NOW_S, SECRETS, URL, World


@pytest.fixture
def world() -> World:
    return World()


def test_secrets_are_encrypted_and_their_names_are_shown(world: World) -> None:
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


def test_a_change_of_no_secret_encrypts_nothing(world: World) -> None:
    world.create(**SECRETS)
    encrypted = world.callback.encrypted
    world.replace(name="Changed", header_names=[], has_token=False, signed=True)
    assert world.callback.encrypted == encrypted
    assert (world.callback.header_names, world.callback.signed) == (("x-key",), False)
    assert world.cipher.calls == ["decrypt"]


def test_a_callback_without_secrets_costs_no_call(world: World) -> None:
    world.create()
    world.replace(name="Changed")
    world.test()
    assert world.callback.encrypted == b""
    assert world.cipher.calls == []


def test_secrets_that_are_taken_out_leave_nothing(world: World) -> None:
    world.create(**SECRETS)
    world.replace(headers={}, token="")
    assert world.callback == CallbackEndpoint(id="main", url=URL, retry_delays_s=RETRY_DELAYS_S)


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


@pytest.mark.parametrize(("status", "opens"), [(200, True), (204, True), (410, False), (0, False)])
def test_a_sample_that_is_taken_closes_the_circuit(status: int, opens: bool, world: World) -> None:
    world.create()
    world.opened.clear()
    world.platform.status = status
    world.test()
    assert world.opened == ([("acme", Endpoint(URL, "clevertap", "main"))] if opens else [])


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


def test_an_encryption_that_fails_changes_nothing(world: World) -> None:
    def fail(*_: object) -> bytes:
        raise StoreUnavailable("a text of AWS")

    world.create()
    before = world.callback
    world.cipher.encrypt = fail  # type: ignore[method-assign,assignment]
    for change in (lambda: world.replace(**SECRETS), world.renew):
        with pytest.raises(StoreUnavailable):
            change()
    assert world.callback == before


NOW_MS = NOW_S * 1000


@pytest.mark.parametrize(
    ("record", "state", "open_s"),
    [
        (HealthRecord(), "unproven", 0),
        (HealthRecord(acked_ms=NOW_MS - 1000), "healthy", 0),
        (HealthRecord(acked_ms=NOW_MS - 3_600_000), "unproven", 0),
        (HealthRecord(failures=3, failed_ms=NOW_MS, open_until_ms=NOW_MS + 4_500), "failing", 5),
        (HealthRecord(open_until_ms=NOW_MS + 1000, throttled=True), "paused", 1),
        (HealthRecord(open_until_ms=NOW_MS - 1, throttled=True), "unproven", 0),
        (HealthRecord(acked_ms=NOW_MS, gone=True), "gone", 0),
    ],
)
def test_the_health_of_a_callback_is_told_in_a_word(
    record: HealthRecord, state: str, open_s: int, world: World
) -> None:
    world.create()
    world.health = record
    reported = world.service.health(world.account, "main")
    assert (reported["state"], reported["open_s"], reported["failures"]) == (
        state,
        open_s,
        record.failures,
    )
    assert (reported["acked_at"] is None) == (record.acked_ms == 0)


def test_the_health_of_no_callback_is_not_found(world: World) -> None:
    with pytest.raises(RequestRefused) as refused:
        world.service.health(world.account, "other")
    assert refused.value.code is Code.NOT_FOUND
