"""The HTTP client: one request, one answer, and what it means when there is none."""

import asyncio
import os
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
# What a failure is called; the first that fits. No word of it comes from the other side.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
    (TimeoutError, "no whole answer in time"),
    (aiohttp.InvalidURL, "the URL is none"),
    (aiohttp.NonHttpUrlClientError, "the URL is none of HTTP"),
    (aiohttp.ServerDisconnectedError, "the connection ended without an answer"),
    (aiohttp.ClientOSError, "the connection broke"),
    (aiohttp.ClientPayloadError, "the body of the answer is broken"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (UnicodeError, "the name is none"),
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
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._connections = connections
        self._resolver = resolver
        self._body_limit_bytes = body_limit_bytes
        self._connect_timeout_s = connect_timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Send the request within `timeout_s` seconds, all told."""
        # Name, pool and connection in half the time: what takes longer was surely not sent.
        connect_s = min(self._connect_timeout_s, timeout_s / 2)
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
            raise ExchangeUnreachable(_words(error)) from error
        except (
            aiohttp.ClientError,
            OSError,  # TimeoutError is one: the request may have arrived
            UnicodeError,  # a name that no resolver can be asked for
        ) as error:
            raise ExchangeOutcomeUnknown(_words(error)) from error

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


def _words(error: Exception) -> str:
    """Say in a few words why there is no answer."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "")
        return f"the certificate is not valid: {reason}"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no address: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return f"no connection: {os.strerror(number)}" if number else "no connection"
    fitting = (words for kind, words in _WORDS if isinstance(error, kind))
    return next(fitting, type(error).__name__)
