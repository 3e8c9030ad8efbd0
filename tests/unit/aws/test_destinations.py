"""Destinations of callbacks, with secrets that KMS decrypts for this callback alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from harkara.aws.destinations import KmsCipher, KmsDestinations
from harkara.model.accounts import Account
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, unregistered
from harkara.model.messages import Endpoint
from tests.support.fakes import FakeAccountStore
from tests.support.limits import FakeClient

URL = "https://api.clevertap.com/dlr"
SECRETS = CallbackSecrets(token="not-a-real-token", headers={"x-key": "not-a-real-key"})


class Kms(FakeClient):  # type: ignore[misc]
    """Encrypts by writing the context beside the text."""

    def __init__(self) -> None:
        self.decrypted = 0

    def encrypt(
        self, *, KeyId: str, Plaintext: bytes, EncryptionContext: Mapping[str, str]
    ) -> dict[str, Any]:
        return {"CiphertextBlob": f"{KeyId}|{EncryptionContext}|".encode() + Plaintext}

    def decrypt(
        self, *, CiphertextBlob: bytes, EncryptionContext: Mapping[str, str]
    ) -> dict[str, Any]:
        self.decrypted += 1
        key, context, text = CiphertextBlob.split(b"|", 2)
        assert (key, context) == (b"key", str(EncryptionContext).encode())
        return {"Plaintext": text}


@pytest.fixture
def kms() -> Kms:
    return Kms()


@pytest.fixture
def destinations(kms: Kms) -> KmsDestinations:
    encrypted = KmsCipher(kms, "key").encrypt("acme", "main", SECRETS)
    callbacks = {
        "main": CallbackEndpoint(id="main", url=URL, encrypted=encrypted),
        "plain": CallbackEndpoint(id="plain", url=URL),
    }
    account = Account(id="acme", name="Acme", carrier="sim", callbacks=callbacks)
    return KmsDestinations(FakeAccountStore({"acme": account}), kms)


def test_a_registered_callback_has_its_settings_and_secrets(
    destinations: KmsDestinations, kms: Kms
) -> None:
    for _ in range(2):
        found = destinations.find("acme", Endpoint("https://old.example/", "clevertap", "main"))
        assert found is not None
        assert found.settings.url == URL
        assert found.secrets == SECRETS
    assert kms.decrypted == 1


def test_a_callback_without_secrets_costs_no_call(destinations: KmsDestinations, kms: Kms) -> None:
    found = destinations.find("acme", Endpoint(URL, "clevertap", "plain"))
    assert found is not None
    assert found.secrets == CallbackSecrets()
    assert kms.decrypted == 0


@pytest.mark.parametrize("account", ["acme", "nobody"])
def test_a_callback_that_was_removed_is_nowhere(
    destinations: KmsDestinations, account: str
) -> None:
    assert destinations.find(account, Endpoint(URL, "clevertap", "gone")) is None


def test_a_url_of_a_request_goes_as_it_is(destinations: KmsDestinations) -> None:
    endpoint = Endpoint("https://dlr.moengage.com/x", "clevertap")
    assert destinations.find("acme", endpoint) == unregistered(endpoint)


def test_a_secret_is_bound_to_its_callback(kms: Kms) -> None:
    cipher = KmsCipher(kms, "key")
    encrypted = cipher.encrypt("acme", "main", SECRETS)
    assert cipher.decrypt("acme", "main", encrypted) == SECRETS
    for account, callback in (("acme", "spare"), ("other", "main")):
        with pytest.raises(AssertionError):
            cipher.decrypt(account, callback, encrypted)
