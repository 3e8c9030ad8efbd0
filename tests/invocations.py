"""What Lambda and API Gateway hand over at most, as their documents say.

AWS Lambda Developer Guide, "Lambda quotas": 6 MB for the request of a synchronous invocation, and
for its response. "How Lambda processes records from stream and queue-based event sources": a batch
is handed over once its payload reaches 6 MB, however many messages it may have. Amazon API Gateway
Developer Guide, "Quotas for configuring and running an HTTP API": a payload of 10 MB. Nothing here
is invoked asynchronously but by schedules, whose events are a few bytes: the 1 MB of those is no
law of this world. All as of November 2026.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tests.limits import INVOCATION_LIMIT_BYTES

API_LIMIT_BYTES = 10 * 1024 * 1024
# Of an SQS message in an event: its names, ids and times.
_AROUND_BYTES = 1024

T = TypeVar("T")


class TooLarge(AssertionError):
    """AWS would refuse to hand this over. No test wants that, so it fails where it happens."""


def invoke(handler: Callable[[Any, Any], Any], event: Any, context: object) -> Any:
    """Invoke a handler; return its answer as who invoked it reads it. Raises TooLarge."""
    if refusal := refusal_of_event(event):
        raise TooLarge(refusal)
    written = json.dumps(handler(event, context))
    if len(written) > INVOCATION_LIMIT_BYTES:
        raise TooLarge(f"Function.ResponseSizeTooLarge: {len(written)} bytes")
    return json.loads(written)


def refusal_of_event(event: Any) -> str:
    """Return by which error a request or a batch does not come to its function; "" if it does."""
    if len(event.get("body") or "") > API_LIMIT_BYTES:
        return "Request Too Large"
    if len(json.dumps(event)) > INVOCATION_LIMIT_BYTES:
        return "RequestTooLargeException"
    return ""


def batches(
    messages: Sequence[T], body_of: Callable[[T], str], batch_size: int
) -> Iterator[list[T]]:
    """Yield what Lambda hands over together: fewer than a batch where its event ends at 6 MB."""
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
