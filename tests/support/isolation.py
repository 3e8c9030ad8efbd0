"""Measures how ten bad endpoints among a hundred affect callbacks to the others.

The real services post over real sockets (`tests.support.executions`). The good endpoints
acknowledged a callback shortly before. The bad ones never answer, refuse the connection, or answer
500, from the first post on. Two fleets run side by side in one event loop, one of them without bad
endpoints, so both meet the same noise.

The measured part runs in real time with real time-outs. The clock runs fast only once the good
endpoints have all their callbacks, through the rest of the bad ones' schedules.
"""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from harkara.base.json import decode
from harkara.model.callbacks import UrlRules
from harkara.model.tasks import QueueName
from harkara.net.callback_poster import HttpCallbackPoster
from harkara.net.client import HttpClient
from tests.functions.servers import answer, read_request, serving
from tests.support.executions import Fleet, Result

ENDPOINTS = 100
# The template's defaults.
EXECUTIONS = {QueueName.RECEIPT: 10, QueueName.CALLBACK: 10}
CONNECTIONS = 200
# How long a platform takes to answer.
ANSWER_S = 0.1
RATIO_BAR = 1.2
# Only a run that hangs takes so long, however busy the machine is.
HEARD_WITHIN_S = 300
PARKED_WITHIN_S = 600


class Comparison(NamedTuple):
    """The results of a fleet without bad endpoints, and of one with them."""

    spared: Result
    tried: Result

    @property
    def ratio(self) -> float:
        """The good endpoints' 95th percentile with bad endpoints, divided by that without."""
        return self.tried.p95_s / self.spared.p95_s

    def flaws(self) -> list[str]:
        """Return the violated conditions, all independent of the ratio."""
        counts = {*self.spared.posts.values(), *self.tried.posts.values()}
        checks = {
            "a good endpoint lacks a callback": self.spared.is_whole and self.tried.is_whole,
            "one was posted twice": counts == {1},
            "one to a good endpoint was in doubt": not self.spared.in_doubt
            and not self.tried.in_doubt & self.tried.good,
            "a bad endpoint's callback is not parked once": self.tried.is_parked_once,
            "one was not tried on schedule": self.tried.is_on_schedule,
            "a bad endpoint held an execution for receipts": not self.tried.bad_posts_for_receipts,
            "a bad endpoint held two executions": self.tried.most_at_a_bad_one == 1,
        }
        return [flaw for flaw, holds in checks.items() if not holds]


async def run(count: int, rate_per_s: float, bad_count: int = 10) -> Comparison:
    """Send `count` callbacks to a hundred endpoints, with the bad ones among them and without."""
    received: dict[str, list[float]] = defaultdict(list)
    async with (
        _endpoints(received, bad_count) as (good, bad, end_hanging),
        HttpClient(CONNECTIONS, connect_timeout_s=HEARD_WITHIN_S) as client,
    ):
        urls = UrlRules(loopback=True)
        poster = HttpCallbackPoster(client, urls)
        patient = HttpCallbackPoster(client, urls, timeout_s=HEARD_WITHIN_S)
        spared, tried = Fleet("s", good, []), Fleet("t", good, bad)
        executions = [
            asyncio.create_task(fleet.execute(queue, poster, patient))
            for fleet in (spared, tried)
            for queue, number in EXECUTIONS.items()
            for _ in range(number)
        ]
        share = len(good) / (len(good) + len(bad))
        await asyncio.gather(
            tried.send(count, rate_per_s), spared.send(int(count * share), rate_per_s * share)
        )
        required = spared.refs(good=True) | tried.refs(good=True)
        await _until(lambda: required <= received.keys(), HEARD_WITHIN_S)
        end_hanging()
        tried.clock.run_fast()
        await _until(
            lambda: spared.queues.are_empty() and tried.queues.are_empty(), PARKED_WITHIN_S
        )
        for execution in executions:
            execution.cancel()
        await asyncio.gather(*executions, return_exceptions=True)
    return Comparison(spared.result(received), tried.result(received))


async def _until(condition: Callable[[], bool], within_s: float) -> None:
    """Wait until a condition holds or the time is over; the caller checks the outcome."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _endpoints(
    received: dict[str, list[float]], bad_count: int
) -> AsyncIterator[tuple[list[str], list[str], Callable[[], None]]]:
    """Serve the endpoints; yield the good URLs, the bad URLs and a function that ends all hanging.

    After a call of that function the hanging endpoints break their connections.
    """
    over = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                request = await read_request(reader)
                await asyncio.sleep(ANSWER_S)
                writer.write(answer())
                at_s = time.monotonic()
                for event in decode(request.partition(b"\r\n\r\n")[2]):
                    for entry in event["data"]:
                        received[entry["meta"]].append(at_s)

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                await read_request(reader)
                writer.write(answer("500 Internal Server Error"))

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with serving(take) as taking, serving(fail) as failing, serving(hang) as hanging:
        dead = "http://127.0.0.1:9"  # the discard port, where nobody listens
        kinds = itertools.islice(itertools.cycle((dead, hanging, failing)), bad_count)
        yield (
            [f"{taking}/{number}" for number in range(ENDPOINTS - bad_count)],
            [f"{url}/{number}" for number, url in enumerate(kinds)],
            over.set,
        )
