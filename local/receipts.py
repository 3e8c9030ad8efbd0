"""The carrier simulator's receipts: planned, gathered, and posted until they are acknowledged."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from pydantic_core import to_json

if TYPE_CHECKING:
    from local.carrier import CarrierSettings, Counts

ARRAY_LIMIT = 100
# Minutes in all: giving up early on a slow machine would leave a message unknown.
RETRY_DELAYS_S = (0.2, 1, 3, *(10,) * 30)
CLOSED = aiohttp.ClientTimeout(total=30)

# Last four digits of the recipient -> state and code of its only or first receipt.
RECEIPTS = {
    "9001": ("UNDELIV", "27", "Absent subscriber"),
    "9002": ("UNDELIV", "650", "Blocked by preference (DND)"),
    "9003": ("REJECTD", "633", "Template not matched"),
    "9010": ("UNDELIV", "1", "Unknown subscriber"),
}
DELIVERED = ("DELIVRD", "000", "Delivered")
RECEIPTED_TWICE = "9008"
FAILED_THEN_DELIVERED = "9010"


def first_receipt(magic: str, taken: dict[str, Any]) -> dict[str, Any]:
    """Return the first receipt of a message that was taken, by the end of its number."""
    return _receipt(taken, *RECEIPTS.get(magic, DELIVERED))


class Receipts:
    """Sends receipts; `counts` returns the counters that are current."""

    def __init__(self, settings: "CarrierSettings", counts: "Callable[[], Counts]") -> None:
        self._settings = settings
        self._counts = counts
        self._waiting: list[dict[str, Any]] = []
        # The second receipt by the carrier's mid, until the first is acknowledged.
        self._seconds: dict[str, dict[str, Any]] = {}
        self._flush: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def client(self, _app: web.Application) -> AsyncIterator[None]:
        """Keep the connections to the receipt URL open while the application runs."""
        connector = aiohttp.TCPConnector(limit=self._settings.receipt_connections)
        async with aiohttp.ClientSession(connector=connector, timeout=CLOSED) as self._session:
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def plan(self, magic: str, receipt: dict[str, Any]) -> None:
        """Schedule the receipts of one message."""
        delay_s = self._settings.answer_delay_s
        if self._settings.receipt_delay_s:
            delay_s += random.random() * self._settings.receipt_delay_s  # noqa: S311
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, self._gather, magic, receipt)
        if magic == RECEIPTED_TWICE:
            loop.call_later(delay_s + 0.1, self._gather, magic, receipt)

    async def send_now(self, receipts: list[dict[str, Any]], within_s: float) -> None:
        """Post receipts at once; return when they are acknowledged, or after `within_s`."""
        await asyncio.wait({self._start(self._post(receipts))}, timeout=within_s)

    def _gather(self, magic: str, receipt: dict[str, Any]) -> None:
        self._waiting.append(receipt)
        if magic == FAILED_THEN_DELIVERED:
            self._seconds[receipt["mid"]] = _receipt(receipt, *DELIVERED)
        if not self._settings.gather_s or len(self._waiting) >= ARRAY_LIMIT:
            self._send()
        elif self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(self._settings.gather_s, self._send)

    def _send(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        waiting, self._waiting = self._waiting, []
        # While the servers stop, planned receipts still become due.
        if waiting and not self._session.closed:
            self._start(self._post(waiting))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _acknowledged(self, receipts: list[dict[str, Any]]) -> None:
        """Count acknowledged receipts, and schedule their second receipts if any."""
        self._counts().receipts_posted += len(receipts)
        loop = asyncio.get_running_loop()
        for receipt in receipts:
            if second := self._seconds.pop(receipt["mid"], None):
                loop.call_later(self._settings.second_receipt_s, self._gather, "", second)

    async def _post(self, receipts: list[dict[str, Any]]) -> None:
        """Post receipts to the configured URL, with retries until it answers 2xx."""
        single = not self._settings.gather_s and len(receipts) == 1
        body = to_json(receipts[0] if single else receipts)
        headers = {"Content-Type": "application/json"}
        for delay_s in (*RETRY_DELAYS_S, None):
            try:
                async with self._session.post(
                    self._settings.receipt_url, data=body, headers=headers
                ) as answer:
                    await answer.read()
                    if answer.ok:
                        self._acknowledged(receipts)
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                print(f"carrier: the receipt URL did not answer: {error!r}", file=sys.stderr)
            if delay_s is not None:
                await asyncio.sleep(delay_s)
        self._counts().receipts_given_up += len(receipts)


def _receipt(taken: dict[str, Any], status: str, code: str, description: str) -> dict[str, Any]:
    return {
        "mid": taken["mid"],
        "smsgid": taken["smsgid"],
        "to": taken["to"],
        "status": status,
        "code": code,
        "description": description,
        "ts": int(time.time()),
    }
