"""An internet on this machine: all connections arrive at one listening socket.

The socket counts the connections to any address, so that forbidden ones are noticed.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from aiohttp.abc import AbstractResolver, ResolveResult

from tests.functions.servers import Script

T = TypeVar("T")
# The listener has IPv4; a socket of IPv6 reaches it so.
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::ffff:127.0.0.1"}


class Internet(asyncio.SelectorEventLoop):
    """An event loop whose connections all arrive at this machine's listener.

    `destinations` has their intended addresses, `arrived` the number that the listener accepted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.destinations: list[tuple[str, int]] = []
        self.arrived = 0
        self.names: list[str | None] = []
        self._port = 0

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect to the listener instead."""
        self.destinations.append((address[0], address[1]))
        await super().sock_connect(sock, (LOOPBACK[sock.family], self._port))

    @contextlib.asynccontextmanager
    async def listening(
        self, script: Script, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[None]:
        """Serve all arriving connections by a script; their count is complete at the end."""
        if tls:
            tls.sni_callback = lambda _, name, __: self.names.append(name)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            self._port = listener.getsockname()[1]
            accepting = self.create_task(self._accept(listener, script, tls))
            try:
                yield
                # Connections are accepted in turn: once this one is in, all before it are.
                before = self.arrived
                with socket.create_connection(listener.getsockname()):
                    while self.arrived == before:
                        await asyncio.sleep(0)
                self.arrived -= 1
            finally:
                accepting.cancel()
                await asyncio.gather(accepting, return_exceptions=True)

    async def _accept(
        self, listener: socket.socket, script: Script, tls: ssl.SSLContext | None
    ) -> None:
        async with asyncio.TaskGroup() as served:
            while True:
                connection, _ = await self.sock_accept(listener)
                self.arrived += 1
                served.create_task(self._serve(connection, script, tls))

    async def _serve(
        self, connection: socket.socket, script: Script, tls: ssl.SSLContext | None
    ) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            transport, _ = await self.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
            writer = asyncio.StreamWriter(transport, protocol, reader, self)
            try:
                await script(reader, writer)
            finally:
                writer.close()


def on_the_internet(work: Callable[[Internet], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine with all its connections led to this machine."""
    internet = Internet()
    with asyncio.Runner(loop_factory=lambda: internet) as runner:
        return runner.run(work(internet))


class Names(AbstractResolver):
    """Returns the next of its answers for each question, the last one again and again."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self._answers = list(answers)
        self.questions: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.questions.append(host)
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: there are no resources."""
