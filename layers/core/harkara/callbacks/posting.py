"""The interfaces for posting callbacks, and the headers of each, signed by Standard Webhooks 1.0.0.

The signed content is `<webhook-id>.<webhook-timestamp>.<body>`. In our own posts neither of the
first two comes from outside, so a dot in an id cannot move the border between the parts.
"""

import hmac
import math
from base64 import b64decode, b64encode
from typing import Protocol

from harkara.base.version import VERSION
from harkara.model.callbacks import CallbackSecrets, Destination, PostResult, SigningSecret
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask


class Destinations(Protocol):
    """Finds the destinations of callbacks, as accounts have registered them."""

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        """Return the destination of an endpoint's callbacks, None if it is no longer registered.

        The registration may be a minute old, unless it is to be read `anew`. Raises
        StoreUnavailable.
        """
        ...


class CallbackPoster(Protocol):
    """Posts callbacks to platforms."""

    @property
    def timeout_s(self) -> float:
        """How long `post` takes at most."""
        ...

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once, within `within_s` at most.

        Raises nothing: a failure is a result.
        """
        ...


class SecretCipher(Protocol):
    """Encrypts the secrets of callbacks, each for its own callback alone.

    Each method raises StoreUnavailable.
    """

    def encrypt(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        """Encrypt a callback's secrets, to be stored in the account."""
        ...

    def decrypt(self, account_id: str, callback_id: str, encrypted: bytes) -> CallbackSecrets:
        """Decrypt a callback's secrets."""
        ...


SECRET_PREFIX = "whsec_"  # noqa: S105


def headers_of(
    webhook_id: str, body: bytes, secrets: CallbackSecrets, now_s: int
) -> dict[str, str]:
    """Return the headers of a post at a Unix time, names in lower case.

    A destination's own headers are kept, except those that Harkara sets itself.
    """
    headers = {name.lower(): value for name, value in secrets.headers.items()}
    headers["content-type"] = "application/json"
    headers["user-agent"] = f"Harkara/{VERSION}"
    headers["webhook-id"] = webhook_id
    headers["webhook-timestamp"] = str(now_s)
    if secrets.token:
        headers["authorization"] = f"Bearer {secrets.token}"
    valid = [each for each in secrets.signing if not 0 < each.expires_at_s <= now_s]
    if valid:
        headers["webhook-signature"] = " ".join(
            signature(_key(each), webhook_id, str(now_s), body) for each in valid
        )
    return headers


def signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a webhook: version 1, an HMAC."""
    signed = f"{webhook_id}.{timestamp}.".encode(errors="surrogatepass") + body
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def _key(secret: SigningSecret) -> bytes:
    # Surplus padding is ignored.
    return b64decode(secret.secret.removeprefix(SECRET_PREFIX) + "==")
