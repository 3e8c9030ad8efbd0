"""A carrier that speaks the `datasend` JSON and decides by the recipient's last four digits.

It counts what it gets and deduplicates nothing: a double submit shows in `GET /submissions`.
"""

import asyncio
import random
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from typing import Any

import aiohttp
from aiohttp import web
from pydantic_core import from_json, to_json

from local.settings import CARRIER_PASSWORD, CARRIER_USER, RECEIPT_TOKEN

ARRAY_LIMIT = 100
RETRY_DELAYS_S = (0.2, 1, 3, 10)
CLOSED = aiohttp.ClientTimeout(total=30)

# Last four digits of the recipient -> state and code of its only or first receipt.
RECEIPTS = {
    "9001": ("UNDELIV", "27", "Absent subscriber"),
    "9002": ("UNDELIV", "650", "Blocked by preference (DND)"),
    "9003": ("REJECTD", "633", "Template not matched"),
    "9010": ("UNDELIV", "1", "Unknown subscriber"),
}
DELIVERED = ("DELIVRD", "000", "Delivered")
NEVER_RECEIPTED = "9004"
REFUSED = "9005"
THROTTLED = "9006"
NEVER_ANSWERED = "9007"
RECEIPTED_TWICE = "9008"
RECEIPT_BEFORE_ANSWER = "9009"
FAILED_THEN_DELIVERED = "9010"
THROTTLES = 2
TEXTS_KEPT = 50


@dataclass
class CarrierSettings:
    """How the carrier behaves; `POST /settings` changes it while it runs."""

    receipt_url: str = f"http://127.0.0.1:8080/receipts/sim/{RECEIPT_TOKEN}"
    answer_delay_s: float = 0.02
    # A receipt comes after a random time up to this.
    receipt_delay_s: float = 0.5
    # 9010's second receipt comes so long after the first. Queues keep no order: while a campaign
    # waits in them, a short time lets the second overtake.
    second_receipt_s: float = 0.3
    # Receipts are gathered for so long into one array; 0 posts each by itself, as one object.
    gather_s: float = 0.05
    # More posts at a time only make the emulator start more workers of `receipt`.
    receipt_connections: int = 4


@dataclass
class Counts:
    """What came in, since the start or the last `DELETE /submissions`."""

    requests: int = 0
    records: int = 0
    throttled: int = 0
    refused: int = 0
    unauthorized: int = 0
    receipts_posted: int = 0
    receipts_given_up: int = 0
    taken: int = 0
    repeated: list[str] = field(default_factory=list)
    by_mid: Counter[str] = field(default_factory=Counter)
    throttles: Counter[str] = field(default_factory=Counter)

    def as_json(self, *, with_mids: bool) -> dict[str, Any]:
        answer = {each.name: getattr(self, each.name) for each in fields(self) if each.type is int}
        answer["repeated"] = self.repeated
        if with_mids:
            answer["by_mid"] = dict(self.by_mid)
        return answer

    def take(self, mid: str) -> None:
        """Count a message that was taken."""
        self.taken += 1
        self.by_mid[mid] += 1
        if self.by_mid[mid] == 2:
            self.repeated.append(mid)


