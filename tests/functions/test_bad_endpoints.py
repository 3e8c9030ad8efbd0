"""Results of callbacks to endpoints that misbehave, with reasons in plain words."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from harkara.model.callbacks import PostResult, UrlRules
from tests.functions.exchanges import answering
from tests.functions.posting import AUTHORITY, HOST, PUBLIC, post, serving_with, trust
from tests.functions.servers import Script, answer, read_request

SHORT_S = 0.6
LOCAL = UrlRules(loopback=True)
HERE = "http://127.0.0.1/dlr"
MIB = 1024 * 1024


def posted(script: Script, timeout_s: float = 10.0) -> PostResult:
    """Post to this machine without TLS, as the local stack does."""
    (result,) = post(HERE, rules=LOCAL, script=script, timeout_s=timeout_s).results
    return result


def saying(raw: bytes) -> Script:
    """Read a request, write these bytes, and close."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        await writer.drain()

    return script


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.Event().wait()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write so slowly that no read times out, but the answer never ends in time."""
    await read_request(reader)
    for byte in answer(body=b" " * 10_000):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(SHORT_S / 20)


async def drip_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce again and again that the answer is yet to come."""
    await read_request(reader)
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(SHORT_S / 20)


@pytest.mark.parametrize("script", [hang, drip, drip_for_ever])
def test_an_endpoint_that_takes_too_long_gets_no_more_time(script: Script) -> None:
    result = posted(script, SHORT_S)
    assert (result.status, result.reason) == (0, "no whole answer in time")
    assert result.duration_ms >= SHORT_S * 900


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "the connection ended without an answer", id="nothing"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-le",
            "the connection ended without an answer",
            id="half a header",
        ),
        pytest.param(b"220 mail ESMTP\r\n\r\n", "the answer is not HTTP", id="garbage"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * MIB + b"\r\n\r\n",
            "the answer is not HTTP",
            id="a huge header",
        ),
    ],
)
def test_an_answer_that_is_none_is_no_acknowledgement(raw: bytes, reason: str) -> None:
    result = posted(saying(raw))
    assert (result.status, result.reason) == (0, reason)


def test_an_acknowledgement_stands_though_its_body_breaks_off() -> None:
    result = posted(saying(answer(body=b"[", length=9)))
    assert (result.status, result.reason) == (200, "HTTP 200")


def test_an_error_inside_a_200_is_told() -> None:
    body = b'{"status": "fail", "unprocessed": [{"code": 400, "record": {"meta": "r"}}]}'
    result = posted(answering(answer(body=body)))
    assert result.reason == "HTTP 200, 1 not processed"
    assert result.unprocessed == (("r", "400"),)


def test_a_redirect_to_the_metadata_address_is_not_followed() -> None:
    where = "location: http://169.254.169.254/latest/meta-data/\r\n"
    came = post(HERE, rules=LOCAL, script=answering(answer("302 Found", headers=where)))
    assert [result.reason for result in came.results] == ["HTTP 302"]
    assert came.internet.destinations == [("127.0.0.1", 80)]


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_of_a_gigabyte_is_cut_and_the_connection_closed(packed: bool) -> None:
    closed = asyncio.Event()
    part = gzip.compress(bytes(64 * MIB)) if packed else bytes(MIB)
    head = answer(length=10**9, headers="content-encoding: gzip\r\n" if packed else "")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(head)
        try:
            for _ in range(1000):
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            closed.set()

    tracemalloc.start()
    try:
        came = post(HERE, rules=LOCAL, script=script, until=closed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [result.reason for result in came.results] == ["HTTP 200"]
    assert peak < 16 * MIB


def test_an_answer_that_is_packed_twice_is_unpacked_once() -> None:
    packed = gzip.compress(gzip.compress(bytes(64 * MIB)))
    raw = answer(body=packed, headers="content-encoding: gzip, gzip\r\n")
    tracemalloc.start()
    try:
        result = posted(answering(raw))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.reason == "HTTP 200"
    assert peak < 16 * MIB


# TLS


def good() -> trustme.LeafCert:
    return AUTHORITY.issue_cert(HOST)


def expired() -> trustme.LeafCert:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return AUTHORITY.issue_cert(
        HOST, not_before=yesterday - timedelta(days=365), not_after=yesterday
    )


def wrong_name() -> trustme.LeafCert:
    return AUTHORITY.issue_cert("other.example")


def of_its_address() -> trustme.LeafCert:
    return AUTHORITY.issue_cert(PUBLIC)


def foreign() -> trustme.LeafCert:
    return trustme.CA().issue_cert(HOST)


def self_signed() -> trustme.LeafCert:
    own = trustme.CA()
    return trustme.LeafCert(own.private_key_pem.bytes(), own.cert_pem.bytes(), [])


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (good, "HTTP 200"),
        (expired, "the certificate is not valid: certificate has expired"),
        (
            wrong_name,
            "the certificate is not valid: Hostname mismatch, certificate is not valid for"
            f" '{HOST}'.",
        ),
        (
            of_its_address,
            "the certificate is not valid: Hostname mismatch, certificate is not valid for"
            f" '{HOST}'.",
        ),
        (foreign, "the certificate is not valid: unable to get local issuer certificate"),
        (self_signed, "the certificate is not valid: self-signed certificate"),
    ],
)
def test_only_a_certificate_of_the_name_that_is_trusted_and_in_time_will_do(
    certificate: Callable[[], trustme.LeafCert],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    trust(monkeypatch, tmp_path)
    requests: list[bytes] = []
    script = answering(answer(headers="connection: close\r\n"), requests)
    came = post(script=script, tls=serving_with(certificate()))
    assert [result.reason for result in came.results] == [reason]
    assert len(requests) == (reason == "HTTP 200")


def test_a_port_without_tls_gets_nothing_of_the_callback() -> None:
    got: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    came = post(script=script)
    assert [result.reason for result in came.results] == ["no TLS connection"]
    assert b"POST" not in b"".join(got)


def test_a_handshake_that_never_ends_is_given_up_at_the_time_for_connections() -> None:
    came = post(script=hang, timeout_s=SHORT_S)
    assert [result.reason for result in came.results] == ["no connection in time"]


def test_an_address_that_is_private_the_second_time_is_told() -> None:
    came = post(answers=[[PUBLIC], ["10.0.0.1"]], posts=2)
    reason = "no address: the name leads to an address that is not global"
    assert came.results[1].reason == reason
