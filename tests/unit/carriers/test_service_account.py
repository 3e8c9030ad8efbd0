"""The key of a service account: what it signs, and keys that are refused without being shown."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.base.errors import TokenUnavailable
from harkara.carriers.service_account import KEY_LIMIT_BYTES, assertion, read_key
from tests.support.google import claims_of, service_account

FILE = from_json(service_account().file)
_PEM, _PKCS8 = Encoding.PEM, PrivateFormat.PKCS8
ENCRYPTED = (
    generate_private_key(65537, 2048)
    .private_bytes(_PEM, _PKCS8, BestAvailableEncryption(b"p"))
    .decode()
)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
PUBLIC = service_account().public.public_bytes(_PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@given(st.text(max_size=40), st.text(min_size=1, max_size=40), st.integers(0, 2**33))
def test_an_assertion_is_signed_and_says_who_asks_for_what(
    audience: str, scope: str, now_s: int
) -> None:
    assert claims_of(assertion(service_account().file, audience, scope, now_s + 0.5)) == {
        "iss": "rbm@acme.example",
        "scope": scope,
        "aud": audience,
        "iat": now_s,
        "exp": now_s + 3600,
    }


def test_a_changed_assertion_is_not_signed() -> None:
    head, claims, signature = assertion(service_account().file, "a", "s", 0).split(".")
    with pytest.raises(InvalidSignature):
        claims_of(f"{head}.{claims[:-2]}AA.{signature}")


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("s3cret-password", id="a password"),
        pytest.param("", id="nothing"),
        pytest.param("null", id="null"),
        pytest.param(to_json({**FILE, "type": "authorized_user"}).decode(), id="of a person"),
        pytest.param(to_json({**FILE, "client_email": ""}).decode(), id="no name"),
        pytest.param(to_json({**FILE, "private_key": "s3cret"}).decode(), id="no PEM"),
        pytest.param(to_json({**FILE, "private_key": None}).decode(), id="no text"),
        pytest.param(to_json({**FILE, "private_key": PUBLIC}).decode(), id="a public key"),
        pytest.param(to_json({**FILE, "private_key": ENCRYPTED}).decode(), id="encrypted"),
        pytest.param(
            to_json(
                {
                    **FILE,
                    "private_key": ELLIPTIC.private_bytes(_PEM, _PKCS8, NoEncryption()).decode(),
                }
            ).decode(),
            id="of another kind",
        ),
        pytest.param(to_json({**FILE, "more": "é" * KEY_LIMIT_BYTES}).decode(), id="too long"),
        pytest.param(to_json({"private_key": FILE["private_key"]}).decode(), id="a part of it"),
    ],
)
def test_what_is_no_key_of_a_service_account_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        read_key(secret)
    with pytest.raises(TokenUnavailable) as unavailable:
        assertion(secret, "a", "s", 0)
    for shown in (repr(refused.value), repr(unavailable.value)):
        assert "s3cret" not in shown
        assert "PRIVATE KEY" not in shown


def test_a_key_is_not_shown() -> None:
    assert "PRIVATE" not in repr(read_key(service_account().file))
