"""Simulate a carrier of the `datasend` JSON that acts by the recipient's last four digits.

It counts its input and deduplicates nothing: a double submit shows in `GET /submissions`.
"""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web
from pydantic_core import from_json, to_json

from local.rcs import Rcs
from local.receipts import Receipts, first_receipt
from local.settings import CARRIER_PASSWORD, CARRIER_USER, RECEIPT_TOKEN
from local.simulators import page, parameters

NEVER_RECEIPTED = "9004"
REFUSED = "9005"
THROTTLED = "9006"
NEVER_ANSWERED = "9007"
RECEIPT_BEFORE_ANSWER = "9009"
THROTTLES = 2
TEXTS_KEPT = 50


@dataclass
class CarrierSettings:
    """The carrier's behaviour; `POST /settings` changes it while it runs."""

    receipt_url: str = f"http://127.0.0.1:8080/receipts/sim/{RECEIPT_TOKEN}"
    answer_delay_s: float = 0.02
    # The submitter's timeout. The answer to 9009 waits for the acknowledgement of its receipt, but
    # for no more than a third of this time.
    submit_timeout_s: float = 15
    # After this time 9007's connection is closed without an answer; 0 leaves that to the submitter.
    unanswered_s: float = 0
    # A receipt comes after a random time up to this.
    receipt_delay_s: float = 0.5
    # Delay of 9010's second receipt after the first was acknowledged. Queues keep no order: while a
    # campaign waits in them, a short delay lets the second receipt overtake the first.
    second_receipt_s: float = 0.3
    # Receipts are gathered for this time into one array; 0 posts each alone, as one object.
    gather_s: float = 0.05
    # More concurrent posts only make the emulator start more workers of `receipt`.
    receipt_connections: int = 4


@dataclass
class Counts:
    """Counts of the input since the start or the last `DELETE /submissions`."""

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
    submitted: defaultdict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def as_json(self, *, with_mids: bool) -> dict[str, Any]:
        answer = {each.name: getattr(self, each.name) for each in fields(self) if each.type is int}
        answer["repeated"] = self.repeated
        if with_mids:
            answer["by_mid"] = dict(self.by_mid)
        return answer

    def note(self, mid: str, record: dict[str, Any], outcome: str) -> None:
        """Store the outcome of a record; its text is in `GET /texts`."""
        kept = {name: record.get(name) for name in ("smsgid", "to", "from")}
        self.submitted[mid].append({**kept, "outcome": outcome})

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
        self._receipts = Receipts(settings, lambda: self.counts)
        self._rcs = Rcs(settings, Counts())

    def application(self) -> web.Application:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.cleanup_ctx.append(self._receipts.client)
        app.cleanup_ctx.append(self._rcs.client)
        app.router.add_get("/", self._page)
        app.router.add_post("/datasend", self._submit)
        app.router.add_post("/rcs/{number}/{reference}", self._rcs.submit)
        app.router.add_delete("/rcs/{number}/{reference}", self._rcs.revoke)
        app.router.add_get("/rcs", self._rcs.visible)
        app.router.add_get("/submissions", self._submissions)
        app.router.add_delete("/submissions", self._reset)
        app.router.add_get("/texts", self._phones)
        app.router.add_post("/settings", self._change)
        return app

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
                counts.note(mid, record, "refused")
                answers.append(_error(record, "SENDER_BLOCKED", "The sender is blocked"))
                continue
            if magic == THROTTLED and counts.throttles[mid] < THROTTLES:
                counts.throttles[mid] += 1
                counts.throttled += 1
                counts.note(mid, record, "throttled")
                if len(records) == 1:
                    return _json({"status": False, "Error": "THROTTLED"}, 429, {"Retry-After": "1"})
                answers.append(_error(record, "THROTTLED", "Too many requests"))
                continue
            counts.take(mid)
            counts.note(mid, record, "taken")
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
            receipt = first_receipt(magic, answers[-1])
            hold = hold or magic == NEVER_ANSWERED
            if magic == RECEIPT_BEFORE_ANSWER:
                early.append(receipt)
            elif magic != NEVER_RECEIPTED:
                self._receipts.plan(magic, receipt)
        if early:
            # The answer to the receipt may take longer than the submitter waits for this one, or
            # never come.
            await self._receipts.send_now(early, self.settings.submit_timeout_s / 3)
        if hold:
            await self._leave_unanswered(request)
        if self.settings.answer_delay_s:
            await asyncio.sleep(self.settings.answer_delay_s)
        return _json(answers)

    async def _leave_unanswered(self, request: web.Request) -> None:
        """Return once the connection is closed, by the client or, after a while, by the carrier."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.unanswered_s or None):
                while request.transport is not None and not request.transport.is_closing():
                    await asyncio.sleep(0.05)
        if request.transport is not None:
            request.transport.close()

    async def _submissions(self, request: web.Request) -> web.Response:
        asked = parameters(request, flags=("summary",), values=("ref",))
        if "ref" not in asked:
            return page(self.counts.as_json(with_mids="summary" not in asked))
        # `ref` is our mid, or one of the references under which it was submitted.
        mid, tried, _ = asked["ref"].partition(".")
        found = self.counts.submitted.get(mid, [])
        return page([each for each in found if not tried or each["smsgid"] == asked["ref"]])

    async def _phones(self, request: web.Request) -> web.Response:
        parameters(request)
        return page(list(self._texts))

    async def _reset(self, request: web.Request) -> web.Response:
        parameters(request)
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
            "POST, DELETE /rcs/...          send and revoke by RCS\n"
            "GET /rcs                       what came of the messages by RCS\n"
            "GET /submissions[?summary=1]   what it got, by our message id\n"
            "GET /submissions?ref=<mid>     what came of one message\n"
            "GET /texts                     the last texts, as phones show them: links to follow\n"
            "DELETE /submissions            count from zero\n"
            "POST /settings                 change how it behaves: "
            + ", ".join(vars(self.settings))
            + "\n"
        )


def _error(record: dict[str, Any], code: str, message: str) -> dict[str, Any]:
    return {"to": record["to"], "smsgid": record["smsgid"], "Error": code, "message": message}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=to_json(value), status=status, headers=headers, content_type="application/json"
    )
