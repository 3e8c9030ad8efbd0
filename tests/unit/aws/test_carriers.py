"""Carriers' secrets, and the connections made with them."""

import asyncio
from collections.abc import Mapping

import pytest

from harkara.aws.carriers import CarrierDirectory, decrypt_secrets, encrypt_secret
from harkara.base.errors import CarrierUnreachable, HttpAnswer, Outside, StoreUnavailable
from harkara.carriers.datasend import DatasendCarrier
from harkara.carriers.settings import CarrierSecrets
from tests.support.fakes import FakeAccountStore, no_texts
from tests.unit.aws.test_accounts import CARRIER
from tests.unit.scripted_aws import LOST, Refusal, ScriptedAws

# Secrets


def test_a_secret_is_encrypted_for_its_carrier() -> None:
    kms = ScriptedAws("kms", {"CiphertextBlob": b"cipher"})
    assert encrypt_secret(kms.client, "key", "sim", "pässword") == b"cipher"
    assert kms.requests == [
        (
            "Encrypt",
            {
                "KeyId": "key",
                "Plaintext": "pässword".encode(),
                "EncryptionContext": {"carrier": "sim"},
            },
        )
    ]


def test_a_secret_is_decrypted_for_its_carrier() -> None:
    kms = ScriptedAws("kms", {"Plaintext": "pässword".encode()})
    assert decrypt_secrets(kms.client, CARRIER) == CarrierSecrets("pässword")
    assert kms.requests == [
        (
            "Decrypt",
            {"CiphertextBlob": CARRIER.secret, "EncryptionContext": {"carrier": "sim"}},
        )
    ]


def test_a_receipt_url_is_a_secret_beside_the_password() -> None:
    kms = ScriptedAws("kms", lambda _, params: {"Plaintext": params["CiphertextBlob"][::-1]})
    carrier = CARRIER.model_copy(update={"secret": b"drow", "receipt_url": b"lru"})
    assert decrypt_secrets(kms.client, carrier) == CarrierSecrets("word", "url")


@pytest.mark.parametrize("failure", [Refusal("InvalidCiphertextException"), LOST])
def test_a_secret_that_cannot_be_had_is_an_unavailable_store(failure: Exception) -> None:
    kms = ScriptedAws("kms", failure)
    with pytest.raises(StoreUnavailable):
        decrypt_secrets(kms.client, CARRIER)
    with pytest.raises(StoreUnavailable):
        encrypt_secret(kms.client, "key", "sim", "x")


# Connections


async def unused_exchange(
    method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
) -> HttpAnswer:
    raise AssertionError("nothing is submitted here")


def directory(accounts: FakeAccountStore) -> tuple[ScriptedAws, CarrierDirectory]:
    kms = ScriptedAws("kms", {"Plaintext": b"password"})
    return kms, CarrierDirectory(accounts, kms.client, Outside(unused_exchange, no_texts))


def test_a_carrier_is_connected_once() -> None:
    kms, carriers = directory(FakeAccountStore(carriers={"sim": CARRIER}))
    first, second = asyncio.run(carriers("sim")), asyncio.run(carriers("sim"))
    assert isinstance(first.carrier, DatasendCarrier)
    assert first is second
    assert first.settings == CARRIER
    assert first.carrier.timeout_s == 5
    assert kms.operations == ["Decrypt"]


def test_a_carrier_whose_settings_changed_is_connected_anew() -> None:
    accounts = FakeAccountStore(carriers={"sim": CARRIER})
    kms, carriers = directory(accounts)
    first = asyncio.run(carriers("sim"))
    accounts.carriers["sim"] = CARRIER.model_copy(update={"timeout_s": 4.0})
    second = asyncio.run(carriers("sim"))
    assert (first.carrier.timeout_s, second.carrier.timeout_s) == (5, 8)
    assert len(kms.requests) == 2


def test_a_carrier_that_is_not_configured_cannot_be_reached() -> None:
    kms, carriers = directory(FakeAccountStore())
    with pytest.raises(CarrierUnreachable, match="'gone'"):
        asyncio.run(carriers("gone"))
    assert kms.requests == []
