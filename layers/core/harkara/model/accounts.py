"""Accounts with their credentials, DLT headers and templates, as the operator configured them.

Secrets are issued with high entropy, so they are stored as keyed hashes: that takes 0.05 ms, scrypt
would take 37 ms. The key (the pepper) is in no table.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from harkara.base.keys import Networks, may_come_from
from harkara.dlt.templates import ANY_MARKS
from harkara.model.answers import KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint, UrlRules, is_among
from harkara.model.fields import (
    SITE_PATTERN,
    CallbackReference,
    Categories,
    Header,
    Headers,
    Name,
    OneCategory,
    OperatorRecord,
    Part,
    PeId,
    TemplateId,
    TemplateText,
)
from harkara.model.messages import Category, admits
from harkara.model.rates import Rate, price_of
from harkara.model.rcs import Channel

# DLT specifies six letters or six digits; headers of 3 to 6 letters and digits exist.
INDIAN_HEADER = re.compile(r"[A-Za-z0-9]{3,6}")

ANY_COUNTRY = "*"
# A dot is not allowed: an API key is `<username>.<secret>`.
_USERNAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
PLATFORM_HOSTS = ("clevertap.com", "moengage.com", "webengage.com")

OutOfHours = Literal["defer", "refuse"]


class Enforcement(StrEnum):
    """The treatment of messages that break a DLT rule: `warn` accepts and counts them."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


class Scope(StrEnum):
    """A permission of a credential: send messages, read their states, change the account."""

    SEND = "send"
    READ = "read"
    ADMIN = "admin"


class Secret(OperatorRecord):
    """The keyed hash of a credential's secret, and its expiry (Unix seconds, 0: never).

    Rotated-out secrets stay valid beside the new one until they expire.
    """

    hash: str
    expires_at_s: int = 0


class Credential(OperatorRecord):
    """A user name of an account, with its secrets and permissions.

    `networks` are the source addresses that may use it, in CIDR form; none: any. `callback` and
    `default_category` override the account's own; `expires_at_s` is 0 for never.
    """

    username: str
    account_id: str
    secrets: tuple[Secret, ...]
    scopes: tuple[Scope, ...] = tuple(Scope)
    networks: Networks = ()
    callback: str = ""
    default_category: Category | None = None
    expires_at_s: int = 0

    @field_validator("username")
    @classmethod
    def _is_username(cls, username: str) -> str:
        if not may_be_username(username):
            raise ValueError("a user name is 1 to 64 letters, digits, _ or -")
        return username

    def may_come_from(self, source_ip: str) -> bool:
        """Return whether a request from this address may use the credential."""
        return may_come_from(self.networks, source_ip)


class Sender(Part):
    """A header (sender id) registered with DLT."""

    name_field = "header"

    header: Header
    categories: Categories
    pe_id: PeId = ""
    callback: CallbackReference = ""

    def carries(self, category: Category) -> bool:
        """Return whether the header is registered for the category."""
        return admits(self.categories, category)


class Template(Part):
    """A content template registered with DLT; without `headers` it is for all of the account's."""

    name_field = "template_id"

    dlt_template_id: TemplateId = Field(
        validation_alias="template_id", serialization_alias="template_id"
    )
    name: Annotated[Name, Field(examples=["Order dispatched"])] = ""
    headers: Headers = ()
    category: OneCategory
    text: TemplateText
    pe_id: PeId = ""

    @property
    def template_id(self) -> str:
        """The template's id by the name that it has in JSON."""
        return self.dlt_template_id


class OtpLimit(OperatorRecord):
    """The most OTPs to numbers with this prefix (digits) in each minute, hour or day of IST."""

    prefix: str = Field(pattern=r"^[1-9][0-9]{0,14}$")
    count: int = Field(ge=1, le=10**9)
    every: Literal["minute", "hour", "day"]


class Limits(OperatorRecord):
    """Limits of an account, 0 for none; of days and months in IST, of prices in its rates' unit."""

    requests_per_s: float = Field(default=0, ge=0)
    segments_per_s: float = Field(default=0, ge=0)
    segments_per_day: int = Field(default=0, ge=0)
    spend_per_day: Decimal = Field(default=Decimal(0), ge=0, le=10**9, decimal_places=6)
    spend_per_month: Decimal = Field(default=Decimal(0), ge=0, le=10**9, decimal_places=6)


