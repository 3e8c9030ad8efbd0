"""SQS's queues of dead letters in memory: counts, looks, and moves back.

Amazon SQS API Reference: ReceiveMessage gives one to ten messages, hides them for its
VisibilityTimeout (0 to 43,200 s) and waits for up to 20 s; StartMessageMoveTask takes the
dead-letter queue of another queue, a rate of 1 to 500, and runs one task a queue;
ListMessageMoveTasks has up to ten, newest first, with a handle while they run;
CancelMessageMoveTask ends a running one and leaves what it moved. A moved message is a new one,
with a new id (Developer Guide, "Configuring a dead-letter queue redrive"). As of November 2026.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from harkara.manage.queues import ACTIVITY_FAILURES, QueueUrls
from tests.support import policies
from tests.support.limits import Sqs
from tests.support.queues import QUEUE_IDS

ARN = "arn:aws:sqs:ap-south-1:123456789012:"
KEPT_S = 14 * 86_400
MOVES_LIMIT = 10
RATE_LIMIT = 500
DEAD_LETTERS = "DeadLetters"
QUEUE_URLS: dict[str, QueueUrls] = {
    **{
        queue: QueueUrls(url, url.removesuffix("Queue") + DEAD_LETTERS)
        for queue, url in QUEUE_IDS.items()
    },
    ACTIVITY_FAILURES: QueueUrls("", "ActivityFailures"),
}
_COUNTS = ("", "NotVisible", "Delayed")


@dataclass
class DeadMessage:
    """A message in a queue of dead letters."""

    id: str
    body: str
    sent_ms: int
    first_ms: int
    receives: int = 21
    visible_ms: int = 0


@dataclass
class MoveTask:
    """A task that moves dead letters back."""

    source: str
    destination: str
    rate: int | None
    total: int
    started_ms: int
    moved: int = 0
    status: str = "RUNNING"

    def fields(self) -> dict[str, Any]:
        """Return the task as ListMessageMoveTasks shows it."""
        return {
            "Status": self.status,
            "SourceArn": ARN + self.source,
            "DestinationArn": ARN + self.destination,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.total,
            "StartedTimestamp": self.started_ms,
            **({"MaxNumberOfMessagesPerSecond": self.rate} if self.rate else {}),
            **({"TaskHandle": f"handle#{self.source}"} if self.status == "RUNNING" else {}),
        }


@dataclass
class DeadLetters:
    """Queues by the last part of their URLs. `deliver` gets a queue and each body moved there."""

    clock: Callable[[], float]
    deliver: Callable[[str, str], object] = lambda queue, body: None
    messages: dict[str, list[DeadMessage]] = field(default_factory=dict)
    depths: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    tasks: list[MoveTask] = field(default_factory=list)
    _made: int = 0

    def put(self, queue: str, body: str, sent_s: float | None = None) -> None:
        """Put a task that failed for good, which was first sent at a time, among the dead."""
        self._made += 1
        sent_ms = int((self.clock() if sent_s is None else sent_s) * 1000)
        message = DeadMessage(
            f"00000000-0000-4000-8000-{self._made:012}", body, sent_ms, sent_ms + 100
        )
        self.messages.setdefault(queue, []).append(message)

    def move(self, count: int = 10**9) -> None:
        """Let the tasks that run move up to so many messages."""
        for task in self.tasks:
            if task.status == "CANCELLING":
                task.status = "CANCELLED"
            if task.status != "RUNNING":
                continue
            waiting = self.messages.setdefault(task.source, [])
            for _ in range(min(count, len(waiting))):
                self.deliver(task.destination, waiting.pop(0).body)
                task.moved += 1
            if not waiting:
                task.status = "COMPLETED"

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a call. Raises ClientError."""
        answers = {
            "GetQueueAttributes": self._attributes,
            "ReceiveMessage": self._receive,
            "StartMessageMoveTask": self._start,
            "ListMessageMoveTasks": self._list,
            "CancelMessageMoveTask": self._cancel,
        }
        return answers[operation](params)

    def _attributes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        name = _name(params["QueueUrl"])
        counts = self.depths.get(name, (len(self.messages.get(name, ())), 0, 0))
        found = {
            f"ApproximateNumberOfMessages{each}": str(count)
            for each, count in zip(_COUNTS, counts, strict=True)
        }
        found |= {"QueueArn": ARN + name, "MessageRetentionPeriod": str(KEPT_S)}
        return {"Attributes": {each: found[each] for each in params["AttributeNames"]}}

    def _receive(self, params: Mapping[str, Any]) -> dict[str, Any]:
        _require(1 <= params["MaxNumberOfMessages"] <= 10)
        _require(0 <= params["VisibilityTimeout"] <= 43_200)
        _require(0 <= params["WaitTimeSeconds"] <= 20)
        now_ms = int(self.clock() * 1000)
        waiting = self.messages.get(_name(params["QueueUrl"]), [])
        visible = [each for each in waiting if each.visible_ms <= now_ms]
        given = visible[: params["MaxNumberOfMessages"]]
        for each in given:
            each.receives += 1
            each.visible_ms = now_ms + params["VisibilityTimeout"] * 1000
        return {"Messages": [_shown(each, params) for each in given]} if given else {}

    def _start(self, params: Mapping[str, Any]) -> dict[str, Any]:
        source, destination = _name(params["SourceArn"]), _name(params["DestinationArn"])
        _require(source.endswith(DEAD_LETTERS) and not destination.endswith(DEAD_LETTERS))
        rate = params.get("MaxNumberOfMessagesPerSecond")
        _require(rate is None or 1 <= rate <= RATE_LIMIT)
        active = {each.source for each in self.tasks if each.status in ("RUNNING", "CANCELLING")}
        _require(source not in active)
        total, now_ms = len(self.messages.get(source, ())), int(self.clock() * 1000)
        self.tasks.insert(0, MoveTask(source, destination, rate, total, now_ms))
        return {"TaskHandle": f"handle#{source}"}

    def _list(self, params: Mapping[str, Any]) -> dict[str, Any]:
        _require(1 <= params["MaxResults"] <= MOVES_LIMIT)
        found = [each for each in self.tasks if each.source == _name(params["SourceArn"])]
        return {"Results": [each.fields() for each in found[: params["MaxResults"]]]}

    def _cancel(self, params: Mapping[str, Any]) -> dict[str, Any]:
        source = params["TaskHandle"].partition("#")[2]
        for each in self.tasks:
            if each.source == source and each.status == "RUNNING":
                each.status = "CANCELLING"
                return {"ApproximateNumberOfMessagesMoved": each.moved}
        raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "CancelMessageMoveTask")


