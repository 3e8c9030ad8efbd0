"""Send one HTTP request and return its answer, or raise an error that says if it was sent.

This uses httpx's transport, not httpx's client above it: the client's redirects, cookies, proxies
and logged URLs are not wanted here, and take two thirds of a request's CPU. The transport is
aiohttp's, since httpx's own pool rescans every connection. If a connection is reset after the
request has left, that transport raises httpx.ConnectTimeout, which would read as "never sent" and
cause a second submit. So failures are classified by aiohttp's exceptions.
"""

import asyncio
import os
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from functools import cache, lru_cache, partial
from ssl import SSLContext
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, HttpAnswer
from harkara.net.resolving import SystemResolver
from harkara.runtime.library_logs import quieten

quieten()

BODY_LIMIT_BYTES = 1024 * 1024
CONNECT_TIMEOUT_S = 5.0
# Shorter than servers keep idle connections (Node.js: 5 s). A request sent while the server closes
# the connection would be in doubt.
KEEPALIVE_S = 4.0
URLS_KEPT = 256

# Statuses whose answers have no body (RFC 9112 6.3).
_BODILESS = frozenset({204, 304})

# Nothing was sent: no name, no route, no TLS, no answer to the connection's first packet.
_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    httpx.InvalidURL,
)
# The description of a failure; the first match counts. No text comes from the other side.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
    (TimeoutError, "no whole answer in time"),
    (aiohttp.InvalidURL, "the URL is none"),
    (httpx.InvalidURL, "the URL is none"),
    (aiohttp.NonHttpUrlClientError, "the URL is none of HTTP"),
    (aiohttp.ServerDisconnectedError, "the connection ended without an answer"),
    (aiohttp.ClientOSError, "the connection broke"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (UnicodeError, "the name is none"),
)


# zlib's formats by content coding (RFC 9110 8.4.1); some servers send deflate without its header.
_WINDOW_BITS = {
    "gzip": (zlib.MAX_WBITS + 16,),
    "x-gzip": (zlib.MAX_WBITS + 16,),
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),
}


class _Response(aiohttp.ClientResponse):
    """A response that guards against two faults of servers.

    It drops the reason phrase: httpx-aiohttp raises UnicodeError on one that is not UTF-8. If a
    status without a body comes with headers of a body, it closes the connection: that body would be
    read as the answer to the next request.
    """

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        await super().start(connection)
        self.reason = None
        announced = {"content-type", "transfer-encoding"} & {name.lower() for name in self.headers}
        announces = announced or self.headers.get("content-length", "0") != "0"
        if protocol is not None and self.status in _BODILESS and announces:
            protocol.close()
        return self


@cache
def tls_context() -> SSLContext:
    """Return the TLS context of all clients. Reading the certificate authorities takes 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


class HttpClient:
    """Sends requests without redirects, cookies or proxy variables; see `HttpExchange`.

    It belongs to the event loop of its first request. An answer's body is cut at
    `body_limit_bytes`.
    """

    def __init__(
        self,
        connections: int,
        resolver: AbstractResolver | None = None,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._body_limit_bytes = body_limit_bytes
        self._connect_timeout_s = connect_timeout_s
        tls = tls_context()

        def session() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(
                limit=connections,
                keepalive_timeout=KEEPALIVE_S,
                ssl=tls,
                resolver=resolver or SystemResolver(),
            )
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                response_class=_Response,
            )
            # aiohttp would repeat a GET or PUT whose kept connection broke: a second message,
            # unseen.
            session._retry_connection = False
            return session

        # The session is made at the first request, inside the loop.
        self._new_transport = partial(AiohttpTransport, client=session, verify=tls)
        self._transport = self._new_transport()
        self._clock = clock
        self._under_way = 0
        self._ended_s = clock()

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Send the request and read the answer within `timeout_s` seconds altogether.

        Once a status is read it counts, even if reading the body fails.
        """
        await self._close_idle()
        self._under_way += 1
        try:
            return await self._send(method, url, headers, content, timeout_s)
        finally:
            self._under_way -= 1
            self._ended_s = self._clock()

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        until_s = asyncio.get_running_loop().time() + timeout_s
        # Name, pool and connection get at most half of the time: if they take longer, surely
        # nothing was sent.
        connect_s = min(self._connect_timeout_s, timeout_s / 2)
        limits = {"timeout": {"connect": connect_s, "pool": connect_s}}
        try:
            async with asyncio.timeout_at(until_s):
                request = httpx.Request(
                    method,
                    _parsed(url),
                    headers=_encoded(headers),
                    content=content,
                    extensions=limits,
                )
                response = await self._transport.handle_async_request(request)
        except Exception as error:
            # Any other error that the server causes in a library counts as a missing answer. The
            # transport wraps aiohttp's exception in one of httpx's.
            above = isinstance(error, httpx.TransportError)
            cause = error.__cause__ or error if above else error
            if isinstance(cause, _NOT_CONNECTED):
                raise ExchangeUnreachable(_words(cause)) from error
            raise ExchangeOutcomeUnknown(_words(cause)) from error
        body, is_whole = await _body(response, self._body_limit_bytes, until_s)
        return HttpAnswer(response.status_code, response.headers, body, is_whole)

    async def _close_idle(self) -> None:
        """Close the connections if all have been idle longer than they are kept.

        aiohttp does so by the monotonic clock, which may stand still while Lambda keeps the process
        frozen: aiohttp would reuse a connection that the server closed long ago, and the request on
        it would be in doubt.
        """
        if not self._under_way and not 0 <= self._clock() - self._ended_s < KEEPALIVE_S:
            idle, self._transport = self._transport, self._new_transport()
            await idle.aclose()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def _body(response: httpx.Response, limit: int, until_s: float) -> tuple[bytes, bool]:
    """Return a body up to `limit` bytes, and whether that is all of it."""
    body = bytearray()
    is_whole = False
    with suppress(Exception):  # the status counts even if its body causes an error
        async with asyncio.timeout_at(until_s), aclosing(response):
            async for part in response.aiter_raw():
                body += part
                if len(body) > limit:
                    break
            else:
                is_whole = True
    unpacked = _unpacked(bytes(body), response.headers.get("content-encoding", ""), limit + 1)
    return unpacked[:limit], is_whole and len(unpacked) <= limit


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """Decompress a body; return it unchanged if it is not in the coding that it claims.

    httpx would decompress all of it, as many times as the answer names codings: a few KB could
    become gigabytes.
    """
    for window_bits in _WINDOW_BITS.get(coding.strip().lower(), ()):
        with suppress(zlib.error):
            return zlib.decompressobj(window_bits).decompress(body, limit)
    return body


def _words(error: BaseException) -> str:
    """Return a short description of why there is no answer."""
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


# A carrier has one URL, a platform a few; parsing takes a tenth of a request's time.
_parsed = lru_cache(URLS_KEPT)(httpx.URL)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    # Encoded here, since httpx takes only ASCII text and a carrier's password may hold more.
    return [
        (b"accept-encoding", b"gzip, deflate"),  # the codings that _unpacked knows
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]
