"""Messages through a real Kannel: the services in this process, with real HTTP on all sides.

The requests of `submit`, Kannel's receipts and the callbacks go over loopback sockets; the tables
and queues are in memory, and time is real.
"""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from harkara.accept.requests import Record
from harkara.base.errors import Outside
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.model.accounts import Account, Enforcement
from harkara.model.callbacks import UrlRules
from harkara.model.tasks import QueueName
from harkara.net.callback_poster import HttpCallbackPoster
from harkara.net.client import HttpClient
from local.kannel import Kannel
from local.settings import CARRIER_PASSWORD, CARRIER_USER, HOST, free_ports
from tests.support.fakes import calling_back, no_texts
from tests.support.queues import QueueMessage
from tests.support.wired import TOKEN
from tests.support.world import World

REQUEST_SIZE = 250
CONNECTIONS = 32
# All sides share this process: on a busy machine an answer may be late, and is then in doubt.
CARRIER_PATIENCE_S = 30
PLATFORM_PATIENCE_S = 45
# Number of concurrent messages of each queue.
WORKERS = {QueueName.SUBMIT: 2, QueueName.RECEIPT: 8, QueueName.CALLBACK: 2}


class Passage(World):
    """A world whose carrier is Kannel."""

    def __init__(
        self, kannel: Kannel, telemarketer_ids: tuple[str, ...] = (), **options: Any
    ) -> None:
        (port,) = free_ports(1)
        self.port = port
        settings = CarrierSettings.model_validate(
            {
                "name": "kannel",
                "kind": "kannel",
                "url": kannel.url,
                "username": CARRIER_USER,
                "receipt_url": b"ciphertext",
                "receipt_token_hashes": (hash_token(TOKEN),),
                "connections": CONNECTIONS,
                "timeout_s": CARRIER_PATIENCE_S,
                "kannel": options,
            }
        )
        account = Account(
            id="acme",
            name="Acme",
            carrier="kannel",
            **calling_back(f"http://{HOST}:{port}/callbacks"),
            callback_hosts=(HOST,),
            dlt=Enforcement.OFF,
            segment_limit=10,
            telemarketer_ids=telemarketer_ids,
        )
        super().__init__(account=account)
        self.accounts.carriers["kannel"] = settings
        self.settings = settings
        self.intermediate_count = 0
        self.entries: Counter[str] = Counter()
        self._ready: dict[QueueName, deque[QueueMessage]] = defaultdict(deque)
        self.carrier = self._connected
        self.submit_sleep = asyncio.sleep
        self.callback_urls = UrlRules(loopback=True)

    def clock(self) -> float:
        return time.time()

    async def pass_through(self, records: Sequence[Record], within_s: float) -> None:
        """Send the records; return once each is called back, or the time is over."""
        async with HttpClient(CONNECTIONS) as exchange, self._listening():
            receipt_url = f"http://{HOST}:{self.port}/receipts/kannel/{TOKEN}"
            secrets = CarrierSecrets(CARRIER_PASSWORD, receipt_url)
            outside = Outside(exchange, no_texts)
            self.connection = Connected(self.settings, connect(self.settings, secrets, outside))
            self.poster = HttpCallbackPoster(
                exchange, self.callback_urls, timeout_s=PLATFORM_PATIENCE_S
            )
            self.submit = self.submit_service()
            for at in range(0, len(records), REQUEST_SIZE):
                self.send(records[at : at + REQUEST_SIZE])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s), asyncio.TaskGroup() as workers:
                    for queue, count in WORKERS.items():
                        for _ in range(count):
                            workers.create_task(self._work(queue, len(records)))

    async def _work(self, queue: QueueName, count: int) -> None:
        """Process a queue, one message after the other, until all messages are called back."""
        while self.entries.total() < count:
            self.now = time.time()
            ready = self._ready[queue]
            if not ready:
                ready += (
                    message
                    for message in self.queues.waiting
                    if message.queue is queue and message.visible_at <= self.now
                )
            if ready:
                await self.deliver(ready.popleft())
            else:
                await asyncio.sleep(0.01)

    async def _connected(self, name: str) -> Connected:
        return self.connection

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        application = web.Application()
        application.add_routes(
            [
                web.get("/receipts/{carrier}/{token}", self._receipt),
                web.post("/callbacks", self._callback),
            ]
        )
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self.port, backlog=1024).start()
            yield
        finally:
            await runner.cleanup()

    async def _receipt(self, request: web.Request) -> web.Response:
        query = {name: request.query.getall(name) for name in request.query}
        carrier, token = request.match_info["carrier"], request.match_info["token"]
        asked = ReceiptRequest("GET", {}, query, b"", HOST)
        received, heard = self.receive_service().receive(carrier, token, asked)
        self.intermediate_count += received.intermediate_count
        return web.Response(status=heard.status, body=heard.body, headers=dict(heard.headers))

    async def _callback(self, request: web.Request) -> web.Response:
        events: list[dict[str, Any]] = await request.json()
        for event in events:
            for entry in event["data"]:
                self.entries[f"{event['event']} {entry['meta']}"] += 1
        return web.Response()
