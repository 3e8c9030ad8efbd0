"""The HTTP client: one request, one answer, and what it means when there is none."""

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver

from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable
from harkara.exchanges import HttpAnswer

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


class HttpClient:
    """Follows no redirect, keeps no cookie, reads no proxy variables; see `HttpExchange`.

    It belongs to the loop of its first request. An answer's body is cut at `body_limit_bytes`.
    """

    def __init__(
        self,
        connections: int,
        resolver: AbstractResolver | None = None,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
    ) -> None:
        self._connections = connections
        self._resolver = resolver
        self._body_limit_bytes = body_limit_bytes
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Send the request within `timeout_s` seconds, all told."""
        # Name, pool and connection in half the time: what takes longer was surely not sent.
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s / 2)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._opened().request(
                    method,
                    url,
                    headers=headers,
                    data=content or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(connect=connect_s),
                ) as response,
            ):
                body = b""
                async for part in response.content.iter_any():
                    body += part
                    if len(body) > self._body_limit_bytes:
                        break
                return HttpAnswer(response.status, response.headers, body[: self._body_limit_bytes])
        except _NOT_CONNECTED as error:
            raise ExchangeUnreachable(type(error).__name__) from error
        except (
            aiohttp.ClientError,
            OSError,  # TimeoutError is one: the request may have arrived
            UnicodeError,  # a name that no resolver can be asked for
        ) as error:
            raise ExchangeOutcomeUnknown(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session; it is made inside the loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=KEEPALIVE_S,
                ssl=ssl.create_default_context(cafile=certifi.where()),
                resolver=self._resolver,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
            # It would repeat a GET or PUT whose kept connection broke: a second message, unseen.
            self._session._retry_connection = False
        return self._session
