"""What the handlers share: logs, the event loop, queue batches, HTTP requests and answers.

Nothing here logs an exception's text unless it is ours: others may quote what a customer sent.
"""

import asyncio
import base64
import os
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    EventType,
    async_process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.codes import MEANINGS, Code
from harkara.deadline import Deadline
from harkara.errors import HarkaraError, RequestRefused
from harkara.jsons import encode
from harkara.marks import Claimant
from harkara.tasks import owner_of

logger = Logger()

Handle = Callable[[str, Claimant, Deadline], Awaitable[Counter[str]]]
"""Does the task in a queue message's body; returns counts for the log."""

# One loop for the life of the process: connections to carriers and platforms stay open in it.
asyncio.set_event_loop(asyncio.new_event_loop())


def consume(event: dict[str, Any], context: LambdaContext, handle: Handle) -> Any:
    """Do the tasks of an SQS batch, all at once; answer which of them must come back."""
    deadline = deadline_of(context)
    holder = os.urandom(8).hex()
    until_ms = int((time.time() + deadline.remaining_s()) * 1000)

    async def one(record: SQSRecord) -> None:
        try:
            claimant = Claimant(owner_of(record.message_id, record.body), holder, until_ms)
            counts = await handle(record.body, claimant, deadline)
        except Exception as error:
            log_failure("task comes back", error, message_id=record.message_id)
            raise
        logger.info("task done", message_id=record.message_id, counts=+counts)

    processor = AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return async_process_partial_response(event, one, processor, context)


def deadline_of(context: LambdaContext) -> Deadline:
    """Return the invocation's end."""
    return Deadline(lambda: context.get_remaining_time_in_millis() / 1000)


def log_failure(message: str, error: BaseException, **fields: Any) -> None:
    """Log what failed and where; the error's own words only when they are ours."""
    frames = traceback.extract_tb(error.__traceback__)
    logger.warning(
        message,
        error=type(error).__name__,
        reason=str(error) if isinstance(error, HarkaraError) else "",
        at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-5:]],
        **fields,
    )


def body_of(event: APIGatewayProxyEventV2) -> bytes:
    """Return a request's body as it was sent."""
    body = event.body or ""
    return base64.b64decode(body) if event.is_base64_encoded else body.encode()


def answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> "Response[str]":
    """Return a JSON answer."""
    return Response(status, "application/json", body.decode(), headers=dict(headers or {}))


def refusal(refused: RequestRefused) -> "Response[str]":
    """Return the answer to a refused request, in the one shape that errors have."""
    status = MEANINGS[refused.code].http_status
    body = {"status": False, "Error": refused.code, "message": refused.message}
    headers = {"Retry-After": "5"} if refused.code is Code.TRY_AGAIN else {}
    if refused.code is Code.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Basic"
    return answer(status, encode(body), headers)
