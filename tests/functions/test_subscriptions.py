"""The confirmation of a subscription: one GET, which succeeds with a 200."""

import asyncio
from http.client import HTTPConnection

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.net import sns
from tests.functions.servers import Script, answer, read_request, reset, serving


def confirm(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirm at a server without TLS."""
    monkeypatch.setattr(sns, "HTTPSConnection", HTTPConnection)

    async def run() -> None:
        async with serving(script) as url:
            target = f"{url}/?Action=ConfirmSubscription&Token=2336412f"
            await asyncio.to_thread(sns.confirm, target)

    asyncio.run(run())


def test_a_subscription_is_confirmed_by_one_get(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(answer(body=b"<ConfirmSubscriptionResponse/>"))

    confirm(script, monkeypatch)
    (head,) = heads
    assert head.startswith(b"GET /?Action=ConfirmSubscription&Token=2336412f HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["302 Found", "400 Bad Request", "503 Service Unavailable"])
def test_anything_but_200_is_no_confirmation(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(answer(status, headers="location: /elsewhere\r\n"))

    with pytest.raises(StoreUnavailable, match=f"answered with {status[:3]}$"):
        confirm(script, monkeypatch)
    assert len(requests) == 1


def test_a_connection_that_breaks_is_no_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        reset(writer)

    with pytest.raises(StoreUnavailable, match="^(ConnectionResetError|RemoteDisconnected)$"):
        confirm(script, monkeypatch)


def test_a_garbled_answer_is_no_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SMTP ready\r\n")

    with pytest.raises(StoreUnavailable, match="^BadStatusLine$"):
        confirm(script, monkeypatch)
