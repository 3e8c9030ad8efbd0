"""A platform that takes delivery callbacks as CleverTap does, checks their shape and shows them.

A path may choose how it answers: `/clevertap/fail-2/x` 503 twice and then 200,
`/clevertap/status-404/x` always 404, `/clevertap/hang/x` never.
"""

import asyncio
import re
import time
from collections import Counter
from typing import Any

from aiohttp import web
from pydantic_core import from_json, to_json

# CleverTap's failure codes; there is no 911.
FAILURE_CODES = {str(code) for code in range(900, 921) if code != 911}
ENTRY_LIMIT = 100
MODE = re.compile(r"^/clevertap/(?:(fail)-(\d+)|(status)-(\d{3})|(hang))(?:/|$)")


def shape_error(events: Any) -> str | None:
    """Return why a body is not CleverTap's array of delivery events, or None."""
    if not isinstance(events, list) or not events:
        return "the body is not an array of events"
    entries = 0
    for event in events:
        if not isinstance(event, dict) or event.keys() != {"event", "data"}:
            return "an event has not exactly the members event and data"
        if event["event"] not in ("delivered", "failed"):
            return f"event {event['event']!r} is not delivered or failed"
        if not isinstance(event["data"], list) or not event["data"]:
            return "data is not an array with entries"
        entries += len(event["data"])
        for entry in event["data"]:
            if reason := _entry_error(event["event"], entry):
                return reason
    return f"{entries} entries in one callback" if entries > ENTRY_LIMIT else None


def _entry_error(event: str, entry: Any) -> str | None:
    members = {"ts", "meta", "description"} | ({"code"} if event == "failed" else set())
    if not isinstance(entry, dict) or entry.keys() != members:
        return f"an entry of {event} has not exactly the members {', '.join(sorted(members))}"
    if type(entry["ts"]) is not int or not 10**9 <= entry["ts"] < 10**10:
        return "ts is not a time in seconds"
    if not isinstance(entry["meta"], str) or not entry["meta"]:
        return "meta is not a text"
    if not isinstance(entry["description"], str):
        return "description is not a text"
    if event == "failed" and entry["code"] not in FAILURE_CODES:
        return f"code {entry['code']!r} is not one of CleverTap's"
    return None


class Platform:
    """The platform's state and its HTTP routes."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._posts: list[dict[str, Any]] = []
        # Counted as they come: who watches a campaign asks many times a second.
        self._answers = Counter[str]()
        self._delivered = 0
        self._failed = Counter[str]()
        self._metas: set[str] = set()
        self._repeated: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_get("/", self._page)
        app.router.add_post("/clevertap/{rest:.*}", self._callback)
        app.router.add_get("/callbacks", self._show)
        app.router.add_delete("/callbacks", self._reset)
        return app

    async def _callback(self, request: web.Request) -> web.Response:
        try:
            events = from_json(await request.read())
            reason = shape_error(events)
        except ValueError as error:
            events, reason = None, f"not JSON: {error}"
        if request.content_type != "application/json":
            reason = f"the content type is {request.content_type}"
        post: dict[str, Any] = {
            "path": request.path,
            "webhook_id": request.headers.get("webhook-id"),
            "received_at": time.time(),
            "status": 400 if reason else 200,
            "events": reason or events,
        }
        mode = MODE.match(request.path)
        if not reason and mode:
            fail, times, status, code, hang = mode.groups()
            if fail and sum(each["path"] == request.path for each in self._posts) < int(times):
                post["status"] = 503
            elif status:
                post["status"] = int(code)
            elif hang:
                post["status"] = None
        self._posts.append(post)
        self._answers[str(post["status"])] += 1
        if _is_acknowledged(post):
            self._count(post["events"])
        if post["status"] is None:
            while request.transport is not None and not request.transport.is_closing():
                await asyncio.sleep(0.05)
        return _json({"status": "fail", "error": reason} if reason else {}, post["status"] or 200)

    def _count(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            if event["event"] == "delivered":
                self._delivered += len(event["data"])
            else:
                self._failed.update(entry["code"] for entry in event["data"])
            for entry in event["data"]:
                if entry["meta"] in self._metas:
                    self._repeated.append(entry["meta"])
                self._metas.add(entry["meta"])

    async def _show(self, request: web.Request) -> web.Response:
        """The acknowledged posts, `?all=1` all that came, or with `?summary=1` their counts."""
        if "summary" in request.query:
            return _json(self._summary())
        return _json([p for p in self._posts if "all" in request.query or _is_acknowledged(p)])

    def _summary(self) -> dict[str, Any]:
        return {
            "posts": len(self._posts),
            "answers": dict(self._answers),
            "refusals": [post["events"] for post in self._posts if post["status"] == 400][:10],
            "entries": self._delivered + self._failed.total(),
            "delivered": self._delivered,
            "failed": dict(sorted(self._failed.items())),
            "repeated": self._repeated,
        }

    async def _reset(self, _request: web.Request) -> web.Response:
        self._forget()
        return web.Response(status=204)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(
            text="Harkara's platform simulator\n\n"
            "POST /clevertap/<anything>      takes delivery callbacks\n"
            "  /clevertap/fail-2/x           answers 503 twice, then 200\n"
            "  /clevertap/status-404/x       always answers 404\n"
            "  /clevertap/hang/x             never answers\n"
            "GET /callbacks                  what was acknowledged; ?all=1 all; ?summary=1 counts\n"
            "DELETE /callbacks               forget them\n"
        )


def _is_acknowledged(post: dict[str, Any]) -> bool:
    return post["status"] is not None and post["status"] // 100 == 2


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=to_json(value), status=status, content_type="application/json")
