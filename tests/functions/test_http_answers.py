"""Once a status is read it decides, independent of body, coding, reason phrase and speed."""

import asyncio
import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functions.exchanges import answering, post, run
from tests.functions.servers import Script, read_request, reset

READ_S = 0.2
BODY = b'{"status": "success"}'
PACKED = gzip.compress(BODY, mtime=0)
STATUSES = (200, 202, 302, 400, 410, 429, 500, 503)


def raw_answer(
    status: int, body: bytes, coding: bytes = b"", reason: bytes = b"", length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    head = b"HTTP/1.1 %d %s\r\nretry-after: 7\r\ncontent-length: %d\r\n" % (status, reason, size)
    return head + (b"content-encoding: %s\r\n" % coding if coding else b"") + b"\r\n" + body


def ending(status: int, body: bytes, *, by_reset: bool) -> Script:
    """Answer with a body that ends before its length."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw_answer(status, body, length=1000))
        await writer.drain()
        if by_reset:
            reset(writer)

    return script


def dripping(status: int) -> Script:
    """Answer with a body that never stalls between two reads and never ends."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw_answer(status, b"", length=10_000))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(READ_S / 10)

    return script


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("by_reset", [True, False])
def test_a_body_that_ends_early_leaves_the_status(status: int, by_reset: bool) -> None:
    got = run(ending(status, BODY[:9], by_reset=by_reset))
    assert (got.status, got.headers["retry-after"], got.is_whole) == (status, "7", False)
    assert BODY.startswith(got.body)


@pytest.mark.parametrize("status", STATUSES)
def test_a_slow_body_leaves_the_status(status: int) -> None:
    got = run(dripping(status), lambda exchange, url: post(exchange, url, READ_S))
    assert (got.status, got.is_whole, got.body.strip()) == (status, False, b"")


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("UTF-8", BODY),
        ("none", BODY),
        ("identity", BODY),
        ("br", BODY),
        ("", BODY),
        ("gzip", BODY),
        ("deflate", BODY),
        ("gzip", PACKED),
        ("GZIP ", PACKED),
        ("x-gzip", PACKED),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY, wbits=-zlib.MAX_WBITS)),
    ],
)
def test_a_body_is_read_as_it_is_packed_whatever_it_claims(coding: str, sent: bytes) -> None:
    got = run(answering(raw_answer(200, sent, coding.encode())))
    assert (got.status, got.body, got.is_whole) == (200, BODY, True)


def test_a_packed_body_that_is_cut_short_yields_what_came() -> None:
    got = run(answering(raw_answer(429, PACKED[:-12], b"gzip")))
    assert got.status == 429
    assert BODY.startswith(got.body)


@settings(max_examples=25)
@given(
    # These two end with their head: bytes behind it would be the next answer (RFC 9112 6.3).
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    reason=st.binary(max_size=12).map(
        lambda text: bytes(each for each in text if each >= 32 and each != 127)
    ),
    coding=st.sampled_from([b"", b"gzip", b"deflate", b"UTF-8", b"none", b"br", b"gzip, gzip"]),
    body=st.binary(max_size=64),
)
def test_whatever_comes_with_a_status_it_is_told(
    status: int, reason: bytes, coding: bytes, body: bytes
) -> None:
    got = run(answering(raw_answer(status, body, coding, reason)))
    assert (got.status, got.headers["retry-after"]) == (status, "7")
