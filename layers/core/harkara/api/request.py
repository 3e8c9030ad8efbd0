"""Read a request from an event of an HTTP API (payload format 2.0), as plain data for services."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

    @property
    def content_type(self) -> str:
        """The content type with its parameters, "" for none."""
        return self.headers.get("content-type", "")

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
