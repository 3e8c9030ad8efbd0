"""The HTTP client on servers of this machine: one call, one answer or error."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver

from harkara.exchanges import HttpAnswer
from harkara.http.client import HttpxExchange, open_client
from tests.functions.servers import Script, read_request, serving

TIMEOUT_S = 5.0
BODY = b'{"smstosend": []}'

Call = Callable[[HttpxExchange, str], Awaitable[HttpAnswer]]


async def post(exchange: HttpxExchange, url: str, timeout_s: float = TIMEOUT_S) -> HttpAnswer:
    return await exchange("POST", url, {"content-type": "application/json"}, BODY, timeout_s)


def run(script: Script, call: Call = post, resolver: AbstractResolver | None = None) -> HttpAnswer:
    """Serve by the script and make the call."""

    async def main() -> HttpAnswer:
        client = open_client(4, resolver)
        async with serving(script) as url, client:
            return await call(HttpxExchange(client), url)

    return asyncio.run(main())


def run_to(url: str, resolver: AbstractResolver | None = None) -> HttpAnswer:
    """Post to a URL where no server of ours is."""

    async def main() -> HttpAnswer:
        async with open_client(4, resolver) as client:
            return await post(HttpxExchange(client), url)

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
