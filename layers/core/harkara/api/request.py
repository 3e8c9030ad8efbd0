"""Read a request from an event of an HTTP API (payload format 2.0), as plain data for services.

A proxy in front of the API, if there is one (CloudFront with WAF, or another), is trusted to name
the client's address. It sends a secret that its clients do not know, in a header of its own. In
X-Forwarded-For it appends each client's address to the header that the client itself sent. API
Gateway then appends the address of the proxy.
"""

import base64
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys

SURPLUS_SLASHES = re.compile(r"/+(?=/|\Z)")
"""The slashes that a path has too many. The path "/" has one, too: it is left empty."""


@dataclass(frozen=True)
class Request:
    """A request as it was sent, except that the names of its headers are in lower case.

    Surplus slashes in the path are removed: a configured base URL may end with one.

    `id` is API Gateway's: its log has it, and the answer's header Apigw-Requestid.
    """

    id: str
    method: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    past_api: bool = False
    """Whether it came to the function's own URL, which has no API or proxy in front."""
    content_type: str = field(init=False)
    """The content type with its parameters, "" for none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "content_type", self.headers.get("content-type", ""))

    @property
    def is_file(self) -> bool:
        """Whether the body is a file: neither declared as JSON nor an object.

        Browsers and programs declare CSV as text, an Excel sheet, a form or just bytes. API Gateway
        corrupts gzip and UTF-16 that are declared as text/csv, as it takes them for text.
        """
        content_type = self.content_type.partition(";")[0].strip().lower()
        if not content_type or content_type.endswith(("application/json", "+json")):
            return False
        return not self.body.lstrip().startswith(b"{")

    @property
    def accepts_csv(self) -> bool:
        """Whether a CSV file is asked for in place of JSON."""
        return "text/csv" in self.headers.get("accept", "")

    @property
    def accepts_gzip(self) -> bool:
        """Whether the answer may be packed with gzip."""
        return "gzip" in self.headers.get("accept-encoding", "")

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """Return the request of an event.

        Powertools' own `decoded_body` raises for bytes that are not UTF-8, such as a file in gzip.
        """
        context = event["requestContext"]
        http = context["http"]
        body = event.get("body") or ""
        return cls(
            id=context["requestId"],
            method=http["method"],
            path=SURPLUS_SLASHES.sub("", event["rawPath"]) or "/",
            query_string=event.get("rawQueryString", ""),
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value for name, value in event.get("headers", {}).items()},
            body=base64.b64decode(body)
            if event.get("isBase64Encoded")
            else body.encode("utf-8", "surrogatepass"),
            source_ip=http["sourceIp"],
            past_api=_is_function_url(context.get("domainName", ""), context.get("apiId", "")),
        )


def _is_function_url(domain: str, api_id: str) -> bool:
    """Whether a domain name is that of the function's own URL (`<id>.lambda-url.<Region>`).

    The name is the Host header's, and a wildcard domain of the API lets a client choose parts of
    it: so it must be below AWS's own domain, and begin with the id that AWS gives.
    """
    return domain.startswith(f"{api_id}.lambda-url.") and domain.endswith(".on.aws")


SECRET_HEADER = "x-harkara-proxy"  # noqa: S105


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """Admits requests that came through the proxy, which sends any of the keys."""

    keys: Keys

    def admit(self, request: Request) -> Request:
        """Return the request with its client's address, and without the secret.

        Raises RequestRefused for a request that bypassed the proxy.
        """
        sent = request.headers.get(SECRET_HEADER, "").encode(errors="surrogatepass")
        if not self.keys.any(lambda key: hmac.compare_digest(sent, key)):
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
