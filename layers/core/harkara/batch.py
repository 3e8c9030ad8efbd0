"""A batch from a queue: its tasks, all at once, and which of them must come back."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    EventType,
    async_process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara import metrics
from harkara.deadline import Deadline
from harkara.marks import Claimant
from harkara.ports import Note
from harkara.runtime import deadline_of, log_failure
from harkara.tasks import owner_of

Handle = Callable[[str, Claimant, Deadline], Awaitable[Counter[str]]]
"""Does the task in a queue message's body; returns counts for the log."""

Join = Callable[[Mapping[str, str]], set[str]]
"""Takes bodies of first deliveries by queue message; returns which of them are done with that."""

# One loop for the life of the process: connections to carriers and platforms stay open in it.
asyncio.set_event_loop(asyncio.new_event_loop())


def consume(
    event: dict[str, Any], context: LambdaContext, handle: Handle, join: Join | None = None
) -> Any:
    """Do the tasks of an SQS batch, all at once; answer which of them must come back."""
    deadline = deadline_of(context)
    until_ms = int((time.time() + deadline.remaining_s()) * 1000)
    joined = _join(event, join) if join else set()

    async def one(record: SQSRecord) -> None:
        if record.message_id in joined:
            return
        try:
            # A holder for each: two messages of one owner may come in one batch.
            owner, holder = owner_of(record.message_id, record.body), os.urandom(8).hex()
            claimant = Claimant(owner, holder, until_ms)
            counts = await handle(record.body, claimant, deadline)
        except Exception as error:
            log_failure("task comes back", error, message_id=record.message_id)
            raise
        about = {"message_id": record.message_id, "owner": owner, "counts": +counts}
        delays_s = {"queue_age": _age_s(record)} if _is_first(record) else {}
        metrics.write(Note("task done", about, {}, delays_s), _queue_of(record))

    processor = AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return async_process_partial_response(event, one, processor, context)


def _join(event: dict[str, Any], join: Join) -> set[str]:
    records = [record for record in map(SQSRecord, event["Records"]) if _is_first(record)]
    if len(records) < 2:
        return set()
    try:
        joined = join({record.message_id: record.body for record in records})
    except Exception as error:  # each does its own then, and says what is wrong
        log_failure("tasks not joined", error)
        return set()
    if joined:
        # The task that they go on as is new in the queue.
        age_s = max(_age_s(record) for record in records if record.message_id in joined)
        about = {"message_ids": sorted(joined)}
        metrics.write(Note("tasks joined", about, {}, {"queue_age": age_s}), _queue_of(records[0]))
    return joined


def _is_first(record: SQSRecord) -> bool:
    return record.attributes.approximate_receive_count == "1"


def _age_s(record: SQSRecord) -> float:
    return time.time() - int(record.attributes.sent_timestamp) / 1000


def _queue_of(record: SQSRecord) -> str:
    return record.event_source_arn.rpartition(":")[2]
