"""The CPU cost of a callback post on one core, compared to httpx posting the same bodies in a loop.

The receiver is a process of its own; the rows are the CPU of this one. Our posts use the real
service and client, with ledger entries and endpoint health in memory; both have the same number of
concurrent posts.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import httpx
from aiohttp import web

from harkara.base.ids import mid_of
from harkara.base.time import Deadline
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.service import CallbackService
from harkara.model.callbacks import UrlRules, unregistered
from harkara.model.events import Dlr
from harkara.model.ledger import Lease
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import HttpCallbackPoster
from harkara.net.client import HttpClient
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter
from harkara.wiring import dlr
from tests.bench.report import Row
from tests.support.fakes import FakeLimitStore, FakeMessageStore, Faults
from tests.support.peers import FakeDestinations
from tests.support.ports import FakeSuppressionList
from tests.support.queues import FakeTaskQueues

POSTS = 1_000
AT_ONCE = 50
ROUNDS = 7
FORMAT = "clevertap"
BATCH_ID = "1" + "0" * 26

Post = Callable[[int], Awaitable[None]]


def measure() -> list[Row]:
    """Return the rows of this part."""
    ours, parent = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(parent,))
    receiver.start()
    try:
        ours_us, plain_us = asyncio.run(_measure(f"http://127.0.0.1:{ours.recv()}/dlr"))
    finally:
        receiver.terminate()
        receiver.join()
    return [
        Row(
            "callback posts / posts of a plain httpx loop, on one core",
            plain_us / ours_us,
            "times as many",
            0.5,
            at_least=True,
            note=f"{1e6 / ours_us:,.0f} and {1e6 / plain_us:,.0f} a second,"
            f" {AT_ONCE} under way at a time",
        )
    ]


async def _measure(url: str) -> tuple[float, float]:
    """Return the CPU microseconds of a post, ours and httpx's: medians of alternating rounds."""
    endpoint = Endpoint(url, FORMAT)
    settings = unregistered(endpoint).settings
    body = FORMATS[FORMAT].render(_members(0), settings)
    rules = UrlRules(loopback=True)
    async with HttpClient(AT_ONCE) as exchange, httpx.AsyncClient() as plain:
        service = _service(HttpCallbackPoster(exchange, rules))
        deadline = Deadline(lambda: 900.0)

        def task_of(number: int) -> tuple[CallbackTask, Lease]:
            task_id = f"task-{number}"
            task = CallbackTask(task_id, 0, 0, "demo", endpoint, _members(number))
            return task, Lease(task_id, "worker_id", 0)

        async def post(number: int) -> None:
            task, lease = task_of(number)
            counts = await service.post_all([task], lease, deadline, in_doubt=False)
            assert counts["callbacks"] == 1

        # The first acknowledgement makes the endpoint trusted: later posts go out at once.
        assert (await service.call_back(*task_of(-1), deadline))["callbacks"] == 1

        async def post_plainly(_: int) -> None:
            answer = await plain.post(
                url, content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 200

        rounds = [
            (await _cpu_us(post, at), await _cpu_us(post_plainly, at))
            for at in range(0, (ROUNDS + 1) * POSTS, POSTS)
        ][1:]  # the first opens connections
    ours_us, plain_us = zip(*rounds, strict=True)
    return statistics.median(ours_us), statistics.median(plain_us)


async def _cpu_us(post: Post, first: int) -> float:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            await post(number)

    began = time.process_time()
    await asyncio.gather(*(one(number) for number in range(first, first + POSTS)))
    return (time.process_time() - began) / POSTS * 1e6


def _members(number: int) -> tuple[Dlr, ...]:
    mid = mid_of(BATCH_ID, number % 1_000)
    state, at_s = State.DELIVERED, 1_767_258_000
    return (Dlr(mid, f"ref-{number}", state, at_s, "", "919876543210", 1),)


def _service(poster: HttpCallbackPoster) -> CallbackService:
    limits = FakeLimitStore(Faults())
    return dlr.wire(
        store=FakeMessageStore(Faults()),
        queues=FakeTaskQueues(Faults(), time.time),
        poster=poster,
        destinations=FakeDestinations(),
        endpoint_health=EndpointHealth(
            limits, RateLimiter(limits, time.time, lambda: 0.5), time.time
        ),
        suppressions=FakeSuppressionList(Faults()),
        receipt_wait_s=0,
        retry_delays_s=(5, 30),
        clock=time.time,
        random_fraction=lambda: 0.5,
        emit=lambda _: None,
    ).callbacks


def _receive(pipe: Connection) -> None:
    """Accept posts in a process of its own, and send its port through the pipe."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({})

    async def serve() -> None:
        application = web.Application()
        application.router.add_post("/dlr", take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())
