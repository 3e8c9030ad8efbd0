"""Name resolution does not block the store's calls."""

import asyncio
import socket
import threading

import pytest

from harkara.base.errors import ExchangeUnreachable
from harkara.model.callbacks import UrlRules
from harkara.net.callback_poster import GuardedResolver
from harkara.net.client import HttpClient
from harkara.net.resolving import THREADS, SystemResolver

PATIENCE_S = 20.0


class SlowServers:
    """A system resolver that answers no name until a test allows it."""

    def __init__(self) -> None:
        self.request = threading.Semaphore(0)
        self.answers = threading.Event()

    def __call__(self, *_: object, **__: object) -> None:
        self.request.release()
        if not self.answers.wait(PATIENCE_S):
            self.answers.set()  # the others need not wait as long
            raise AssertionError("nobody let the name servers answer")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> SlowServers:
    servers = SlowServers()
    monkeypatch.setattr(socket, "getaddrinfo", servers)
    return servers


@pytest.mark.parametrize(
    ("by", "failure"),
    [("a callback's resolver", socket.gaierror), ("a carrier's client", ExchangeUnreachable)],
)
def test_slow_names_hold_no_call_of_the_store(
    by: str, failure: type[Exception], servers: SlowServers
) -> None:
    """With more slow names than threads for them, a call of the store still gets through.

    The name servers answer because of that call: if it waited behind them, none would ever end.
    """
    names = [f"slow{number}.example" for number in range(THREADS + 8)]

    async def main() -> list[None | BaseException]:
        client = HttpClient(len(names), connect_timeout_s=PATIENCE_S)
        guarded = GuardedResolver(UrlRules())

        async def ask(name: str) -> None:
            if by == "a callback's resolver":
                await guarded.resolve(name)
            else:
                await client("GET", f"http://{name}/", {}, b"", 2 * PATIENCE_S)

        async with client:
            asking = [asyncio.create_task(ask(name)) for name in names]
            while not servers.request.acquire(blocking=False):
                await asyncio.sleep(0)
            await asyncio.to_thread(servers.answers.set)
            return await asyncio.gather(*asking, return_exceptions=True)

    ends = asyncio.run(main())
    assert len(ends) == len(names)
    assert {type(end) for end in ends} == {failure}


def test_the_system_is_asked_for_streams_of_the_family_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request: list[tuple[object, ...]] = []
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("52.1.2.3", 443)),
        (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("2600::1", 443, 0, 0)),
    ]

    def system(*arguments: object, flags: int) -> list[object]:
        request.append((*arguments, flags))
        return [*addresses]

    monkeypatch.setattr(socket, "getaddrinfo", system)
    found = asyncio.run(SystemResolver().resolve("acme.example", 443, socket.AF_UNSPEC))
    kind = (socket.AF_UNSPEC, socket.SOCK_STREAM, socket.AI_ADDRCONFIG)
    assert request == [("acme.example", 443, *kind)]
    assert [(each["hostname"], each["host"], each["port"], each["family"]) for each in found] == [
        ("acme.example", "52.1.2.3", 443, socket.AF_INET),
        ("acme.example", "2600::1", 443, socket.AF_INET6),
    ]
