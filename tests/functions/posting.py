"""Posts callbacks on the internet of `tests.functions.internet`, by the real poster."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp
import httpx
import pytest
import trustme

from harkara.model.callbacks import PostResult, UrlRules, unregistered
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import ANSWER_LIMIT_BYTES, GuardedResolver, HttpCallbackPoster
from harkara.net.client import HttpClient
from tests.functions.exchanges import answering
from tests.functions.internet import Internet, Names, on_the_internet
from tests.functions.servers import Script, answer

HOST = "hooks.example"
URL = f"https://{HOST}/dlr"
PUBLIC = "52.1.2.3"
AUTHORITY = trustme.CA()
"""The authority that the client trusts, in tests that call `trust`."""
RULES = UrlRules()
TIMEOUT_S = 10.0
TAKEN = answering(answer(headers="connection: close\r\n"))


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept a connection, and close it."""


class Posted(NamedTuple):
    """The results of posts, and the events on the way: questions for names, connections."""

    results: list[PostResult]
    questions: list[str]
    internet: Internet
    arrived: list[int]


def serving_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def post(
    url: str = URL,
    answers: Sequence[Sequence[str]] = ((PUBLIC,),),
    *,
    posts: int = 1,
    rules: UrlRules = RULES,
    script: Script = hang_up,
    tls: ssl.SSLContext | None = None,
    timeout_s: float = TIMEOUT_S,
    until: asyncio.Event | None = None,
) -> Posted:
    """Post a callback `posts` times, with a resolution for each; then wait for an event."""
    endpoint = Endpoint(url, "clevertap")
    task = CallbackTask("q", 0, 0, "acme", endpoint, (Dlr("M", "r", State.DELIVERED, 1),))

    async def posted(internet: Internet) -> Posted:
        names = Names(answers)
        results, arrived = [], []
        client = HttpClient(4, GuardedResolver(rules, names), ANSWER_LIMIT_BYTES, timeout_s)
        poster = HttpCallbackPoster(client, rules, timeout_s=timeout_s)
        async with client:
            for _ in range(posts):
                before = internet.arrived
                async with internet.listening(script, tls):
                    results.append(await poster.post(task, unregistered(endpoint)))
                    if until:
                        await asyncio.wait_for(until.wait(), TIMEOUT_S)
                arrived.append(internet.arrived - before)
                session = client._transport.client
                if isinstance(session, aiohttp.ClientSession):
                    assert isinstance(session.connector, aiohttp.TCPConnector)
                    session.connector.clear_dns_cache()
        return Posted(results, names.questions, internet, arrived)

    return on_the_internet(posted)


def trust(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the client trust AUTHORITY and no other one."""
    path = folder / "authorities.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    with monkeypatch.context() as patched:
        patched.setattr("certifi.where", lambda: str(path))
        trusting = httpx.create_ssl_context(trust_env=False)
    monkeypatch.setattr("harkara.net.client.tls_context", lambda: trusting)
