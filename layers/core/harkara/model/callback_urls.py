"""The rules for callback URLs, and for the IP addresses that their host names resolve to.

Customers choose the URLs, so a URL must not lead into our own network. The same rules are checked
when a URL is registered, when a request contains it, and at each post; the addresses of a host name
are checked at each resolution.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

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
