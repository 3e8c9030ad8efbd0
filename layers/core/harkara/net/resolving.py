"""Ask the system for the addresses of names, in threads that nothing else needs.

aiohttp's ThreadedResolver uses the loop's default threads, which the store's calls share
(asyncio.to_thread): a few names with slow name servers would hold the calls of everybody.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

# A lookup cannot be ended: it keeps its thread when nobody waits for it any more. The threads are
# the process's, however many clients come and go, and are started only as they are needed.
THREADS = 32
_threads = ThreadPoolExecutor(THREADS, "names")


class SystemResolver(AbstractResolver):
    """Resolves names as the system does: its name servers, its file of hosts."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the name's addresses. Raises socket.gaierror for none."""
        ask = partial(
            socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(_threads, ask)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=of_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of_family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing: the threads outlive every client."""
