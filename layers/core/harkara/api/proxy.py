"""Trust the proxy in front of the API, if there is one: CloudFront with WAF, or another.

The proxy sends a secret that its clients do not know, in a header of its own. In X-Forwarded-For it
appends each client's address to the header that the client itself sent. API Gateway then appends
the address of the proxy.
"""

import hmac
import ipaddress
from dataclasses import dataclass, replace

from harkara.api.request import Request
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys

SECRET_HEADER = "x-harkara-proxy"  # noqa: S105


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """Admits requests that came through the proxy, which sends any of the keys."""

    keys: Keys

    def admit(self, request: Request) -> Request:
        """Return the request with its client's address, and without the secret.

        Raises RequestRefused for a request that bypassed the proxy.
        """
        given = request.headers.get(SECRET_HEADER, "").encode(errors="surrogatepass")
        if not self.keys.any(lambda key: hmac.compare_digest(given, key)):
            raise RequestRefused(Code.PROXY_REQUIRED)
        headers = {name: each for name, each in request.headers.items() if name != SECRET_HEADER}
        forwarded = headers.get("x-forwarded-for", "")
        return replace(
            request, headers=headers, source_ip=client_address(forwarded, request.source_ip)
        )


def client_address(forwarded: str, proxy: str) -> str:
    """Return the client's address from X-Forwarded-For, "" if the last entry is no address.

    Entries before the proxy's own come from the client, and never count.
    """
    entries = [entry for each in forwarded.split(",") if (entry := each.strip())]
    own = _address(proxy)
    if len(entries) > 1 and own and _address(entries[-1]) == own:
        entries.pop()  # the entry of API Gateway
    return _address(entries[-1]) if entries else ""


def _address(entry: str) -> str:
    """Return an entry's address in canonical form; it may be `1.2.3.4`, `[2001:db8::1]:443`, ..."""
    text = entry.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