class Account(OperatorRecord):
    """A customer. `countries` are ISO codes, or `*`; `callback_hosts` admit their subdomains.

    `registered_urls` and `call_back_numbers` are those registered with DLT, the only ones allowed
    unless there are none; a template should hold one of the `brands`. `alphanumeric_marks` are
    allowed in {#alphanumeric#} besides letters and digits: `*` for any, with a warning for unusual
    ones. `strict_templates` refuses ids not registered here. `smart_encoding` replaces typographic
    characters that need UCS-2. `out_of_hours` is for promotional messages at night. A `draining`
    account accepts no requests, but submits accepted messages. `two_way`: a phone's reply is posted
    to the callback of its last message. `dead_numbers`: no phone has the numbers that it sends to,
    which finds carriers out that report deliveries. `stop_words` and `start_words` count like STOP
    and START. `currency` is that of the rates (ISO 4217), "" if unknown. `otp_cooldown_s` and
    `otp_per_day` limit the OTPs to a number (0: no limit), `otp_limits` those to all numbers with a
    prefix; each limit holds, however long a prefix is. The path of `short_domain` may be
    `{header}`, each message's own. Changes count `version` up.
    """

    id: str
    name: str
    carrier: str
    default_callback: str = ""
    callback_hosts: tuple[str, ...] = PLATFORM_HOSTS
    countries: tuple[str, ...] = ("IN",)
    dlt: Enforcement = Enforcement.ENFORCE
    strict_templates: bool = False
    default_category: Category = Category.SERVICE_IMPLICIT
    segment_limit: int = Field(default=10, ge=1, le=255)
    variable_limit: int = Field(default=30, ge=1, le=2000)
    numeric_limit: int = Field(default=40, ge=1, le=2000)
    alphanumeric_limit: int = Field(default=40, ge=1, le=2000)
    alphanumeric_marks: str = Field(default=ANY_MARKS, max_length=100)
    url_limit: int = Field(default=200, ge=1, le=2000)
    smart_encoding: bool = False
    duplicate_window_s: int = Field(default=0, ge=0, le=7 * 24 * 3600)
    otp_cooldown_s: int = Field(default=0, ge=0, le=24 * 3600)
    otp_per_day: int = Field(default=0, ge=0, le=10**6)
    otp_limits: tuple[OtpLimit, ...] = Field(default=(), max_length=50)
    out_of_hours: OutOfHours = "defer"
    two_way: bool = False
    dead_numbers: bool = False
    stop_words: tuple[str, ...] = ()
    start_words: tuple[str, ...] = ()
    registered_urls: tuple[str, ...] = ()
    call_back_numbers: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    telemarketer_ids: tuple[str, ...] = ()
    short_domain: str = Field(default="", pattern=rf"^(?:{SITE_PATTERN})?$")
    link_days: int = Field(default=30, ge=1, le=365)
    shorten_urls: bool = False
    rates: tuple[Rate, ...] = ()
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    limits: Limits = Limits()
    draining: bool = False
    senders: dict[str, Sender] = {}
    templates: dict[str, Template] = {}
    callbacks: dict[str, CallbackEndpoint] = {}
    answers: dict[str, KeywordAnswer] = {}
    version: int = 0

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.shorten_urls and not self.short_domain:
            raise ValueError("short links need a short domain")
        return self

    @field_validator("otp_limits")
    @classmethod
    def _are_single(cls, limits: tuple[OtpLimit, ...]) -> tuple[OtpLimit, ...]:
        if len({(each.prefix, each.every) for each in limits}) < len(limits):
            raise ValueError("a prefix has one limit a minute, hour and day")
        return limits

    def price(
        self, msisdn: str, category: Category, segment_count: int, channel: Channel = Channel.SMS
    ) -> Decimal | None:
        """Return a message's price by the rate card; None if no rate applies."""
        return price_of(self.rates, msisdn, category, segment_count, channel)

    def may_call_back(self, url: str, rules: UrlRules) -> bool:
        """Return whether a URL given in a request may get callbacks of this account.

        The URL must obey the deployment's rules, and its host must be in `callback_hosts`, a
        subdomain of one of these, or the host of a registered callback.
        """
        own = {urlsplit(callback.url).hostname for callback in self.callbacks.values()}
        host = rules.host_of(url)
        return host is not None and (host in own or is_among(host, self.callback_hosts))


def may_be_username(name: str) -> bool:
    """Return whether a credential may have this user name."""
    return _USERNAME.fullmatch(name) is not None


def hash_secret(pepper: bytes, secret: str) -> str:
    """Return the keyed hash of a credential's secret, as it is stored."""
    # A secret with a lone surrogate is just wrong, and must not raise an error.
    return hmac.digest(pepper, secret.encode(errors="surrogatepass"), hashlib.sha256).hex()


def secret_matches(pepper: bytes, secret: str, credential: Credential | None, now_s: float) -> bool:
    """Return whether the secret is one of the credential's, and both are still valid.

    Takes as long if there is no credential, so that user names cannot be probed by time.
    """
    digest = hash_secret(pepper, secret)
    return any_secret(credential, now_s, lambda each: hmac.compare_digest(digest, each))


def any_secret(credential: Credential | None, now_s: float, fits: Callable[[str], bool]) -> bool:
    """Return whether `fits` is true of the hash of a credential's secret, and both are valid."""
    secrets = credential.secrets if credential else (Secret(hash="0" * 64),)
    matches = [fits(each.hash) and not has_expired(each.expires_at_s, now_s) for each in secrets]
    is_valid = credential is not None and not has_expired(credential.expires_at_s, now_s)
    return any(matches) and is_valid


def has_expired(expires_at_s: int, now_s: float) -> bool:
    """Return whether an expiry has passed; 0 means that there is none."""
    return 0 < expires_at_s <= now_s


class Caller(NamedTuple):
    """The account that makes a request, and the credential used."""

    account: Account
    credential: Credential
