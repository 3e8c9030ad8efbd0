"""Post callbacks, only to addresses that `harkara.model.callbacks` allows.

A name is resolved once, all its addresses are checked, and the connection goes to these addresses
only, while TLS checks the name. (httpx-secure opens a probe to an address before it checks it, and
caches its choice for ten minutes; aiohttp's resolver hook needs neither.)
"""

import math
import socket
import time
from dataclasses import replace

from aiohttp.abc import AbstractResolver, ResolveResult

from harkara.base.errors import (
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    HttpAnswer,
    HttpExchange,
)
from harkara.base.time import Clock, retry_after_s
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.formats.contract import Format, excerpt_of
from harkara.callbacks.posting import headers_of
from harkara.model.callbacks import Destination, PostResult, UrlRules
from harkara.model.tasks import CallbackTask
from harkara.net.client import CONNECT_TIMEOUT_S, HttpClient
from harkara.net.resolving import SystemResolver

TIMEOUT_S = 10.0
ANSWER_LIMIT_BYTES = 64 * 1024


class GuardedResolver(AbstractResolver):
    """Resolves a name to addresses that callbacks may go to, or to none."""

    def __init__(self, urls: UrlRules, resolver: AbstractResolver | None = None) -> None:
        self._urls = urls
        self._resolver = resolver or SystemResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the name's addresses. Raises OSError for none, or one that is not allowed."""
        results = await self._resolver.resolve(host, port, family)
        if not results:  # aiohttp raises an unexpected error for an empty list
            raise OSError("the name has none")
        if not all(self._urls.may_connect_to(result["host"]) for result in results):
            raise OSError("the name leads to an address that is not global")
        return results

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()


class HttpCallbackPoster:
    """Renders a callback in its format and posts it. `timer` counts seconds from any start.

    `exchange` must connect only to addresses that `urls` allows: this class checks the host in a
    URL, and no address that a name resolves to.
    """

    def __init__(
        self,
        exchange: HttpExchange,
        urls: UrlRules,
        clock: Clock = time.time,
        timer: Clock = time.monotonic,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._exchange = exchange
        self._urls = urls
        self._timeout_s = timeout_s
        self._clock = clock
        self._timer = timer

    @property
    def timeout_s(self) -> float:
        """Return the longest time that `post` takes."""
        return self._timeout_s

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once. Raises nothing: a failure is a result."""
        url = destination.settings.url
        if self._urls.host_of(url) is None:
            return PostResult(0, "the callback URL is not allowed")
        settings = destination.settings
        used = FORMATS[settings.format]
        if len(callback.members) > used.member_limit:
            # They were grouped for the callback's format at acceptance, which has changed since.
            used = FORMATS[callback.endpoint.format]
        rendered = used.render(callback.members, settings)
        headers = headers_of(callback.webhook_id, rendered, destination.secrets, int(self._clock()))
        began_s = self._timer()
        try:
            until_s = min(self._timeout_s, within_s)
            answer = await self._exchange("POST", url, headers, rendered, until_s)
        except ExchangeUnreachable as error:
            result = PostResult(0, str(error))
        except ExchangeOutcomeUnknown as error:
            result = PostResult(0, str(error), in_doubt=True)
        else:
            result = self._result(answer, used)
        return replace(result, duration_ms=round((self._timer() - began_s) * 1000))

    def _result(self, answer: HttpAnswer, used: Format) -> PostResult:
        result = PostResult(
            answer.status,
            f"HTTP {answer.status}",
            retry_after_s(answer.headers.get("retry-after", ""), self._clock()),
            excerpt_of(answer.body),
        )
        unprocessed = used.unprocessed(answer.body) if result.acknowledged else ()
        if not unprocessed:
            return result
        reason = f"{result.reason}, {len(unprocessed)} not processed"
        return replace(result, reason=reason, unprocessed=unprocessed)


class SinglePoster:
    """Posts to URLs that the rules allow, from any running event loop."""

    def __init__(
        self,
        urls: UrlRules,
        timeout_s: float = TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._urls = urls
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s

    @property
    def timeout_s(self) -> float:
        """Return the longest time that `post` takes."""
        return self._timeout_s

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once. Raises nothing: a failure is a result."""
        resolver = GuardedResolver(self._urls)
        client = HttpClient(1, resolver, ANSWER_LIMIT_BYTES, self._connect_timeout_s)
        async with client as exchange:
            poster = HttpCallbackPoster(exchange, self._urls, timeout_s=self._timeout_s)
            return await poster.post(callback, destination, within_s)
