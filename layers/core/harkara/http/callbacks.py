"""Post callbacks, to global addresses only.

A customer names the URL, so it must not lead into our own network: it is https, its name is
resolved once, every address must be global, and the connection goes to just these addresses while
TLS keeps the name. (httpx-secure opens a probe to an address before it judges it, and remembers
its choice for ten minutes; aiohttp's resolver hook needs neither.)
"""

import ipaddress
import math
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from harkara.callback_settings import Destination
from harkara.callbacks import FORMATS, Format
from harkara.callbacks.answers import excerpt_of, retry_after_s
from harkara.callbacks.headers import headers_of
from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable
from harkara.exchanges import HttpAnswer, HttpExchange
from harkara.ports import Clock, PostResult
from harkara.tasks import CallbackTask

TIMEOUT_S = 10.0
ANSWER_LIMIT_BYTES = 64 * 1024
# What is_global lets through although it leads somewhere else: all but IPv6's global unicast, which
# is 2000::/3 (NAT64, IPv4-compatible and site-local addresses are outside), and 6to4.
_ELSEWHERE = tuple(map(ipaddress.ip_network, ("::/3", "4000::/2", "8000::/1", "2002::/16")))

AddressRule = Callable[[str], bool]


def is_global(address: str) -> bool:
    """Whether an IP address (with or without a zone) is one of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        return is_global(str(mapped))
    elsewhere = any(ip in network for network in _ELSEWHERE if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not elsewhere


def is_global_or_loopback(address: str) -> bool:
    """The rule of the local stack, where the platform is simulated on this machine."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback or is_global(address)


class GuardedResolver(AbstractResolver):
    """Resolves a name to addresses that a rule allows, or to none."""

    def __init__(self, allowed: AddressRule, resolver: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the name's addresses. Raises OSError when one of them is not allowed."""
        # ThreadedResolver wants a running loop.
        self._resolver = self._resolver or ThreadedResolver()
        results = await self._resolver.resolve(host, port, family)
        if not all(self._allowed(result["host"]) for result in results):
            raise OSError("the name leads to an address that is not global")
        return results

    async def close(self) -> None:
        """Release the resolver."""
        if self._resolver is not None:
            await self._resolver.close()


class HttpCallbackPoster:
    """Renders a callback in its format and posts it. `timer` counts seconds from anywhere."""

    def __init__(
        self,
        exchange: HttpExchange,
        allowed: AddressRule,
        clock: Clock = time.time,
        timer: Clock = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._allowed = allowed
        self._clock = clock
        self._timer = timer

    @property
    def timeout_s(self) -> float:
        """How long `post` takes at the most."""
        return TIMEOUT_S

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once. Raises nothing: what fails is a result."""
        url = destination.settings.url
        if not self._may_go_to(url):
            return PostResult(0, "the callback URL is not allowed")
        settings = destination.settings
        used = FORMATS[settings.format]
        if len(callback.members) > used.member_limit:
            # They were grouped for the format that the callback had when they were accepted.
            used = FORMATS[callback.endpoint.format]
        rendered = used.render(callback.members, settings)
        headers = headers_of(callback.webhook_id, rendered, destination.secrets, int(self._clock()))
        began_s = self._timer()
        try:
            answer = await self._exchange("POST", url, headers, rendered, min(TIMEOUT_S, within_s))
        except (ExchangeUnreachable, ExchangeOutcomeUnknown) as error:
            result = PostResult(0, str(error))
        else:
            result = self._result(answer, used)
        return result._replace(duration_ms=round((self._timer() - began_s) * 1000))

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
        return result._replace(reason=reason, unprocessed=unprocessed)

    def _may_go_to(self, url: str) -> bool:
        """Whether scheme and host will do; names are judged when they are resolved."""
        parts = urlsplit(url)
        try:
            address = ipaddress.ip_address(parts.hostname or "")
        except ValueError:
            return parts.scheme == "https"
        # No resolver is asked about a literal address.
        allowed = self._allowed(str(address))
        return allowed and (parts.scheme == "https" or address.is_loopback)
