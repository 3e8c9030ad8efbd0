"""The same messages through Kannel alone, from its sendsms to its receipts, without our code.

bearerbox, smsbox and fakesmsc run on the same two cores as the client. fakesmsc accepts a message
at once, while the carrier simulator has a delay.
"""

import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from local.kannel import Kannel, is_installed
from local.settings import CARRIER_PASSWORD, CARRIER_USER, HOST, free_ports
from tests.bench import way
from tests.bench.report import Row

# As many as two workers of `submit` have open to a carrier.
CONNECTIONS = 128
FINAL_STATES = 1 | 2  # of `dlr-mask`: delivered, failed


def measure() -> list[Row]:
    """Return the row of this part; print a hint and return none if Kannel is not installed."""
    if not is_installed():
        print("no row of Kannel: apt-get install kannel kannel-extras")
        return []
    with tempfile.TemporaryDirectory() as folder, Kannel(Path(folder)) as kannel:
        rates = uvloop.run(_rates(kannel))
    return [
        Row(
            "the same through Kannel alone, sendsms to receipt",
            statistics.median(rates),
            "messages/s",
            note=f"median of {', '.join(f'{each:.0f}' for each in rates)}",
        )
    ]


async def _rates(kannel: Kannel) -> list[float]:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as http, _receipts() as receipts:
        await _campaign(kannel, http, receipts)  # warm
        return [await _campaign(kannel, http, receipts) for _ in range(way.CAMPAIGNS)]


class _Receipts:
    """Counts the messages whose receipt came to `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._awaited: set[str] = set()
        self._all_came = asyncio.Event()

    def expect(self, client_refs: set[str]) -> None:
        self._awaited = client_refs
        self._all_came.clear()

    async def came(self) -> None:
        """Return when all expected receipts have come."""
        async with asyncio.timeout(way.DEADLINE_S):
            await self._all_came.wait()

    async def take(self, request: web.Request) -> web.Response:
        self._awaited.discard(request.query["ref"])
        if not self._awaited:
            self._all_came.set()
        return web.Response()


@asynccontextmanager
async def _receipts() -> AsyncIterator[_Receipts]:
    (port,) = free_ports(1)
    receipts = _Receipts(f"http://{HOST}:{port}/receipts")
    application = web.Application()
    application.router.add_get("/receipts", receipts.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port, backlog=1024).start()
        yield receipts
    finally:
        await runner.cleanup()


async def _campaign(kannel: Kannel, http: aiohttp.ClientSession, receipts: _Receipts) -> float:
    """Send a campaign; return messages a second from the first request to the last receipt."""
    run = uuid.uuid4().hex[:8]
    records = way.records(run, 0, way.CAMPAIGN)
    receipts.expect({record["smsgid"] for record in records})
    rest = iter(records)
    began = time.perf_counter()
    await asyncio.gather(*(_send(kannel.url, http, receipts.url, rest) for _ in range(CONNECTIONS)))
    await receipts.came()
    return way.CAMPAIGN / (time.perf_counter() - began)


async def _send(
    url: str, http: aiohttp.ClientSession, receipt_url: str, rest: Iterator[dict[str, str]]
) -> None:
    """Send the remaining records, one request after the other."""
    for record in rest:
        query = {
            "username": CARRIER_USER,
            "password": CARRIER_PASSWORD,
            "from": record["from"],
            "to": record["to"],
            "text": record["smstext"],
            "dlr-mask": str(FINAL_STATES),
            "dlr-url": f"{receipt_url}?ref={record['smsgid']}&state=%d",
        }
        async with http.get(url, params=query) as answer:
            text = await answer.text()
            if answer.status != 202:
                raise RuntimeError(f"Kannel did not take a message: {answer.status} {text}")
