"""Serve the stack's API on a short URL: a plain reverse proxy to the emulator's long one."""

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from yarl import URL

from harkara.api.resolver import ROUTES

HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# Headers that aiohttp's client would add by itself.
NOTHING_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")

_ROUTES = "\n".join(f"{', '.join(methods):<18}{path}" for path, methods in ROUTES.items())
PAGE = f"""Harkara, on this machine

{_ROUTES}

Try it:
  curl -s %(url)s/datasend -H 'content-type: application/json' -d '{{"user": "sandbox", \
"pass": "sandbox-secret", "smstosend": [{{"to": "919876543210", "from": "HARKAR", \
"smstext": "See https://example.com/", "smsgid": "first", "shorten_urls": true}}]}}'
Then look at the carrier's /submissions, at its /texts for the link, and the platform's /callbacks.
"""


class Gateway:
    """Passes every request on to `api_url`, with path, query, headers and body unchanged."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url.rstrip("/")

    def application(self) -> web.Application:
        app = web.Application()
        app.cleanup_ctx.append(self._client)
        app.router.add_get("/", self._page)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._pass_on)
        return app

    async def _client(self, _app: web.Application) -> AsyncIterator[None]:
        # API Gateway gives an integration 30 s; the connection to the emulator has no other limit.
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=60),
            auto_decompress=False,
            skip_auto_headers=NOTHING_ADDED,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as self._session:
            yield

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in HOP_BY_HOP
        ]
        try:
            async with self._session.request(
                request.method,
                URL(self._api_url + request.raw_path, encoded=True),
                headers=headers,
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            ) as upstream:
                answer = web.StreamResponse(status=upstream.status, reason=upstream.reason)
                for name, value in upstream.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        answer.headers.add(name, value)
                await answer.prepare(request)
                async for data in upstream.content.iter_any():
                    await answer.write(data)
                await answer.write_eof()
                return answer
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.json_response(
                {
                    "status": False,
                    "Error": "EMULATOR_AWAY",
                    "message": f"The emulator did not answer ({error}); is the stack up?",
                },
                status=502,
            )

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE % {"url": f"http://{request.host}"})
