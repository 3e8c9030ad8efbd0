"""A model of Lambda: execution environments and their ramp, pollers of queues, and the API."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from harkara.model.tasks import QueueName
from tests.bench.life import MEMORY_GB
from tests.functions.invoking import Event, http_event
from tests.scale.cloud import MODEL, Cloud
from tests.scale.meter import ACCOUNT, API, LIMITS, NEW, POLLERS
from tests.scale.queues import Waiting
from tests.scale.threads import Loop
from tests.template.reading import timeout_s

QUEUED = ("submit", "submit_priority", "dlr")
SNAPSHOTS = ("send", "receipt")
# Delay between the arrival of a message and the return of a long poll.
RECEIVE_S = 0.02
# Pause before Lambda retries a batch for which it had no environment.
_AGAIN_S = 1.0
_HELD_S = 300.0


class Process:
    """An execution environment: one invocation at a time, one core for all its calls."""

    def __init__(self, cloud: Cloud, function: str, module: ModuleType) -> None:
        self.function, self.module = function, module
        self._cloud = cloud
        self._busy_until_s = 0.0
        self.loop = Loop(cloud.threads) if function in QUEUED else None

    def cpu(self, for_s: float) -> float:
        """Reserve CPU time on the core; return the seconds until it is over."""
        now_s = self._cloud.threads.now_s
        self._busy_until_s = max(now_s, self._busy_until_s) + for_s
        return self._busy_until_s - now_s


class Context:
    """The context that Lambda passes to a handler."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:ap-south-1:123456789012:function:function"
    aws_request_id = "request-id"

    def __init__(self, cloud: Cloud, for_s: float) -> None:
        self._threads = cloud.threads
        self._ends_s = cloud.threads.now_s + for_s

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends_s - self._threads.now_s) * 1000)


class Lambda:
    """All functions of an account. `make` loads a function for a new environment."""

    def __init__(self, cloud: Cloud, make: Callable[[str], ModuleType], concurrency: float) -> None:
        self.cloud = cloud
        self._make = make
        self._most = max(1, round(concurrency / cloud.slices))
        self._idle: dict[str, list[Process]] = defaultdict(list)
        self._busy = 0
        self.executions: Counter[str] = Counter()
        self.restored: Counter[str] = Counter()

    def invoke(self, function: str, event: Event, tasks: float = 1) -> Any:
        """Invoke a function in this thread; return None if it is throttled."""
        cloud = self.cloud
        if self._busy >= self._most:
            cloud.meter.refuse(ACCOUNT)
            return None
        process = self._environment(function)
        if process is None:
            return None
        self._busy += 1
        thread, began_s = cloud.threads.current, cloud.threads.now_s
        thread.owner = process
        try:
            if process.loop:
                asyncio.set_event_loop(process.loop)
            cloud.threads.sleep(process.cpu(MODEL["cpu_ms_a_task"] * tasks / 1000))
            return process.module.handler(event, Context(cloud, timeout_s(function)))
        finally:
            thread.owner = None
            held_s = cloud.threads.now_s - began_s
            cloud.meter.hold(ACCOUNT, held_s, self._most)
            cloud.used["gb_s"] += held_s * MEMORY_GB[function]  # type: ignore[assignment]
            cloud.used["invocations"] += 1
            self.executions[function] += 1
            self._busy -= 1
            self._idle[function].append(process)

    def _environment(self, function: str) -> Process | None:
        cloud, limit = self.cloud, LIMITS[NEW]
        if self._idle[function]:
            return self._idle[function].pop()
        per_s, burst = limit["value"] / cloud.slices, limit["burst"] / cloud.slices
        if not cloud.meter.take(NEW, 1, per_s, burst, function):
            return None
        process = Process(cloud, function, self._make(function))
        start = "snapshot restored" if function in SNAPSHOTS else "cold start"
        cloud.calls[start] += 1
        self.restored[function] += function in SNAPSHOTS
        cloud.threads.sleep(cloud.latency_s(start))
        return process


