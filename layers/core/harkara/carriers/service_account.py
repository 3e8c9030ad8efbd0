"""The key of a Google service account, and the assertions that it signs to get access tokens.

Documents: "Using OAuth 2.0 for Server to Server Applications" (Google Identity); RFC 7523, sections
2.1 and 3, for the grant; RFC 7515 for the JWS, signed with RS256 (RFC 7518, section 3.3).
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from harkara.base.errors import TokenUnavailable
from harkara.base.json import encode

KEY_LIMIT_BYTES = 4096
"""KMS encrypts this much (AWS KMS API Reference, Encrypt)."""
LIFETIME_S = 3600
"""The lifetime of an assertion, the longest that Google takes."""


class _File(BaseModel):
    """The file that Google gives for a service account, with a private RSA key in PEM."""

    model_config = ConfigDict(hide_input_in_errors=True)

    type: Literal["service_account"]
    client_email: str = Field(min_length=1)
    private_key_id: str = ""
    private_key: str = Field(repr=False)


class SigningKey(NamedTuple):
    """A service account's name, the id of its key, and how that signs (RS256)."""

    client_email: str
    key_id: str
    sign: Callable[[bytes], bytes]


def read_key(secret: str) -> SigningKey:
    """Return the key in a carrier's secret. Raises ValueError, which does not show it."""
    if len(secret.encode()) > KEY_LIMIT_BYTES:
        raise ValueError(f"the key is longer than {KEY_LIMIT_BYTES} bytes")
    try:
        file = _File.model_validate_json(secret)
        return SigningKey(file.client_email, file.private_key_id, _signs_with(file.private_key))
    except ValueError:  # pydantic's too
        raise ValueError("this is no key of a Google service account, in JSON") from None


def assertion(secret: str, audience: str, scope: str, now_s: float) -> str:
    """Return a signed JWT that asks for a token. Raises TokenUnavailable."""
    try:
        key = read_key(secret)
    except ValueError as error:
        raise TokenUnavailable(str(error)) from None
    header = {"alg": "RS256", "typ": "JWT", "kid": key.key_id}
    claims = {
        "iss": key.client_email,
        "scope": scope,
        "aud": audience,
        "iat": int(now_s),
        "exp": int(now_s) + LIFETIME_S,
    }
    signed = b".".join(map(_base64url, (encode(header), encode(claims))))
    return b".".join((signed, _base64url(key.sign(signed)))).decode()


def _signs_with(pem: str) -> Callable[[bytes], bytes]:
    """Return how a key signs. Raises ValueError for what is no private RSA key without password."""
    # In a layer of its own, which `submit` alone has.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("an encrypted or unknown key") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not a key for RSA")
    return lambda message: key.sign(message, PKCS1v15(), SHA256())


def _base64url(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
