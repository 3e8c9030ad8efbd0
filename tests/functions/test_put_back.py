"""Temporarily failed messages come back soon, others after the visibility time-out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from harkara.base.errors import LeaseHeld, OutOfTime, StoreUnavailable
from harkara.base.time import Deadline
from harkara.model.ledger import Lease
from harkara.runtime.sqs_batches import consume
from tests.functions.handlers import Gateway
from tests.functions.invoking import Context, Logs, sqs_event
from tests.functions.test_queues import NO_FAILURES, RECEIPTS, SUBMIT, failures


def put_back(
    error: Exception, receives: int, context: Context, late: Exception | None = None
) -> tuple[Any, list[tuple[str, int]]]:
    """Consume two messages, the second of which fails; return the answer and the put-back calls."""
    request: list[tuple[str, int]] = []

    async def handle(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        if lease.task_id == "m1":
            raise error
        return Counter(taken=1)

    class Queues:
        def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
            assert queue_arn.endswith(":queue")
            request.extend(delays_s)
            if late:
                raise late

    event = sqs_event("{}", "{}")
    for record in event["Records"]:
        record["attributes"]["ApproximateReceiveCount"] = str(receives)
    return consume(event, context, handle, queues=Queues), request  # type: ignore[arg-type]


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("error", [StoreUnavailable("busy"), OutOfTime("near"), LeaseHeld("held")])
@pytest.mark.parametrize(("receives", "soonest_s"), [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160)])
def test_what_passes_comes_back_soon_and_each_time_later(
    error: Exception, receives: int, soonest_s: int
) -> None:
    """Not before the invocation is over: until then its own leases would block it."""
    left_s = 7
    answer, request = put_back(error, receives, Shrinking(left_s))
    assert answer == failures("m1")
    ((handle, delay_s),) = request
    assert handle == "handle of m1"
    assert left_s + soonest_s < delay_s <= left_s + 1 + 2 * soonest_s


class Shrinking(Context):
    """A context with a minute at the first question, and `left_s` later."""

    def __init__(self, left_s: float) -> None:
        super().__init__()
        self.left_s = left_s

    def get_remaining_time_in_millis(self) -> int:
        left_ms, self.remaining_ms = self.remaining_ms, int(self.left_s * 1000)
        return left_ms


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize(
    ("error", "receives", "context"),
    [
        pytest.param(ValueError("not ours"), 1, Context(), id="an error that stays"),
        pytest.param(StoreUnavailable("busy"), 6, Context(), id="the sixth time"),
        pytest.param(StoreUnavailable("busy"), 5, Context(3_000), id="longer than the time-out"),
    ],
)
def test_the_rest_comes_back_after_the_visibility_timeout(
    error: Exception, receives: int, context: Context
) -> None:
    assert put_back(error, receives, context) == (failures("m1"), [])


@pytest.mark.usefixtures("gateway")
def test_what_cannot_be_put_back_is_logged_and_the_answer_stays(logs: Logs) -> None:
    busy = StoreUnavailable("busy")
    answer, _ = put_back(busy, 1, Context(), StoreUnavailable("RequestThrottled"))
    assert answer == failures("m1")
    (line,) = logs.lines("tasks not put back")
    assert line["reason"] == "RequestThrottled"


@pytest.mark.parametrize(("function", "body"), [("submit", SUBMIT), ("dlr", RECEIPTS)])
def test_both_consumers_put_back(function: str, body: str, gateway: Gateway) -> None:
    """The second message with the same task id finds the first's entries, with a held lease."""
    gateway.put_batch()
    first, second = sqs_event(body), sqs_event(body)
    assert gateway.call(function, first) == NO_FAILURES
    assert gateway.call(function, second) == failures("m0")
    ((_, ((handle, delay_s),)),) = gateway.queues.put_back_s
    assert (handle, delay_s > 60) == ("handle of m0", True)
