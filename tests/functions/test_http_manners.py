"""The HTTP client follows no redirects, keeps no cookies, ignores proxies, limits its reading."""

import asyncio
import gzip

import pytest

from harkara.base.errors import ExchangeOutcomeUnknown, HttpAnswer
from harkara.net.client import BODY_LIMIT_BYTES, KEEPALIVE_S, HttpClient
from tests.functions.exchanges import Resolver, answering, closed_port, post, run
from tests.functions.servers import answer, read_request, serving


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    requests: list[bytes] = []
    raw = answer("307 Temporary Redirect", headers="location: /elsewhere\r\n")
    assert run(answering(raw, requests)).status == 307
    assert len(requests) == 1


def test_a_cookie_is_not_kept() -> None:
    requests: list[bytes] = []
    raw = answer(headers="set-cookie: session=1; Path=/\r\n")

    async def twice(exchange: HttpClient, url: str) -> HttpAnswer:
        # Cookie jars ignore IP addresses.
        named = url.replace("127.0.0.1", "carrier.example")
        await post(exchange, named)
        return await post(exchange, named)

    run(answering(raw, requests), twice, Resolver("127.0.0.1"))
    assert len(requests) == 2
    assert b"cookie" not in requests[1].lower()


def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert run(answering(answer())).status == 200


def test_credentials_of_the_users_netrc_are_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    requests: list[bytes] = []
    run(answering(answer(), requests))
    assert b"authorization" not in requests[0].lower()


@pytest.mark.parametrize("batch", [b" " * 65_536, b"\x00" * 1000])
def test_a_huge_answer_is_cut(batch: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer(length=10**9))
        while True:
            writer.write(batch)
            await writer.drain()

    assert len(run(script).body) == BODY_LIMIT_BYTES


def test_an_answer_that_unpacks_to_a_huge_one_is_cut_too() -> None:
    packed = gzip.compress(bytes(10 * BODY_LIMIT_BYTES))
    raw = answer(body=packed, headers="content-encoding: gzip\r\n")
    assert len(run(answering(raw)).body) == BODY_LIMIT_BYTES


def test_a_connection_serves_many_requests() -> None:
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(answer())(reader, writer)

    async def thrice(exchange: HttpClient, url: str) -> HttpAnswer:
        for _ in range(2):
            await post(exchange, url)
        return await post(exchange, url)

    assert run(script, thrice).status == 200
    assert connections == 1


@pytest.mark.parametrize(
    ("idle_s", "expected"),
    [
        pytest.param(KEEPALIVE_S - 0.5, 1, id="for a while"),
        pytest.param(KEEPALIVE_S, 2, id="as long as servers keep it"),
        pytest.param(3600.0, 2, id="frozen for an hour"),
        pytest.param(-3600.0, 2, id="a clock that was set back"),
    ],
)
def test_a_connection_that_was_idle_is_kept_by_the_wall_clock(idle_s: float, expected: int) -> None:
    """aiohttp counts by the monotonic clock, which stands still in a frozen process."""
    connections, now_s = 0, 1_767_258_000.0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(answer())(reader, writer)

    async def main() -> None:
        nonlocal now_s
        async with serving(script) as url, HttpClient(4, clock=lambda: now_s) as client:
            await post(client, url)
            now_s += idle_s
            assert (await post(client, url)).status == 200

    asyncio.run(main())
    assert connections == expected


def test_what_is_under_way_is_not_broken_off_by_who_comes_later() -> None:
    now_s, begun, go_on = 1_767_258_000.0, asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await go_on.wait()
        await answering(answer())(reader, writer)

    async def main() -> list[int]:
        nonlocal now_s
        async with serving(script) as url, HttpClient(4, clock=lambda: now_s) as client:
            first = asyncio.create_task(post(client, url))
            await begun.wait()
            now_s += 3600
            second = asyncio.create_task(post(client, url))
            go_on.set()
            return [(await each).status for each in (first, second)]

    assert asyncio.run(main()) == [200, 200]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        pytest.param("content-length: 7\r\n", b'{"a":1}', 2, id="a length"),
        pytest.param("Content-Type: text/plain\r\n", b"ok", 2, id="a type"),
        pytest.param("transfer-encoding: chunked\r\n", b"2\r\nok\r\n0\r\n\r\n", 2, id="chunks"),
        pytest.param("content-length: 38\r\n", answer("500 No"), 2, id="another answer"),
        pytest.param("content-length: 0\r\n", b"", 1, id="none, and says so"),
        pytest.param("", b"", 1, id="none"),
    ],
)
def test_a_body_behind_a_status_that_has_none_is_no_answer_to_the_next_request(
    status: str, headers: str, body: bytes, expected: int
) -> None:
    """Otherwise the next message would be in doubt, or get another's status."""
    connections, reported = 0, asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await read_request(reader)
            writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n".encode())
            await reported.wait()
            writer.write(body)
        await answering(answer("201 Created"))(reader, writer)

    async def twice(exchange: HttpClient, url: str) -> HttpAnswer:
        assert (await post(exchange, url)).status == int(status[:3])
        reported.set()
        return await post(exchange, url)

    assert run(script, twice).status == 201
    assert connections == expected


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_a_request_on_a_kept_connection_that_breaks_is_not_repeated(method: str) -> None:
    """The carrier may have accepted the message before it closed the connection."""
    requests: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(answer())
        requests.append(await read_request(reader))

    async def twice(exchange: HttpClient, url: str) -> HttpAnswer:
        await exchange(method, url, {}, b"", 5.0)
        return await exchange(method, url, {}, b"", 5.0)

    with pytest.raises(ExchangeOutcomeUnknown):
        run(script, twice)
    assert len(requests) == 2


def test_a_header_need_not_be_ascii() -> None:
    requests: list[bytes] = []

    async def call(exchange: HttpClient, url: str) -> HttpAnswer:
        return await exchange("POST", url, {"x-kannel-password": "pässwörd"}, b"", 5.0)

    assert run(answering(answer(), requests), call).status == 200
    assert "x-kannel-password: pässwörd\r\n".encode() in requests[0].lower()