class Pollers:
    """An event source mapping, which adds concurrent batches while a backlog of messages lasts."""

    def __init__(
        self, functions: Lambda, function: str, name: QueueName, most: int, batch: int
    ) -> None:
        cloud = functions.cloud
        self._functions, self._function, self._name = functions, function, name
        self._threads, self._queue, self._batch = cloud.threads, cloud.queues[name], batch
        self._cloud = cloud
        self.most = max(1, round(most / cloud.slices))
        self._first = LIMITS[POLLERS]["value"] / cloud.slices
        self._more_a_s = LIMITS[POLLERS]["more_a_minute"] / 60 / cloud.slices
        self._pollers, self._seen_s, self._is_behind = self._first, cloud.threads.now_s, False
        self._busy = 0
        self._planned_s = float("inf")
        self._queue.hear = self._plan

    @property
    def limit(self) -> str:
        return f"executions of {self._function} for {self._name}"

    def _plan(self, after_s: float) -> None:
        """Schedule a poll of the queue after this time, unless an earlier one is scheduled."""
        at_s = self._threads.now_s + after_s + RECEIVE_S
        if at_s < self._planned_s:
            self._planned_s = at_s
            self._threads.start(self._pump, after_s=after_s + RECEIVE_S)

    def _pump(self) -> None:
        self._planned_s = float("inf")
        allowed = self._allowed()
        while self._busy < allowed and (messages := self._queue.receive(self._batch)):
            self._busy += 1
            self._threads.start(partial(self._invoke, messages))
        self._is_behind = self._queue.has_ready
        if self._is_behind:
            if allowed < self.most:  # the number of pollers grows
                self._plan(1 / self._more_a_s)
        elif (next_s := self._queue.next_in_s) is not None:
            self._plan(next_s)

    def _allowed(self) -> int:
        passed_s = self._threads.now_s - self._seen_s
        self._seen_s = self._threads.now_s
        grown = self._pollers + (1 if self._is_behind else -1) * passed_s * self._more_a_s
        self._pollers = min(float(self.most), max(self._first, grown))
        return max(1, int(self._pollers))

    def _invoke(self, messages: Sequence[Waiting]) -> None:
        cloud, began_s = self._cloud, self._threads.now_s
        unix_s = self._threads.clock() - began_s
        event = {"Records": [_record(self._name, message, unix_s) for message in messages]}
        cloud.calls["ReceiveMessage"] += 1
        cloud.used["sqs_requests"] += 2
        failed = {message.id for message in messages}
        while self._threads.now_s - began_s < _HELD_S:
            started_s = self._threads.now_s
            answer = self._functions.invoke(self._function, event, len(messages))
            if answer is not None:
                failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
                cloud.meter.hold(self.limit, self._threads.now_s - started_s, self.most)
                break
            self._threads.sleep(_AGAIN_S)
        cloud.calls["DeleteMessageBatch"] += 1
        cloud.calls["tasks come back"] += len(failed)
        self._queue.settle(messages, failed)
        self._busy -= 1
        self._pump()


class Gateway:
    """The API in front of `send` and `receipt`, throttled as a whole."""

    def __init__(self, functions: Lambda) -> None:
        self._functions = functions

    def post(self, path: str, body: str) -> tuple[int, Any]:
        """Return status and body."""
        cloud, limit = self._functions.cloud, LIMITS[API]
        per_s, burst = limit["value"] / cloud.slices, limit["burst"] / cloud.slices
        cloud.threads.sleep(cloud.latency_s("API Gateway"))
        if not cloud.meter.take(API, 1, per_s, burst):
            return 429, None
        cloud.used["api_requests"] += 1
        function = "receipt" if path.startswith("/receipts/") else "send"
        answer = self._functions.invoke(function, http_event("POST", path, body))
        if answer is None:
            return 503, None
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


def _record(queue: QueueName, message: Waiting, began_s: float) -> Event:
    return {
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int((began_s + message.sent_s) * 1000)),
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:ap-south-1:123456789012:{queue}",
        "awsRegion": "ap-south-1",
    }
