"""Registered callbacks: the destinations of the events of an account's messages.

A callback's secrets (headers, a token, signing secrets) are stored as KMS ciphertext, bound to the
account and the callback's id. The API never returns them.

The rules for callback URLs, and for the IP addresses that their host names resolve to.

Customers choose the URLs, so a URL must not lead into our own network. The same rules are checked
when a URL is registered, when a request contains it, and at each post; the addresses of a host name
are checked at each resolution.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypeAliasType

from harkara.model.events import EventKind
from harkara.model.fields import CALLBACK_ID, Name, OperatorRecord, Part, Rule, unique
from harkara.model.messages import Endpoint, State

FormatName = TypeAliasType(
    "FormatName",
    Literal["clevertap", "moengage", "moengage_batch", "webengage", "generic", "standard"],
)
FORMAT_NAMES: tuple[str, ...] = get_args(FormatName.__value__)

SIGNING_SECRETS = 2
"""The number of signing secrets of a callback that may be valid: the present and the previous."""
EVENT_FIELDS = (
    *("event", "mid", "smsgid", "from", "to", "status", "code", "reason", "segments", "text"),
    *("url", "short_url", "ts"),
)
"""All names in an event of the format `generic`, in the order in which they are written."""
CONCURRENCY_LIMIT = 1_000
RATE_LIMIT_PER_S = 10_000
FIELD_NAME = re.compile(r"[A-Za-z0-9_.:$-]{1,64}")


def _fields(names: dict[str, str]) -> dict[str, str]:
    platform_names = names.values()
    if not names.keys() <= {*EVENT_FIELDS} or not all(map(FIELD_NAME.fullmatch, platform_names)):
        raise ValueError
    if len(set(platform_names)) < len(platform_names):
        raise ValueError("each name for one thing alone")
    if names and not names.keys() & {"mid", "smsgid"}:
        raise ValueError("mid or smsgid among them: which message it is")
    return names


class CallbackSettings(Part):
    """What an account chooses for a callback, apart from secrets."""

    name_field = "id"

    id: Annotated[
        str,
        Field(description="An id of your choice.", examples=["clevertap-main"]),
        Rule("1 to 64 letters, digits, hyphens and underscores, not a hyphen alone", CALLBACK_ID),
    ]
    name: Name = ""
    url: Annotated[
        str,
        Field(
            description="https, on a host that the account allows.",
            examples=["https://in1.api.clevertap.com/sms/dlr"],
        ),
        Rule("an https URL", re.compile(r"\S+")),
    ]
    format: Annotated[
        FormatName,
        Field(description="What is posted: the platform's own format."),
        Rule(f"one of {', '.join(FORMAT_NAMES)}"),
    ] = "clevertap"
    states: Annotated[
        tuple[State, ...],
        Field(description="The final states that are posted; all, if there are none."),
        Rule(f"a list of {', '.join(State)}", check=unique),
    ] = ()
    events: Annotated[
        tuple[EventKind, ...],
        Field(
            description="The events that are posted, of those that the format has; all of them, if"
            " there are none."
        ),
        Rule(f"a list of {', '.join(EventKind)}", check=unique),
    ] = ()
    concurrency: Annotated[
        int,
        Field(ge=0, le=CONCURRENCY_LIMIT, description="Posts at a time; 0: any number."),
        Rule(f"a whole number from 0 to {CONCURRENCY_LIMIT:,}"),
    ] = 0
    rate_per_s: Annotated[
        float,
        Field(ge=0, le=RATE_LIMIT_PER_S, description="Posts a second; 0: any number."),
        Rule(f"a number from 0 to {RATE_LIMIT_PER_S:,}"),
    ] = 0.0
    fields: Annotated[
        dict[str, Annotated[str, Field(json_schema_extra={"pattern": f"^{FIELD_NAME.pattern}$"})]],
        Field(
            description="Of the format `generic`: the fields that are posted, and their names"
            " there, `mid` or `smsgid` among them; all by these names, if there are none.",
            json_schema_extra={"propertyNames": {"enum": [*EVENT_FIELDS]}},
        ),
        Rule(
            f"an object of {', '.join(EVENT_FIELDS)}, or some of them, each with a name of 1 to 64"
            " letters, digits and _ . : $ -",
            check=_fields,
        ),
    ] = {}
    as_array: Annotated[
        bool,
        Field(description="Of the format `generic`: whether events come in an array, up to 100."),
        Rule("true or false"),
    ] = False
    every_click: Annotated[
        bool,
        Field(description="Whether each click is posted, not only the first a message and link."),
        Rule("true or false"),
    ] = False


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
        return Endpoint(self.url, self.format, self.id, self.as_array)


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


class PostResult(NamedTuple):
    """The result of a callback attempt: the HTTP status (0: no answer), and a short reason.

    `retry_after_s` is the value of a Retry-After header. `answer` is the beginning of the body, for
    the customer and never for a log. `unprocessed` are messages that the platform accepted but
    could not use: (client_ref, the platform's code) of each. `in_doubt`: the platform may have
    accepted the callback, but no answer arrived.
    """

    status: int
    reason: str
    retry_after_s: int = 0
    answer: str = ""
    duration_ms: int = 0
    unprocessed: tuple[tuple[str, str], ...] = ()
    in_doubt: bool = False

    @property
    def acknowledged(self) -> bool:
        """Whether the platform accepted the callback."""
        return 200 <= self.status < 300


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
