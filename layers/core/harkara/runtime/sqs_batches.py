"""Handle the tasks of an SQS batch concurrently, and report the failed ones to SQS.

Successful tasks are logged as one line for the batch, each failure as a line of its own.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    EventType,
    async_process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.base.errors import LeaseHeld, OutOfTime, StoreUnavailable
from harkara.base.log_events import LogEvent
from harkara.base.retries import return_delay
from harkara.base.time import Deadline, invocation
from harkara.model.ledger import Lease
from harkara.model.tasks import task_id_of
from harkara.ports import TaskQueues
from harkara.runtime import metrics
from harkara.runtime.logging import log_failure

Handle = Callable[[str, Lease, Deadline], Awaitable[Counter[str]]]
"""Handles the task in a queue message's body; returns counts for the log."""

Prepare = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Does shared work of a batch's tasks at once; takes bodies by queue message id.

Returns new bodies that record the work. Tasks without one do the work by themselves.
"""

Coalesce = Callable[[Mapping[str, str]], set[str]]
"""Coalesces tasks; takes bodies of first deliveries by queue message id, returns the ids done."""

# Errors after which the same task is likely to succeed soon.
_PASSING = (LeaseHeld, OutOfTime, StoreUnavailable)

# One event loop for the life of the process, since connections to carriers and platforms are bound
# to it and stay open.
asyncio.set_event_loop(asyncio.new_event_loop())


def consume(
    event: dict[str, Any],
    context: LambdaContext,
    handle: Handle,
    *,
    prepare: Prepare | None = None,
    coalesce: Coalesce | None = None,
    queues: Callable[[], TaskQueues] | None = None,
) -> Any:
    """Handle the tasks of an SQS batch concurrently; return the ids that SQS must redeliver.

    Those that may soon succeed are put back into their queue, by `queues` if it is given.
    """
    with invocation(context) as deadline:
        expires_at_ms = int((time.time() + deadline.remaining_s()) * 1000)
        with metrics.gathering():
            records = [SQSRecord(each) for each in event["Records"]]
            coalesced = _coalesce(records, coalesce) if coalesce else set()
            bodies = _prepared(records, prepare) if prepare else {}
            done: dict[str, Counter[str]] = {}
            late: list[SQSRecord] = []

            async def one(record: SQSRecord) -> None:
                if record.message_id in coalesced:
                    return
                try:
                    # Each message has a worker id: two of one task id may come in one batch.
                    task_id = task_id_of(record.message_id, record.body)
                    lease = Lease(task_id, os.urandom(8).hex(), expires_at_ms)
                    body = bodies.get(record.message_id, record.body)
                    done[record.message_id] = await handle(body, lease, deadline)
                except Exception as error:
                    log_failure("task comes back", error, message_id=record.message_id)
                    if isinstance(error, _PASSING):
                        late.append(record)
                    raise

            processor = AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
            answer = async_process_partial_response(event, one, processor, context)
        _log(records, done, coalesced)
        if late and queues:
            _put_back(late, deadline, queues)
        return answer


def _put_back(
    records: Sequence[SQSRecord], deadline: Deadline, queues: Callable[[], TaskQueues]
) -> None:
    """Make messages visible again before the visibility timeout of their queue."""
    delays_s = [
        (record.receipt_handle, delay_s)
        for record in records
        if (delay_s := _return_delay(record, deadline)) is not None
    ]
    if not delays_s:
        return
    try:
        queues().put_back(records[0].event_source_arn, delays_s)
    except Exception as error:  # they return after the timeout
        log_failure("tasks not put back", error)


def _return_delay(record: SQSRecord, deadline: Deadline) -> int | None:
    receives = int(record.attributes.approximate_receive_count)
    fraction = random.random()  # noqa: S311 - it spreads a herd
    return return_delay(receives, deadline.remaining_s(), deadline.budget_s, fraction)


def _prepared(records: Sequence[SQSRecord], prepare: Prepare) -> Mapping[str, str]:
    try:
        return prepare({record.message_id: record.body for record in records})
    except Exception as error:  # each task does its own work then, and raises the error
        log_failure("tasks not prepared", error)
        return {}


def _coalesce(records: Sequence[SQSRecord], coalesce: Coalesce) -> set[str]:
    first = [record for record in records if _is_first(record)]
    if len(first) < 2:
        return set()
    try:
        return coalesce({record.message_id: record.body for record in first})
    except Exception as error:  # each task is handled alone then, and raises the error
        log_failure("tasks not coalesced", error)
        return set()


def _log(
    records: Sequence[SQSRecord], done: Mapping[str, Counter[str]], coalesced: Collection[str]
) -> None:
    """Log the results of a batch's tasks, and the age of the oldest first delivery."""
    over = [record for record in records if record.message_id in {*done, *coalesced}]
    if not over:
        return
    counts = sum(done.values(), Counter[str]())
    again = [record.message_id for record in over if not _is_first(record)]
    about: dict[str, Any] = {"tasks": len(done), "counts": counts}
    about |= {"coalesced": len(coalesced)} if coalesced else {}
    about |= {"again": again} if again else {}
    ages_s = [_age_s(record) for record in over if _is_first(record)]
    delays_s = {"queue_age": max(ages_s)} if ages_s else {}
    metrics.write(LogEvent("tasks done", about, {}, delays_s, queue=_queue_of(over[0])))


def _is_first(record: SQSRecord) -> bool:
    return record.attributes.approximate_receive_count == "1"


def _age_s(record: SQSRecord) -> float:
    return time.time() - int(record.attributes.sent_timestamp) / 1000


def _queue_of(record: SQSRecord) -> str:
    return record.event_source_arn.rpartition(":")[2]