class Carrier:
    """The carrier's state and its HTTP routes."""

    def __init__(self, settings: CarrierSettings) -> None:
        self.settings = settings
        self.counts = Counts()
        self._texts: deque[dict[str, Any]] = deque(maxlen=TEXTS_KEPT)
        self._serial = time.time_ns() // 1_000_000
        self._waiting: list[dict[str, Any]] = []
        self._flush: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.cleanup_ctx.append(self._client)
        app.router.add_get("/", self._page)
        app.router.add_post("/datasend", self._submit)
        app.router.add_get("/submissions", self._submissions)
        app.router.add_delete("/submissions", self._reset)
        app.router.add_get("/texts", self._phones)
        app.router.add_post("/settings", self._change)
        return app

    async def _client(self, _app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=self.settings.receipt_connections)
        async with aiohttp.ClientSession(connector=connector, timeout=CLOSED) as self._session:
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        counts = self.counts
        counts.requests += 1
        try:
            body = from_json(await request.read())
            records = body["smstosend"]
            credentials = (body["user"], body["pass"])
            destinations = [(str(record["to"])[-4:], str(record["smsgid"])) for record in records]
        except (ValueError, KeyError, TypeError):
            return _json({"status": False, "Error": "MALFORMED"}, status=400)
        if credentials != (CARRIER_USER, CARRIER_PASSWORD):
            counts.unauthorized += 1
            return _json({"status": False, "Error": "UNAUTHORIZED"}, status=401)
        counts.records += len(records)

        answers, early, hold = [], [], False
        for record, (magic, reference) in zip(records, destinations, strict=True):
            mid = reference.partition(".")[0]
            if magic == REFUSED:
                counts.refused += 1
                answers.append(_error(record, "SENDER_BLOCKED", "The sender is blocked"))
                continue
            if magic == THROTTLED and counts.throttles[mid] < THROTTLES:
                counts.throttles[mid] += 1
                counts.throttled += 1
                if len(records) == 1:
                    return _json({"status": False, "Error": "THROTTLED"}, 429, {"Retry-After": "1"})
                answers.append(_error(record, "THROTTLED", "Too many requests"))
                continue
            counts.take(mid)
            names = {"to": "to", "from": "from", "smstext": "text"}
            self._texts.appendleft({new: record.get(old) for old, new in names.items()})
            self._serial += 1
            answers.append(
                {
                    "to": record["to"],
                    "from": record.get("from"),
                    "mid": f"C{self._serial}",
                    "smsgid": reference,
                }
            )
            receipt = _receipt(answers[-1], *RECEIPTS.get(magic, DELIVERED))
            hold = hold or magic == NEVER_ANSWERED
            if magic == RECEIPT_BEFORE_ANSWER:
                early.append(receipt)
            elif magic != NEVER_RECEIPTED:
                self._plan(magic, receipt)
        if early:
            await self._post(early)
        if hold:
            await _client_left(request)
        if self.settings.answer_delay_s:
            await asyncio.sleep(self.settings.answer_delay_s)
        return _json(answers)

    def _plan(self, magic: str, receipt: dict[str, Any]) -> None:
        """Send the receipts of one message later."""
        delay_s = self.settings.answer_delay_s
        if self.settings.receipt_delay_s:
            delay_s += random.random() * self.settings.receipt_delay_s  # noqa: S311
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, self._gather, receipt)
        if magic == RECEIPTED_TWICE:
            loop.call_later(delay_s + 0.1, self._gather, receipt)
        elif magic == FAILED_THEN_DELIVERED:
            second = _receipt(receipt, *DELIVERED)
            loop.call_later(delay_s + self.settings.second_receipt_s, self._gather, second)

    def _gather(self, receipt: dict[str, Any]) -> None:
        self._waiting.append(receipt)
        if not self.settings.gather_s or len(self._waiting) >= ARRAY_LIMIT:
            self._send()
        elif self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(self.settings.gather_s, self._send)

    def _send(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        waiting, self._waiting = self._waiting, []
        # While the servers stop, receipts that were planned still come up.
        if waiting and not self._session.closed:
            task = asyncio.create_task(self._post(waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _post(self, receipts: list[dict[str, Any]]) -> None:
        """Post receipts to the configured URL, a few times if it does not answer 2xx."""
        single = not self.settings.gather_s and len(receipts) == 1
        body = to_json(receipts[0] if single else receipts)
        headers = {"Content-Type": "application/json"}
        for delay_s in (*RETRY_DELAYS_S, None):
            try:
                async with self._session.post(
                    self.settings.receipt_url, data=body, headers=headers
                ) as answer:
                    await answer.read()
                    if answer.ok:
                        self.counts.receipts_posted += len(receipts)
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                print(f"carrier: the receipt URL did not answer: {error!r}", file=sys.stderr)
            if delay_s is not None:
                await asyncio.sleep(delay_s)
        self.counts.receipts_given_up += len(receipts)

    async def _submissions(self, request: web.Request) -> web.Response:
        return _json(self.counts.as_json(with_mids="summary" not in request.query))

    async def _phones(self, _request: web.Request) -> web.Response:
        return _json(list(self._texts))

    async def _reset(self, _request: web.Request) -> web.Response:
        self.counts = Counts()
        self._texts.clear()
        return web.Response(status=204)

    async def _change(self, request: web.Request) -> web.Response:
        for name, value in from_json(await request.read()).items():
            if not hasattr(self.settings, name):
                return _json({"Error": f"there is no setting {name}"}, status=400)
            setattr(self.settings, name, value)
        return _json(vars(self.settings))

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(
            text="Harkara's carrier simulator\n\n"
            "POST /datasend                 submit, as the carrier takes it\n"
            "GET /submissions[?summary=1]   what it got, by our message id\n"
            "GET /texts                     the last texts, as phones show them: links to follow\n"
            "DELETE /submissions            count from zero\n"
            "POST /settings                 change how it behaves: "
            + ", ".join(vars(self.settings))
            + "\n"
        )


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


def _error(record: dict[str, Any], code: str, message: str) -> dict[str, Any]:
    return {"to": record["to"], "smsgid": record["smsgid"], "Error": code, "message": message}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=to_json(value), status=status, headers=headers, content_type="application/json"
    )


async def _client_left(request: web.Request) -> None:
    """Return when the client has closed its connection."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.05)
