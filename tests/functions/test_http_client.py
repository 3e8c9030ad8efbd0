"""The HTTP client against real servers: the meaning of a failure for the sender.

The important case is a reset after the request was read: a sender that believed nothing was sent
would send the message twice.
"""

import asyncio
import gzip
import logging
import socket

import pytest
from aiohttp.abc import ResolveResult

from harkara.base.errors import (
    ExchangeError,
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    HttpAnswer,
)
from harkara.model.callbacks import UrlRules
from harkara.net.callback_poster import GuardedResolver
from harkara.net.client import HttpClient
from tests.functions.exchanges import (
    BODY,
    Resolver,
    answering,
    closed_port,
    post,
    run,
    run_to,
)
from tests.functions.servers import Script, answer, read_request, reset, serving

READ_S = 0.2


def test_an_answer_has_status_headers_and_body() -> None:
    requests: list[bytes] = []
    raw = answer("429 Too Many Requests", b'{"a": 1}', "Retry-After: 7\r\n")
    got = run(answering(raw, requests))
    assert (got.status, got.body) == (429, b'{"a": 1}')
    assert got.headers.get("retry-after") == "7"
    (request,) = requests
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert b"content-type: application/json" in request.lower()
    assert request.endswith(b"\r\n\r\n" + BODY)


def test_a_compressed_answer_is_read() -> None:
    raw = answer(body=gzip.compress(b"hello"), headers="content-encoding: gzip\r\n")
    assert run(answering(raw)).body == b"hello"


def test_no_url_is_logged_whatever_the_root_logger_shows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # As in Lambda, whose root logger has the function's level.
    with caplog.at_level(logging.DEBUG):
        run(answering(answer()))
    assert not caplog.records


# Nothing was sent


def test_a_refused_connection_took_nothing() -> None:
    with pytest.raises(ExchangeUnreachable) as error:
        run_to(f"http://127.0.0.1:{closed_port()}/")
    assert str(error.value) == "no connection: Connection refused"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("carrier.example/datasend", id="no scheme"),
        pytest.param("http:///datasend", id="no host"),
        pytest.param("http://127.0.0.1:99999/", id="no such port"),
        pytest.param("http://127.1/", id="a short address"),
        pytest.param("http://[::1", id="an open bracket"),
        pytest.param("http://carrier.example\\x/", id="a backslash"),
        pytest.param("http://carrier.example/\n", id="a line feed"),
        pytest.param("ftp://127.0.0.1/", id="another scheme"),
    ],
)
def test_a_url_that_leads_nowhere_took_nothing(url: str) -> None:
    with pytest.raises(ExchangeUnreachable):
        run_to(url)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_name_that_cannot_be_asked_for_is_a_carriers_failure(host: str) -> None:
    """A customer may name such a host: the only result must be a failed post."""
    with pytest.raises(ExchangeError):
        run_to(f"http://{host}/")


class SilentResolver(Resolver):
    """Never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []


def test_a_name_that_is_not_resolved_in_time_took_nothing() -> None:
    with pytest.raises(ExchangeUnreachable):
        run(
            answering(answer()),
            lambda exchange, url: post(exchange, "http://carrier.example/"),
            SilentResolver(""),
            connect_timeout_s=0.05,
        )


def test_a_request_that_gets_no_connection_in_time_took_nothing() -> None:
    """The first request holds the only connection; the second is never sent."""
    requests: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        await reader.read()

    async def main() -> None:
        async with serving(script) as url, HttpClient(1) as exchange:
            first = asyncio.create_task(post(exchange, url))
            while not requests:
                await asyncio.sleep(0.001)
            with pytest.raises(ExchangeUnreachable):
                await post(exchange, url, 2 * READ_S)
            first.cancel()

    asyncio.run(main())
    assert len(requests) == 1


def test_a_name_that_leads_to_this_machine_is_not_connected_to() -> None:
    requests: list[bytes] = []
    guarded = GuardedResolver(UrlRules(), Resolver("127.0.0.1"))
    with pytest.raises(ExchangeUnreachable):
        run(
            answering(answer(), requests),
            lambda exchange, url: post(exchange, url.replace("127.0.0.1", "rebound.example")),
            guarded,
        )
    assert requests == []


def test_the_guarded_address_is_the_one_connected_to() -> None:
    requests: list[bytes] = []
    guarded = GuardedResolver(UrlRules(loopback=True), Resolver("127.0.0.1"))
    got = run(
        answering(answer(), requests),
        lambda exchange, url: post(exchange, url.replace("127.0.0.1", "platform.example")),
        guarded,
    )
    assert got.status == 200
    assert b"host: platform.example:" in requests[0].lower()


# The request left, and its outcome is unknown


async def reset_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    reset(writer)


async def close_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def half_a_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    await writer.drain()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"220 mail.example ESMTP\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (reset_after_request, "the connection broke"),
        (close_after_request, "the connection ended without an answer"),
        (half_a_head, "the connection ended without an answer"),
        (garbage, "the answer is not HTTP"),
    ],
)
def test_without_a_status_nobody_knows(script: Script, words: str) -> None:
    with pytest.raises(ExchangeOutcomeUnknown) as error:
        run(script)
    # The server's text stays out of the error's words.
    assert str(error.value) == words


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


def test_no_answer_ends_at_the_time_out_and_nobody_knows() -> None:
    with pytest.raises(ExchangeOutcomeUnknown):
        run(silence, lambda exchange, url: post(exchange, url, READ_S))


def test_a_connection_that_closed_while_it_was_idle_is_not_sent_on_again() -> None:
    """The second request may have been read before the end came: it is not repeated."""
    requests: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(answer())
        await writer.drain()
        requests.append(await read_request(reader))
        reset(writer)

    async def twice(exchange: HttpClient, url: str) -> HttpAnswer:
        await post(exchange, url)
        return await post(exchange, url)

    with pytest.raises(ExchangeOutcomeUnknown):
        run(script, twice)
    assert len(requests) == 2


def test_both_failures_are_a_carriers() -> None:
    assert issubclass(ExchangeUnreachable, ExchangeError)
    assert issubclass(ExchangeOutcomeUnknown, ExchangeError)
    assert not issubclass(ExchangeOutcomeUnknown, ExchangeUnreachable)
