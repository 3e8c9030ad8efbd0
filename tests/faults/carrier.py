"""Faulty carriers: proxies between `submit` and the carrier simulator.

The path of a carrier's URL selects its fault (`Illness`). The fault affects every fifth request,
and a message at most twice; all other requests are passed on. Each fault also defines whether the
simulator gets an affected request: some carriers answer badly although they accepted it.
"""

import asyncio
import os
import re
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

import aiohttp
from pydantic_core import from_json, to_json

from tests.functions.servers import answer, read_request, reset, serving

EVERY = 5
TRIES = 2
DRIP_S = 0.1

HTML = b"<!DOCTYPE html><html><head><title>Login</title></head><body>Please log in</body></html>"
SERVER_ERRORS = ("500 Oops", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Time-out")


class Takes(Enum):
    """Whether a carrier accepts the messages of a request before it answers badly."""

    NEVER = auto()
    ALWAYS = auto()
    EVERY_SECOND = auto()


class End(Enum):
    """The outcome of affected messages."""

    IN_DOUBT = auto()
    TRIED_AGAIN = auto()
    FAILED = auto()


Reply = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
"""Writes a bad answer; it gets the answer of a healthy carrier."""


@dataclass(frozen=True)
class Illness:
    """A carrier's reaction to affected requests."""

    name: str
    takes: Takes
    end: End
    reply: Reply
    # The Retry-After header in seconds, 0 for none.
    retry_after_s: int = 0


async def _say(what: bytes, writer: asyncio.StreamWriter, _healthy: bytes) -> None:
    writer.write(what)


async def _garbage(writer: asyncio.StreamWriter, _healthy: bytes) -> None:
    writer.write(answer(body=os.urandom(200)))


async def _server_error(writer: asyncio.StreamWriter, healthy: bytes) -> None:
    status = SERVER_ERRORS[zlib.crc32(healthy) % len(SERVER_ERRORS)]
    writer.write(answer(status, HTML, "content-type: text/html\r\n"))


async def _half(writer: asyncio.StreamWriter, healthy: bytes) -> None:
    writer.write(answer(body=healthy[: len(healthy) // 2], length=len(healthy)))
    await writer.drain()
    writer.close()


async def _drip(writer: asyncio.StreamWriter, healthy: bytes) -> None:
    writer.write(answer(body=healthy[:1], length=len(healthy)))
    for byte in healthy[1:]:
        await writer.drain()
        await asyncio.sleep(DRIP_S)
        writer.write(bytes([byte]))


async def _reset(writer: asyncio.StreamWriter, _healthy: bytes) -> None:
    reset(writer)


async def _refuse_records(writer: asyncio.StreamWriter, healthy: bytes) -> None:
    errors = [{"smsgid": each["smsgid"], "Error": "INTERNAL"} for each in from_json(healthy)]
    writer.write(answer(body=to_json(errors)))


THROTTLE = "429 Too Many Requests"
ERROR = b'{"status": false, "Error": "INTERNAL_ERROR", "message": "Try again later"}'
SOMETIMES = Takes.EVERY_SECOND

ILLNESSES = (
    Illness("garbage", SOMETIMES, End.IN_DOUBT, _garbage),
    Illness("HTML", SOMETIMES, End.IN_DOUBT, partial(_say, answer(body=HTML))),
    Illness("half a body", SOMETIMES, End.IN_DOUBT, _half),
    Illness("200, error for all", SOMETIMES, End.IN_DOUBT, partial(_say, answer(body=ERROR))),
    Illness("200, error in records", Takes.NEVER, End.FAILED, _refuse_records),
    Illness("429", Takes.NEVER, End.TRIED_AGAIN, partial(_say, answer(THROTTLE))),
    Illness(
        "429, Retry-After",
        Takes.NEVER,
        End.TRIED_AGAIN,
        partial(_say, answer(THROTTLE, headers="retry-after: 3\r\n")),
        retry_after_s=3,
    ),
    Illness("5xx", SOMETIMES, End.IN_DOUBT, _server_error),
    Illness("slow drips", SOMETIMES, End.IN_DOUBT, _drip),
    Illness("reset before taken", Takes.NEVER, End.IN_DOUBT, _reset),
    Illness("reset after taken", Takes.ALWAYS, End.IN_DOUBT, _reset),
)


class IllCarriers:
    """All faulty carriers, at one URL. Messages are identified by message id."""

    def __init__(self, simulator_url: str) -> None:
        self._simulator_url = simulator_url
        self._illnesses = {slug(illness.name): illness for illness in ILLNESSES}
        self._requests = Counter[str]()
        self._struck_at_s: dict[str, float] = {}
        self.struck: Counter[str] = Counter()
        """How often each message was affected."""
        self.too_early: set[str] = set()
        """Messages that came again before the carrier's Retry-After had passed."""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve; yield the URL before the path."""
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector) as self._session,
            serving(self._converse) as url,
        ):
            yield url

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            try:
                request = await read_request(reader)
            except asyncio.IncompleteReadError:  # the client has left
                return
            head, _, body = request.partition(b"\r\n\r\n")
            name = head.split(maxsplit=2)[1].decode().strip("/")
            references = [str(record["smsgid"]) for record in from_json(body)["smstosend"]]
            illness = self._illness(name, [each.partition(".")[0] for each in references])
            if illness is None:
                writer.write(answer(body=await self._take(body)))
            else:
                turn = self._requests[name] // EVERY % 2
                takes = illness.takes is Takes.ALWAYS or (illness.takes is SOMETIMES and turn)
                answers = [{"mid": f"C{turn}", "smsgid": each} for each in references]
                await illness.reply(writer, await self._take(body) if takes else to_json(answers))
            await writer.drain()

    def _illness(self, name: str, mids: Sequence[str]) -> Illness | None:
        """Return the fault for a request, or None; count the request."""
        illness, now_s = self._illnesses[name], time.monotonic()
        if illness.retry_after_s:
            self.too_early |= {
                mid for mid in mids if now_s < self._struck_at_s.get(mid, 0) + illness.retry_after_s
            }
        self._requests[name] += 1
        if self._requests[name] % EVERY or max(self.struck[mid] for mid in mids) == TRIES:
            return None
        self.struck.update(mids)
        self._struck_at_s.update(dict.fromkeys(mids, now_s))
        return illness

    async def _take(self, body: bytes) -> bytes:
        async with self._session.post(self._simulator_url, data=body) as answer:
            return await answer.read()


def slug(name: str) -> str:
    """Return a name as a part of URLs and ids."""
    return re.sub(r"\W+", "-", name.lower())
