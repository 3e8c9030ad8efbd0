"""A model of a table's stream: one shard, which Lambda reads for the function `activity`.

Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams": a shard is of one
partition, which takes 1,000 write units a second. AWS Lambda Developer Guide, "Using AWS Lambda
with Amazon DynamoDB": Lambda polls a shard four times a second, keeps the order within it and, with
a parallelization factor of 1, invokes the function for one batch after the other.
"""

import json
import math
from collections import deque
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.scale.cloud import MODEL
from tests.scale.lambdas import Lambda
from tests.support.limits import INVOCATION_LIMIT_BYTES, item_bytes
from tests.support.streams import FIRST_SEQUENCE, Record, event_of, record_of
from tests.template.reading import functions

POLL_S = 0.25
_AGAIN_S = 1.0


@cache
def mapping() -> Mapping[str, Any]:
    """Return the properties of the event source mapping in the template."""
    (event,) = functions()["activity"]["Events"].values()
    properties: Mapping[str, Any] = event["Properties"]
    return properties


def passes(record: Record) -> bool:
    """Return whether the mapping's filter passes a record on."""
    patterns = [json.loads(each["Pattern"]) for each in mapping()["FilterCriteria"]["Filters"]]
    return any(_fits(pattern, record) for pattern in patterns)


def _fits(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, Mapping):
        return all(name in value and _fits(each, value[name]) for name, each in pattern.items())
    return any(
        value.startswith(each["prefix"]) if isinstance(each, Mapping) else value == each
        for each in pattern
    )


class Shard:
    """A shard with its reader. `ages_s` are how old the oldest records of batches were, counted."""

    def __init__(self, functions: Lambda) -> None:
        self._functions = functions
        self._threads = functions.cloud.threads
        self._records: deque[tuple[float, Record]] = deque()
        self._number = 0
        self.is_busy = False
        self.ages_s: list[float] = []
        self.units = 0
        self._reader = self._threads.current
        self._threads.start(self._read)

    @property
    def is_empty(self) -> bool:
        """Whether all records were counted."""
        return not self._records and not self.is_busy

    def put(self, item: Mapping[str, Any]) -> None:
        """Take the record of a new item."""
        self._number += 1
        self.units += math.ceil(item_bytes(item) / 1024)
        record = record_of(item, FIRST_SEQUENCE + self._number, self._threads.clock())
        if passes(record):
            self._records.append((self._threads.now_s, record))
            self._threads.wake(self._reader)

    def _read(self) -> None:
        self._reader = self._threads.current
        size, window_s = mapping()["BatchSize"], mapping()["MaximumBatchingWindowInSeconds"]
        while True:
            if not self._records:
                self._threads.wait(math.inf)
                continue
            due_s = self._records[0][0] + window_s
            while len(self._records) < size and self._threads.now_s < due_s:
                self._threads.sleep(POLL_S)
            self._deliver(size)

    def _deliver(self, size: int) -> None:
        """Invoke the function with the next records until it has counted them."""
        self.is_busy = True
        (began_s, _), batch, left = self._records[0], list[Record](), INVOCATION_LIMIT_BYTES
        while self._records and len(batch) < size:
            left -= self._records[0][1]["dynamodb"]["SizeBytes"]
            if batch and left < 0:
                break
            batch.append(self._records.popleft()[1])
        tasks = len(batch) * MODEL["cpu_ms_a_record"] / MODEL["cpu_ms_a_task"]
        while self._functions.invoke("activity", event_of(batch), tasks) is None:
            self._threads.sleep(_AGAIN_S)
        self.ages_s.append(self._threads.now_s - began_s)
        self.is_busy = False
