"""Resolve names by the system, in threads of their own.

aiohttp's ThreadedResolver uses the loop's default threads, which the store's calls share
(asyncio.to_thread): a few names with slow name servers would block the calls of all tasks.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

# A lookup cannot be cancelled: it keeps its thread after its caller gave up. All clients of the
# process share these threads, which are started only when needed.
THREADS = 32
_threads = ThreadPoolExecutor(THREADS, "names")


class SystemResolver(AbstractResolver):
    """Resolves names as the system does: by its name servers and its hosts file."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the name's addresses. Raises socket.gaierror for none."""
        lookup = partial(
            socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(_threads, lookup)
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
