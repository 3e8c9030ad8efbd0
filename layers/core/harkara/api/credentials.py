"""Read the credentials of a request, in every form that the platforms use.

    X-Api-Key: <user name>.<secret>         an API key
    Authorization: Bearer <API key>         or the secret alone, if the body names the user
    Authorization: Basic <...>              base64 of user:password or of an API key, or the key
    user and password                       of the body or the query

The first form present counts; an unknown scheme is ignored. Secrets hold no dot.
"""

import base64
from collections.abc import Mapping
from typing import NamedTuple

from harkara.base.ids import Randomness

SECRET_BYTES = 32


class Presented(NamedTuple):
    """The user name and secret of a request; empty if missing."""

    username: str
    secret: str


def presented(headers: Mapping[str, str], username: str = "", password: str = "") -> Presented:
    """Return the credentials of a request.

    Names of headers are in lower case; `username` and `password` are those of body or query.
    """
    api_key = headers.get("x-api-key", "").strip()
    if api_key:
        return _of_key(api_key, username)
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if value and scheme.lower() == "bearer":
        return _of_key(value, username)
    if value and scheme.lower() == "basic":
        return _of_basic(value, username)
    return Presented(username, password)


def new_secret(randomness: Randomness) -> str:
    """Return a secret for a credential: 32 random bytes in base64url."""
    return base64.urlsafe_b64encode(randomness(SECRET_BYTES)).rstrip(b"=").decode()


def api_key(username: str, secret: str) -> str:
    """Return the API key of a credential: its user name and secret in one field."""
    return f"{username}.{secret}"


def _of_basic(value: str, username: str) -> Presented:
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except ValueError:  # includes binascii.Error and UnicodeDecodeError
        return _of_key(value, username)
    user, _, password = decoded.partition(":")
    # Some clients send an API key as the user of an empty password.
    return Presented(user, password) if password else _of_key(user, username)


def _of_key(key: str, username: str) -> Presented:
    user, dot, secret = key.partition(".")
    return Presented(user, secret) if dot else Presented(username, key)
