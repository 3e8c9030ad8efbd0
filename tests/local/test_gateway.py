"""The gateway passes requests on unchanged."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from local.gateway import Gateway
from tests.local.servers import Client, running


async def _echo(request: web.Request) -> web.Response:
    seen = {
        "method": request.method,
        "path": request.raw_path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": (await request.read()).decode(),
    }
    return web.Response(status=418, text=json.dumps(seen), headers={"X-Answer": "yes"})


@asynccontextmanager
async def gateway() -> AsyncIterator[Client]:
    upstream = web.Application()
    upstream.router.add_route("*", r"/{path:[\s\S]*}", _echo)
    async with (
        running(upstream) as emulator,
        running(Gateway(str(emulator.make_url("/api/$default"))).application()) as client,
    ):
        yield client


@pytest.mark.asyncio
async def test_path_query_headers_and_body_are_kept() -> None:
    async with gateway() as client:
        url = URL(str(client.make_url("/")) + "receipts/sim/a%2Fb%0Ac?x=%20y&x=2", encoded=True)
        async with client.session.post(url, data=b'{"a":1}', headers={"X-Own": "1"}) as answer:
            seen = json.loads(await answer.text())
            assert answer.status == 418
            assert answer.headers["X-Answer"] == "yes"
    assert seen["path"] == "/api/$default/receipts/sim/a%2Fb%0Ac?x=%20y&x=2"
    assert (seen["method"], seen["body"]) == ("POST", '{"a":1}')
    assert seen["headers"]["x-own"] == "1"
    assert seen["headers"]["content-length"] == "7"
    assert "transfer-encoding" not in seen["headers"]


@pytest.mark.asyncio
async def test_a_get_has_no_body() -> None:
    async with gateway() as client, client.get("/health") as answer:
        seen = json.loads(await answer.text())
    assert (seen["method"], seen["body"]) == ("GET", "")


@pytest.mark.asyncio
async def test_the_front_page_says_what_is_here() -> None:
    async with gateway() as client, client.get("/") as answer:
        page = await answer.text()
    assert "POST              /datasend\n" in page
    assert '{"user": "sandbox", "pass"' in page


@pytest.mark.asyncio
async def test_without_the_emulator_it_says_so() -> None:
    away = Gateway("http://127.0.0.1:1/api").application()
    async with running(away) as client, client.get("/health") as answer:
        assert answer.status == 502
        assert (await answer.json())["Error"] == "EMULATOR_AWAY"
