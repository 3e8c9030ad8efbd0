"""The headers of every callback, signed as Standard Webhooks 1.0.0 specifies.

The signed content is `<webhook-id>.<webhook-timestamp>.<body>`. Neither of the first two comes from
outside, so a dot in an id cannot move the border between the parts.
"""

import hmac
from base64 import b64decode, b64encode

from harkara.model.callbacks import CallbackSecrets, SigningSecret

VERSION = "0.1.0"
"""As in pyproject.toml, which is not in the package of a function."""

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
    signed = f"{webhook_id}.{now_s}.".encode() + body
    valid = [each for each in secrets.signing if not 0 < each.expires_at_s <= now_s]
    if valid:
        headers["webhook-signature"] = " ".join(_signature(each, signed) for each in valid)
    return headers


def _signature(secret: SigningSecret, signed: bytes) -> str:
    # Surplus padding is ignored.
    key = b64decode(secret.secret.removeprefix(SECRET_PREFIX) + "==")
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
