"""Run the gateway and both simulators in one process, until its standard input ends or SIGTERM.

They share a process because they share two cores with the emulator: one event loop wakes less often
than three. Standard input is a pipe from the parent, so the process never outlives the parent.
"""

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

import uvloop
from aiohttp import web

from local.carrier import Carrier, CarrierSettings
from local.gateway import Gateway
from local.platform import Platform
from local.settings import HOST, Ports


@dataclass(frozen=True)
class ServersConfig:
    """The child process's configuration, passed as JSON in its first argument."""

    ports: Ports
    api_url: str
    carrier: CarrierSettings

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ServersConfig":
        data: dict[str, Any] = json.loads(text)
        return cls(Ports(**data["ports"]), data["api_url"], CarrierSettings(**data["carrier"]))


async def serve(config: ServersConfig) -> None:
    """Serve all three, print `ready`, and stop at SIGTERM or when the parent is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    await loop.connect_read_pipe(lambda: _UntilEnd(stop), sys.stdin)
    applications = {
        config.ports.gateway: Gateway(config.api_url).application(),
        config.ports.carrier: Carrier(config.carrier).application(),
        config.ports.platform: Platform().application(),
    }
    async with contextlib.AsyncExitStack() as stack:
        for port, application in applications.items():
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, HOST, port, backlog=1024).start()
        print("ready", flush=True)
        await stop.wait()


class _UntilEnd(asyncio.Protocol):
    """Sets an event when its pipe ends."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()


if __name__ == "__main__":
    uvloop.run(serve(ServersConfig.from_json(sys.argv[1])))
