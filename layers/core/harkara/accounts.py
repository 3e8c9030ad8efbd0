"""Accounts, their credentials, DLT headers and templates, and the carriers: data of the operator.

Secrets are issued with high entropy, so a keyed hash keeps them; it takes 0.05 ms where scrypt
takes 37 ms, and the key (the pepper) is in no table.
"""

import hashlib
import hmac
import ipaddress
import re
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from harkara.messages import Category

ANY_COUNTRY = "*"
# Scheme, host in labels (no user-info, nothing that clients read differently), port, the rest.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
_URL = re.compile(rf"(?i:https?)://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#][!-~]*)?")
_URL_LIMIT = 2048
PLATFORM_HOSTS = ("clevertap.com", "moengage.com", "webengage.com")


class Enforcement(StrEnum):
    """What happens to a message that breaks a DLT rule: `warn` accepts it and counts it."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


class _Record(BaseModel):
    # Errors of validation name the field and never show what stood in it.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Credential(_Record):
    """A user name, and the keyed hash of its secret."""

    username: str
    account_id: str
    secret_hash: str


class Sender(_Record):
    """A header (sender id) that DLT knows, its category and its entity."""

    header: str
    category: Category
    pe_id: str = ""


class Template(_Record):
    """A content template that DLT knows."""

    dlt_template_id: str
    name: str
    header: str
    category: Category
    text: str


class Account(_Record):
    """A customer. `countries` are ISO codes, or `*`; `callback_hosts` admit their subdomains.

    `registered_urls` and `call_back_numbers` are what DLT admits in such variables of a template;
    where there are none, anything of the right form.
    """

    id: str
    name: str
    carrier: str
    callback_url: str = ""
    callback_format: Literal["clevertap"] = "clevertap"
    callback_hosts: tuple[str, ...] = PLATFORM_HOSTS
    countries: tuple[str, ...] = ("IN",)
    dlt: Enforcement = Enforcement.ENFORCE
    default_category: Category = Category.SERVICE_IMPLICIT
    segment_limit: int = Field(default=10, ge=1, le=255)
    variable_limit: int = Field(default=30, ge=1, le=2000)
    registered_urls: tuple[str, ...] = ()
    call_back_numbers: tuple[str, ...] = ()
    senders: dict[str, Sender] = {}
    templates: dict[str, Template] = {}

    def may_send_to(self, country: str) -> bool:
        """Whether the account may send to a country (ISO code)."""
        return ANY_COUNTRY in self.countries or country in self.countries

    def may_call_back(self, url: str, *, private: bool) -> bool:
        """Whether a URL that a request names may get callbacks of this account.

        It is printable ASCII, https, without user-info, on a host of the account's list or below
        one, or on that of the account's own URL. On the local stack (`private`) plain http to an
        address of this machine will do.
        """
        if len(url) > _URL_LIMIT or not _URL.fullmatch(url):
            return False
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if port == 0:
            return False
        allowed = host == urlsplit(self.callback_url).hostname or any(
            host == name or host.endswith("." + name) for name in self.callback_hosts
        )
        return allowed and (parts.scheme == "https" or (private and _is_loopback(host)))


class CarrierSettings(_Record):
    """A carrier's route. `secret` is KMS ciphertext, bound to the carrier's name."""

    name: str
    kind: Literal["datasend"]
    url: str
    username: str
    secret: bytes
    receipt_token_hash: str
    timeout_s: float = Field(default=15, gt=0, le=30)
    connections: int = Field(default=64, ge=1, le=512)
    records_per_request: int = Field(default=1, ge=1, le=1000)


def hash_secret(pepper: bytes, secret: str) -> str:
    """Return the keyed hash under which a credential's secret is kept."""
    return hmac.digest(pepper, secret.encode(), hashlib.sha256).hex()


def hash_token(token: str) -> str:
    """Return the hash under which a receipt route's random token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def secret_matches(pepper: bytes, secret: str, credential: Credential | None) -> bool:
    """Whether the secret is the credential's; takes as long where there is no such credential."""
    expected = credential.secret_hash if credential else "0" * 64
    matches = hmac.compare_digest(hash_secret(pepper, secret), expected)
    return matches and credential is not None


def token_matches(token: str, expected_hash: str) -> bool:
    """Whether a receipt route's token is the one that the carrier was given."""
    return hmac.compare_digest(hash_token(token), expected_hash)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
