"""The HTTP client: httpx's API on aiohttp's connections (httpx's own pool rescans every one).

What a failure means is told apart here, by aiohttp's exceptions: the transport turns a connection
that was reset after the request had left into httpx.ConnectTimeout, which would read as "never
sent" and cause a second submit.
"""

import asyncio
import logging
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable
from harkara.exchanges import HttpAnswer

# At INFO httpx logs every request's URL, and Lambda shows INFO: a callback's URL holds tokens.
logging.getLogger("httpx").setLevel(logging.WARNING)

BODY_LIMIT_BYTES = 1024 * 1024
CONNECT_TIMEOUT_S = 5.0
# Shorter than servers keep idle connections (Node.js: 5 s). A request that goes out while the
# server closes would be in doubt.
KEEPALIVE_S = 4.0

# Nothing was sent: no name, no route, no TLS, no answer to the connection's first packet.
_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


def open_client(connections: int, resolver: AbstractResolver | None = None) -> httpx.AsyncClient:
    """Return a client that follows no redirect, keeps no cookie and reads no proxy variables."""

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=connections,
            keepalive_timeout=KEEPALIVE_S,
            ssl=httpx.create_ssl_context(trust_env=False),
            resolver=resolver,
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # It would repeat a GET or PUT whose kept connection broke: a second message, unseen.
        session._retry_connection = False
        return session

    # httpx has a cookie jar of its own above that of the session.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    # The session is made at the first request, inside the loop.
    return httpx.AsyncClient(
        transport=AiohttpTransport(client=session), cookies=no_cookies, trust_env=False
    )


class HttpxExchange:
    """One request, one answer, its body cut at a limit; see `exchanges.HttpExchange`."""

    def __init__(self, client: httpx.AsyncClient, body_limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self._client = client
        self._body_limit_bytes = body_limit_bytes

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Send the request within `timeout_s` seconds, all told."""
        # Name, pool and connection in half the time: what takes longer was surely not sent.
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s / 2)
        limits = httpx.Timeout(timeout_s, connect=connect_s, pool=connect_s)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream(
                    method, url, headers=_encoded(headers), content=content, timeout=limits
                ) as response,
            ):
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > self._body_limit_bytes:
                        break
                body = body[: self._body_limit_bytes]
                return HttpAnswer(response.status_code, response.headers, body)
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            aiohttp.ClientError,
            OSError,  # TimeoutError is one: the request may have arrived
            UnicodeError,  # a name that no resolver can be asked for
        ) as error:
            if isinstance(error, httpx.InvalidURL) or isinstance(error.__cause__, _NOT_CONNECTED):
                raise ExchangeUnreachable(type(error.__cause__ or error).__name__) from error
            raise ExchangeOutcomeUnknown(type(error.__cause__ or error).__name__) from error


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    # A carrier's password need not be ASCII, which is all that httpx takes as text.
    return [(name.encode(), value.encode()) for name, value in headers.items()]
