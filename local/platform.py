"""Simulate platforms that take callbacks like the real ones, check them as strictly, and show them.

The first part of a path is the platform. The next may choose the answer: `/clevertap/fail-2/x`
answers 503 twice and then 200, `/moengage/status-404/x` always 404, `/webengage/hang/x` never;
`/clevertap/partial-1/x` leaves the last entry unprocessed.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic_core import from_json, to_json

from local.platforms import RECEIVERS
from local.platforms.reading import CLICKED, DELIVERED, REPLIED, Entry, NotTaken, Post
from local.simulators import names, only, page, parameters

MODE = re.compile(r"^/\w+/(?:(fail|status|partial)-(\d+)|(hang))(?:/|$)")


class Platform:
    """The state of all platforms and their HTTP routes."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._posts: list[dict[str, Any]] = []
        # Counted on arrival, since a watched campaign asks many times a second.
        self._answers = Counter[str]()
        self._whats = Counter[str]()
        self._failed = Counter[str]()
        self._seen: set[tuple[str, ...]] = set()
        self._repeated: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_get("/", self._page)
        for name in RECEIVERS:
            app.router.add_post(f"/{name}/{{rest:.*}}", self._callback)
        app.router.add_get("/callbacks", self._show)
        app.router.add_delete("/callbacks", self._reset)
        return app

    async def _callback(self, request: web.Request) -> web.Response:
        name = request.path.split("/")[1]
        headers = {key.lower(): value for key, value in request.headers.items()}
        body = await request.read()
        post: dict[str, Any] = {
            "path": request.path,
            "webhook_id": request.headers.get("webhook-id"),
            "received_at": time.time(),
        }
        try:
            entries = RECEIVERS[name].read(Post(headers, body))
        except NotTaken as error:
            status: int | None = error.status
            payload: Any = {"status": "fail", "error": str(error)}
            post |= {"status": status, "events": str(error)}
        else:
            status, unused = self._mode(request.path, len(entries))
            payload = RECEIVERS[name].answer(entries, unused)
            post |= {"status": status, "events": from_json(body)}
            if _is_acknowledged(post):
                self._count(name, entries[: len(entries) - unused])
        self._posts.append(post)
        self._answers[str(status)] += 1
        if status is None:
            while request.transport is not None and not request.transport.is_closing():
                await asyncio.sleep(0.05)
        return _json(payload, status or 200)

    def _mode(self, path: str, count: int) -> tuple[int | None, int]:
        """Return the status that a path chooses, and the number of entries left unprocessed.

        None as status means no answer.
        """
        chosen = MODE.match(path)
        match chosen.groups() if chosen else ():
            case ("fail", times, _):
                earlier = sum(each["path"] == path for each in self._posts)
                return (503 if earlier < int(times) else 200), 0
            case ("status", code, _):
                return int(code), 0
            case ("partial", unused, _):
                return 200, min(int(unused), count)
            case (_, _, "hang"):
                return None, 0
        return 200, 0

    def _count(self, name: str, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._whats[entry.what] += 1
            if entry.what == "failed":
                self._failed[entry.detail] += 1
            key = (name, *entry.key)
            if key in self._seen:
                self._repeated.append(entry.ref)
            self._seen.add(key)

    async def _show(self, request: web.Request) -> web.Response:
        """Return the acknowledged posts; all posts with `?all=1`, or counts with `?summary=1`.

        `?ref=` selects the posts and entries of one message, by the customer's name for it or by
        ours; `?path=` selects the posts to one path.
        """
        asked = parameters(request, flags=("summary", "all"), values=("path", "ref"))
        if "summary" in asked:
            return page(self._summary())
        posts = [p for p in self._posts if "all" in asked or _is_acknowledged(p)]
        path, ref = asked.get("path"), asked.get("ref")
        posts = [post for post in posts if path in (None, post["path"])]
        if ref is not None:
            found = [post for post in posts if names(post["events"], ref)]
            posts = [{**post, "events": only(post["events"], ref)} for post in found]
        return page(posts)

    def _summary(self) -> dict[str, Any]:
        refused = [post["events"] for post in self._posts if isinstance(post["events"], str)]
        return {
            "posts": len(self._posts),
            "answers": dict(self._answers),
            "refusals": refused[:10],
            "entries": self._whats.total(),
            DELIVERED: self._whats[DELIVERED],
            "failed": dict(sorted(self._failed.items())),
            REPLIED: self._whats[REPLIED],
            CLICKED: self._whats[CLICKED],
            "repeated": self._repeated,
        }

    async def _reset(self, request: web.Request) -> web.Response:
        parameters(request)
        self._forget()
        return web.Response(status=204)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(
            text="Harkara's platform simulator\n\n"
            "POST /clevertap/<anything>      takes callbacks as CleverTap does; so do\n"
            f"     {', '.join(list(RECEIVERS)[1:])}\n"
            "  /clevertap/fail-2/x           answers 503 twice, then 200\n"
            "  /clevertap/status-404/x       always answers 404\n"
            "  /clevertap/hang/x             never answers\n"
            "  /clevertap/partial-1/x        has no use for the last entry\n"
            "GET /callbacks                  what was acknowledged; ?all=1 all; ?summary=1 counts\n"
            "  ?ref=first                    of one message alone: your name for it, or our mid\n"
            "  ?path=/clevertap/x            of one path alone\n"
            "DELETE /callbacks               forget them\n"
        )


def _is_acknowledged(post: dict[str, Any]) -> bool:
    return post["status"] is not None and post["status"] // 100 == 2


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=to_json(value), status=status, content_type="application/json")
