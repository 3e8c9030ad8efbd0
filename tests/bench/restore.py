"""The CPU of the first request after a restore from a SnapStart snapshot, simulated by forks.

The parent has loaded `send` as Lambda does before it takes the snapshot, and has served nothing.
Each child accepts a campaign of 1,000 records, then the same a few times more. The reference is the
same in children of a parent that has served another account: its children copy pages and read the
account as the others do. Only the network below the SDK is stubbed.
"""

import os
import statistics
import time
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from unittest.mock import patch

from botocore.httpsession import URLLib3Session

from local.settings import AWS_ENVIRONMENT
from tests.bench.accept import ACCOUNT, RECORDS, StubbedNetwork, campaign
from tests.bench.cold import ENVIRONMENT
from tests.bench.report import Row
from tests.functions.invoking import Context, http_event, load

ROUNDS = 15
WARM_REQUESTS = 5
OTHER = ACCOUNT.model_copy(update={"id": "other"})
SNAPSHOT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "PROXY_SECRET_ID": ""}


def measure() -> list[Row]:
    """Return the rows of this part, from a process that holds nothing of the other parts."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured)


def _measured() -> list[Row]:
    with patch.dict(os.environ, {**ENVIRONMENT, **AWS_ENVIRONMENT, **SNAPSHOT}):
        network = StubbedNetwork()
        for account in (ACCOUNT, OTHER):
            network.services(account)
        send = load("send")

        def request(username: str = ACCOUNT.id) -> None:
            event = http_event("POST", "/datasend", campaign(username))
            status = send.handler(event, Context())["statusCode"]
            assert status == 200, status

        with patch.object(URLLib3Session, "send", lambda _, request: network.answer(request)):
            restored = [_forked(request) for _ in range(ROUNDS)]
            for _ in range(WARM_REQUESTS):
                request(OTHER.id)
            running = [_forked(request) for _ in range(ROUNDS)]
    (first_s, warm_s), (other_s, _) = map(_medians, (restored, running))
    return [
        Row(
            "first request after a restore / an account's first in a running process",
            first_s / other_s,
            "x",
            1.3,
            note=f"{RECORDS:,} records: {first_s * 1000:.0f} ms / {other_s * 1000:.0f} ms,"
            f" median of {ROUNDS} forks",
        ),
        Row(
            "the same / a later request of the account",
            first_s / warm_s,
            "x",
            note=f"{warm_s * 1000:.0f} ms: no account to read, no pages to copy",
        ),
    ]


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    firsts, later = zip(*pairs, strict=True)
    return statistics.median(firsts), statistics.median(later)


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
