"""The CPU of the first request after a restore from a SnapStart snapshot, simulated by forks.

The parent has loaded `send` as Lambda does before it takes the snapshot, and has served nothing.
Each child builds the services and accepts a campaign of 1,000 records, then the same a few times
more. Only the network below the SDK is stubbed.
"""

import os
import statistics
import time
import traceback
from collections.abc import Callable
from unittest.mock import patch

from botocore.httpsession import URLLib3Session

from local.settings import AWS_ENVIRONMENT
from tests.bench.accept import ACCOUNT, RECORDS, StubbedNetwork, campaign
from tests.bench.cold import ENVIRONMENT
from tests.bench.report import Row
from tests.functions.invoking import Context, http_event, load

ROUNDS = 15
WARM_REQUESTS = 5
SNAPSHOT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "PROXY_SECRET_ID": ""}


def measure() -> list[Row]:
    """Return the row of this part."""
    with patch.dict(os.environ, {**ENVIRONMENT, **AWS_ENVIRONMENT, **SNAPSHOT}):
        network = StubbedNetwork()
        network.services(ACCOUNT)
        send = load("send")
        event = http_event("POST", "/datasend", campaign())

        def request() -> None:
            status = send.handler(event, Context())["statusCode"]
            assert status == 200, status

        with patch.object(URLLib3Session, "send", lambda _, request: network.answer(request)):
            pairs = [_forked(request) for _ in range(ROUNDS)]
    first_s, warm_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        Row(
            "first request after a restore / a warm one",
            statistics.median(first / warm for first, warm in pairs),
            "x",
            1.3,
            note=f"{RECORDS:,} records: {first_s * 1000:.0f} ms / {warm_s * 1000:.0f} ms,"
            f" median of {ROUNDS} forks",
        )
    ]


def _forked(request: Callable[[], None]) -> tuple[float, float]:
    """Return the CPU seconds of a child's first request, and of a later one (median)."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            spent = [_cpu_s(request) for _ in range(1 + WARM_REQUESTS)]
            os.write(writing, f"{spent[0]} {statistics.median(spent[1:])}".encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        figures = answer.read().split()
    os.waitpid(child, 0)
    if not figures:
        raise RuntimeError("the child failed: its error stands above")
    first, warm = map(float, figures)
    return first, warm


def _cpu_s(request: Callable[[], None]) -> float:
    began = time.process_time()
    request()
    return time.process_time() - began