class SqsWithDeadLetters(Sqs):
    """A client of SQS whose queues have dead letters."""

    def __init__(self, put: Callable[[str, Mapping[str, Any]], object], dead: DeadLetters) -> None:
        super().__init__(put)
        self._dead = dead

    def get_queue_attributes(self, **params: Any) -> Mapping[str, Any]:
        return self._answer("GetQueueAttributes", params)

    def receive_message(self, **params: Any) -> Mapping[str, Any]:
        return self._answer("ReceiveMessage", params)

    def start_message_move_task(self, **params: Any) -> Mapping[str, Any]:
        return self._answer("StartMessageMoveTask", params)

    def list_message_move_tasks(self, **params: Any) -> Mapping[str, Any]:
        return self._answer("ListMessageMoveTasks", params)

    def cancel_message_move_task(self, **params: Any) -> Mapping[str, Any]:
        return self._answer("CancelMessageMoveTask", params)

    def _answer(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        policies.check(operation, params)
        return self._dead.answer(operation, params)


def _shown(message: DeadMessage, params: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "SentTimestamp": message.sent_ms,
        "ApproximateFirstReceiveTimestamp": message.first_ms,
        "ApproximateReceiveCount": message.receives,
    }
    asked = params["MessageSystemAttributeNames"]
    return {
        "MessageId": message.id,
        "ReceiptHandle": f"receipt-{message.id}",
        "Body": message.body,
        "Attributes": {name: str(values[name]) for name in asked},
    }


def _name(url_or_arn: str) -> str:
    return url_or_arn.rpartition("/")[2].rpartition(":")[2]


def _require(fits: bool) -> None:
    if not fits:
        raise ClientError({"Error": {"Code": "InvalidParameterValue"}}, "SQS")
