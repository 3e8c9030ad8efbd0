"""Registered callbacks, the destinations of messages' events, and the rules for their URLs.

A callback's secrets (headers, a token, signing secrets) are stored as KMS ciphertext, bound to the
account and the callback's id. The API never returns them.

Customers choose the URLs, so `UrlRules` keep them from leading into our own network. They are
checked when a URL is registered, when a request contains it, and at each post; the addresses of a
host name are checked at each resolution.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from harkara.model.callback_settings import CallbackSettings
from harkara.model.events import EventKind
from harkara.model.fields import OperatorRecord
from harkara.model.messages import Endpoint

SIGNING_SECRETS = 2
"""The number of signing secrets of a callback that may be valid: the present and the previous."""


class CallbackEndpoint(CallbackSettings):
    """A registered callback. `encrypted` is CallbackSecrets as KMS ciphertext, empty for none."""

    header_names: Annotated[
        tuple[str, ...], Field(description="Names of the secret headers, in lower case.")
    ] = ()
    has_token: Annotated[bool, Field(description="Whether it has a token.")] = False
    signed: Annotated[
        bool, Field(description="Whether its posts are signed (Standard Webhooks).")
    ] = False
    encrypted: SkipJsonSchema[bytes] = b""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint for messages that use this callback."""
        submitted = EventKind.SUBMITTED in self.events
        return Endpoint(self.url, self.format, self.id, self.as_array, submitted)


class SigningSecret(OperatorRecord):
    """A secret of Standard Webhooks (`whsec_...`), valid until a Unix time; 0: for ever."""

    secret: str
    expires_at_s: int = 0


class CallbackSecrets(OperatorRecord):
    """A callback's secrets; `token` is sent as a bearer token."""

    headers: dict[str, str] = {}
    token: str = ""
    signing: Annotated[tuple[SigningSecret, ...], Field(max_length=SIGNING_SECRETS)] = ()

    def rotated(self, secret: str, now_s: int, overlap_s: int) -> "CallbackSecrets":
        """Return the secrets with a new signing secret; the present one ends in `overlap_s`."""
        ends_s = now_s + overlap_s
        older = tuple(
            SigningSecret(secret=each.secret, expires_at_s=min(each.expires_at_s or ends_s, ends_s))
            for each in self.signing
        )
        valid = tuple(each for each in older if each.expires_at_s > now_s)
        signing = (SigningSecret(secret=secret), *valid)[:SIGNING_SECRETS]
        return self.model_copy(update={"signing": signing})


class Destination(NamedTuple):
    """A callback's destination: the settings and secrets that a post needs."""

    settings: CallbackEndpoint
    secrets: CallbackSecrets


def unregistered(endpoint: Endpoint) -> Destination:
    """Return the destination for a URL given in a request: its format, and no secrets."""
    settings = CallbackEndpoint.model_validate(
        {"id": "", "url": endpoint.url, "format": endpoint.format}
    )
    return Destination(settings, CallbackSecrets())


@dataclass(frozen=True, slots=True)
class PostResult:
    """The result of a callback attempt: the HTTP status (0: no answer), and a short reason.

    `retry_after_s` is the value of a Retry-After header. `answer` is the beginning of the body, for
    the customer and never for a log. `unprocessed` are messages that the platform accepted but
    could not use: (client_ref, the platform's code) of each. `in_doubt`: the platform may have
    accepted the callback, but no answer arrived. `acknowledged`: the platform accepted it.
    """

    status: int
    reason: str
    retry_after_s: int = 0
    answer: str = ""
    duration_ms: int = 0
    unprocessed: tuple[tuple[str, str], ...] = ()
    in_doubt: bool = False
    acknowledged: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "acknowledged", 200 <= self.status < 300)


URL_LIMIT = 2048
HTTPS_PORT = 443
# Scheme, host as labels, port, the rest. No user-info, and nothing that clients parse differently.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
_URL = re.compile(rf"(?i:https?)://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#][!-~]*)?")
# A host with such a last label is not a name: resolvers take it for a decimal, octal or hexadecimal
# address.
_NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")
# Networks that `is_global` accepts in some version of Python, although they are not the public
# internet or tunnel to other addresses.
_ELSEWHERE = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments
            "192.88.99.0/24",  # 6to4 relays
            # All but IPv6's global unicast, 2000::/3: NAT64, IPv4-compatible and site-local.
            "::/3",
            "4000::/2",
            "8000::/1",
            "2001::/23",  # protocol assignments, Teredo among them
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_global(address: str) -> bool:
    """Return whether an IP address (with or without a zone) is in the public internet."""
    ip = _address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        return is_global(str(mapped))
    elsewhere = any(ip in network for network in _ELSEWHERE if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not elsewhere


def is_among(host: str, hosts: Iterable[str]) -> bool:
    """Return whether a host is one of these, or a subdomain of one."""
    return any(host == each or host.endswith("." + each) for each in hosts)


@dataclass(frozen=True, slots=True)
class UrlRules:
    """A deployment's rules for callbacks: https to these ports of the public internet.

    `loopback` adds this machine's own addresses, at any port and by plain http, for the local
    stack, which simulates the platform.
    """

    ports: tuple[int, ...] = (HTTPS_PORT, 8443)
    loopback: bool = False

    def host_of(self, url: str) -> str | None:
        """Return the host of an allowed URL in lower case; None if the URL is not allowed.

        If the host is a name, check its addresses with `may_connect_to`.
        """
        if len(url) > URL_LIMIT or not _URL.fullmatch(url):
            return None
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        is_number = ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2])
        try:
            ip = _address(host) if is_number else None
        except ValueError:
            return None
        if self.loopback and ip and ip.is_loopback:
            return None if port == 0 else host
        public = ip is None or is_global(host)
        listed = (HTTPS_PORT if port is None else port) in self.ports
        return host if public and listed and parts.scheme == "https" else None

    def may_connect_to(self, address: str) -> bool:
        """Return whether a connection to an IP address (with or without a zone) is allowed."""
        return is_global(address) or (self.loopback and _address(address).is_loopback)


def _address(text: str) -> Address:
    """Return an IP address without its zone. Raises ValueError for an unusual spelling."""
    return ipaddress.ip_address(text.partition("%")[0])
