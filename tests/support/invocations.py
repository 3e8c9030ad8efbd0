"""The size limits of Lambda and API Gateway for one invocation, as documented.

AWS Lambda Developer Guide, "Lambda quotas": 6 MB for the request of a synchronous invocation, and
for its response. "How Lambda processes records from stream and queue-based event sources": a batch
is delivered once its payload reaches 6 MB, however many messages it may have. Amazon API Gateway
Developer Guide, "Quotas for configuring and running an HTTP API": a payload of 10 MB. The 1 MB
limit of asynchronous invocations is not checked: only schedules invoke asynchronously, with events
of a few bytes. All as of November 2026.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tests.support.limits import INVOCATION_LIMIT_BYTES

API_LIMIT_BYTES = 10 * 1024 * 1024
# Of an SQS message in an event: its names, ids and times.
_AROUND_BYTES = 1024

T = TypeVar("T")


class TooLarge(AssertionError):
    """AWS would refuse this payload. No test wants that, so it fails where it happens."""


def invoke(handler: Callable[[Any, Any], Any], event: Any, context: object) -> Any:
    """Invoke a handler; return its answer after a JSON round trip. Raises TooLarge."""
    if refusal := refusal_of_event(event):
        raise TooLarge(refusal)
    written = json.dumps(handler(event, context))
    if len(written) > INVOCATION_LIMIT_BYTES:
        raise TooLarge(f"Function.ResponseSizeTooLarge: {len(written)} bytes")
    return json.loads(written)


def refusal_of_event(event: Any) -> str:
    """Return the error with which AWS refuses to deliver an event; "" if it is delivered."""
    if len(event.get("body") or "") > API_LIMIT_BYTES:
        return "Request Too Large"
    if len(json.dumps(event)) > INVOCATION_LIMIT_BYTES:
        return "RequestTooLargeException"
    return ""


def batches(
    messages: Sequence[T], body_of: Callable[[T], str], batch_size: int
) -> Iterator[list[T]]:
    """Yield the batches that Lambda delivers: up to `batch_size` messages and 6 MB an event."""
    batch, left = list[T](), INVOCATION_LIMIT_BYTES
    for message in messages:
        size = len(json.dumps(body_of(message))) + _AROUND_BYTES
        if batch and (len(batch) == batch_size or size > left):
            yield batch
            batch, left = [], INVOCATION_LIMIT_BYTES
        batch.append(message)
        left -= size
    if batch:
        yield batch
