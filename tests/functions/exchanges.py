"""The HTTP client on servers of this machine: one call, one answer or error."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver, ResolveResult

from harkara.base.errors import HttpAnswer
from harkara.net.client import HttpClient
from tests.functions.servers import Script, read_request, serving

TIMEOUT_S = 5.0
BODY = b'{"smstosend": []}'

Call = Callable[[HttpClient, str], Awaitable[HttpAnswer]]


class Resolver(AbstractResolver):
    """Resolves every name to one address, with another port if one is given."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.address = address
        self.port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=self.address,
                port=self.port or port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Do nothing: there are no resources."""


async def post(exchange: HttpClient, url: str, timeout_s: float = TIMEOUT_S) -> HttpAnswer:
    return await exchange("POST", url, {"content-type": "application/json"}, BODY, timeout_s)


def run(
    script: Script,
    call: Call = post,
    resolver: AbstractResolver | None = None,
    connect_timeout_s: float = TIMEOUT_S,
) -> HttpAnswer:
    """Serve by the script and make the call."""

    async def main() -> HttpAnswer:
        async with (
            serving(script) as url,
            HttpClient(4, resolver, connect_timeout_s=connect_timeout_s) as client,
        ):
            return await call(client, url)

    return asyncio.run(main())


def run_to(url: str, resolver: AbstractResolver | None = None) -> HttpAnswer:
    """Post to a URL without a server of ours."""

    async def main() -> HttpAnswer:
        async with HttpClient(4, resolver) as client:
            return await post(client, url)

    return asyncio.run(main())


def answering(raw: bytes, requests: list[bytes] | None = None) -> Script:
    """Answer every request of a connection with these bytes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await read_request(reader)
            except asyncio.IncompleteReadError:
                return
            if requests is not None:
                requests.append(request)
            writer.write(raw)
            await writer.drain()

    return script


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
