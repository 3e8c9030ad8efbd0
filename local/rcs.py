"""The RCS side of the carrier simulator, which acts by the last four digits as its SMS side does.

    POST /rcs/<number>/<reference>     {"text": ..., "ttl": "300s", "suggestions": [...]}
    DELETE /rcs/<number>/<reference>   revoke it

Events are posted as receipts: {"id": the reference, "event": "delivered", "at": Unix seconds}.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic_core import from_json, to_json

from harkara.carriers.settings import CarrierSettings as Stored
from harkara.carriers.settings import hash_token
from local.receipts import Receipts
from local.settings import CARRIER_PASSWORD, RECEIPT_TOKEN

if TYPE_CHECKING:
    from local.carrier import CarrierSettings, Counts

CARRIER = "rcs"
NOT_BY_RCS, REVOKED, REVOKE_FAILS, READ, EXPIRES = "9011", "9012", "9013", "9014", "9015"
# Seconds from the answer to each event.
EVENTS = {
    REVOKED: [],
    REVOKE_FAILS: [(60.0, "delivered")],
    READ: [(0.0, "delivered"), (1.0, "read")],
    EXPIRES: [(2.0, "expired")],
}
ROUTE = {"carriers": [{"carrier": "sim"}], "rcs": {"carrier": CARRIER, "wait_s": 10}}


def settings_at(carrier_url: str, secret: bytes) -> Stored:
    """Return the simulator's settings as an RCS carrier of the stack."""
    path = f"{carrier_url}/rcs/{{to}}/{{reference}}"
    headers = {"Authorization": "Bearer {password}"}
    button = {"label": "{label}", "url": "{suggestion_url}", "phone": "{suggestion_phone}"}
    fields = {
        **{"name": CARRIER, "kind": "http", "channel": "rcs", "url": path, "secret": secret},
        "receipt_token_hashes": [hash_token(RECEIPT_TOKEN)],
        "http": {
            "headers": headers,
            "json_body": {
                "text": "{text}",
                "template": "{template_id}",
                "variables": {"{variables}": ""},
                "suggestions": "{suggestions}",
                "ttl": "{validity_s}s",
            },
            "suggestions": {"open_url": button, "dial": button},
            "answer": {"id": "/id", "error": "/error"},
            "receipts": {
                "reference": "/id",
                "state": "/event",
                "states": {"delivered": "delivered", "read": "read", "expired": "expired"},
                "time": "/at",
            },
            "revoke": {"url": path, "headers": headers},
        },
    }
    return Stored.model_validate(fields)


class Rcs:
    """Takes RCS messages and revokes them; `messages` says by reference what came of each."""

    def __init__(self, settings: "CarrierSettings", counts: "Counts") -> None:
        url = settings.receipt_url.replace("/receipts/sim/", f"/receipts/{CARRIER}/")
        self.messages: dict[str, str] = {}
        self._receipts = Receipts(replace(settings, receipt_url=url, gather_s=0), lambda: counts)

    async def client(self, app: web.Application) -> AsyncIterator[None]:
        """Keep the connections to the receipt URL open while the application runs."""
        async for _ in self._receipts.client(app):
            yield

    async def submit(self, request: web.Request) -> web.Response:
        number, reference = request.match_info["number"], request.match_info["reference"]
        try:
            body = from_json(await request.read())
        except ValueError:
            body = None
        if request.headers.get("Authorization") != f"Bearer {CARRIER_PASSWORD}":
            return _answer(401, {"error": "UNAUTHORIZED"})
        if not isinstance(body, dict) or not (body.get("text") or body.get("template")):
            return _answer(400, {"error": "INVALID"})
        magic = number[-4:]
        if magic == NOT_BY_RCS:
            return _answer(404, {"error": "NOT_FOUND"})
        self.messages[reference] = "taken"
        loop = asyncio.get_running_loop()
        for delay_s, event in EVENTS.get(magic, [(0.0, "delivered")]):
            loop.call_later(delay_s, self._happens, reference, event)
        return _answer(200, {"id": reference})

    async def revoke(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        fails = request.match_info["number"].endswith(REVOKE_FAILS)
        if self.messages.get(reference) not in ("taken", "revoked", "expired") or fails:
            return _answer(404, {"error": "NOT_FOUND"})
        self.messages[reference] = "revoked"
        return _answer(200, {})

    async def visible(self, _request: web.Request) -> web.Response:
        return _answer(200, self.messages)

    def _happens(self, reference: str, event: str) -> None:
        if self.messages[reference] != "revoked":
            self.messages[reference] = event
            receipt = {"id": reference, "event": event, "at": int(time.time()), "mid": reference}
            self._receipts.plan("", receipt)


def _answer(status: int, body: Any) -> web.Response:
    return web.Response(body=to_json(body), status=status, content_type="application/json")
