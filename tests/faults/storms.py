"""Storms: AWS errors on many calls, and the duplicate deliveries that are normal for SQS.

Each storm is put into a `FaultProxy`, and gets the calls of all functions.
"""

import asyncio
import itertools
import json
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json

from local.stack import Stack
from local.warm import PUBLISHED, record
from tests.stack.proxy import PassOn, Reply

SHARE = 0.25
WRITES = frozenset(
    {"BatchExecuteStatement", "BatchWriteItem", "PutItem", "SendMessageBatch", "UpdateItem"}
)
# Of this many writes, this many in a row lose their answers.
WRITES_A_BURST, LOST_A_BURST = 16, 5
# Errors of single statements inside a 200 answer (BatchStatementError in botocore's model).
PASSING = ("InternalServerError", "RequestLimitExceeded", "ThrottlingError", "TransactionConflict")
JSON = {"Content-Type": "application/x-amz-json-1.0"}


class BadWeather(ABC):
    """A storm that counts the affected calls."""

    def __init__(self, seed: int = 0) -> None:
        self.struck = 0
        self._random = random.Random(seed)  # noqa: S311

    @abstractmethod
    async def __call__(self, operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        """Answer a call; see `proxy.Storm`."""

    @property
    def is_over(self) -> bool:
        """Whether no effect is pending after the storm was removed."""
        return True

    def _strikes(self) -> bool:
        strikes = self._random.random() < SHARE
        self.struck += strikes
        return strikes


class Throttling(BadWeather):
    """Throttles a share of all calls."""

    async def __call__(self, operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        if self._strikes():
            return _reply({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400)
        return await pass_on(None)


class ServerErrors(BadWeather):
    """Answers a share of all calls with a 500, every second of these after it was done."""

    async def __call__(self, operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        if not self._strikes():
            return await pass_on(None)
        if self.struck % 2:
            await pass_on(None)
        return _reply({"__type": "InternalServerError", "message": "Internal error"}, 500)


class LostAnswers(BadWeather):
    """Does all writes, but loses the answers of several writes in a row."""

    def __init__(self) -> None:
        super().__init__()
        self._writes = itertools.count()

    async def __call__(self, operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        lost = operation in WRITES and next(self._writes) % WRITES_A_BURST < LOST_A_BURST
        reply = await pass_on(None)
        self.struck += lost
        return None if lost else reply


class Unprocessed(BadWeather):
    """Leaves a share of the entries of batches unprocessed, and says so in the answer."""

    async def __call__(self, operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        match operation:
            case "BatchGetItem" | "BatchWriteItem":
                return await self._tables(operation, asked, pass_on)
            case "BatchExecuteStatement":
                return await self._statements(asked["Statements"], pass_on)
            case "SendMessageBatch":
                return await self._messages(asked, pass_on)
        return await pass_on(None)

    async def _tables(self, operation: str, asked: Any, pass_on: PassOn) -> Reply:
        left = "UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"
        ((table, request),) = asked["RequestItems"].items()
        keys = request["Keys"] if operation == "BatchGetItem" else request
        done, not_done = self._parted(keys)

        def of(part: Sequence[Any]) -> Any:
            return {table: {**request, "Keys": part} if operation == "BatchGetItem" else part}

        answer: dict[str, Any] = {"Responses": {table: []}}
        if done:
            answer = await _request(pass_on, {**asked, "RequestItems": of(done)})
        return _reply({**answer, left: of(not_done) if not_done else {}})

    async def _statements(self, statements: Sequence[Any], pass_on: PassOn) -> Reply:
        done, not_done = self._parted(range(len(statements)))
        answer: dict[str, Any] = {"Responses": []}
        if done:
            answer = await _request(pass_on, {"Statements": [statements[at] for at in done]})
        responses = dict(zip(done, answer["Responses"], strict=True))
        for at in not_done:
            responses[at] = {"Error": {"Code": self._random.choice(PASSING), "Message": "Later"}}
        return _reply({**answer, "Responses": [responses[at] for at in range(len(statements))]})

    async def _messages(self, asked: Any, pass_on: PassOn) -> Reply:
        done, not_done = self._parted(asked["Entries"])
        answer: dict[str, Any] = {"Successful": []}
        if done:
            answer = await _request(pass_on, {**asked, "Entries": done})
        failed = [
            {"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in not_done
        ]
        return _reply({**answer, "Failed": failed})

    def _parted(self, entries: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        parts: tuple[list[Any], list[Any]] = [], []
        for each in entries:
            parts[self._strikes()].append(each)
        return parts


class Duplicates(BadWeather):
    """Delivers every queue message twice: through the event source mapping, and once more directly.

    The emulator polls its queues internally. Therefore the second delivery is an invocation with
    the same record (id and body), alternately at once and 1.5 s later.
    """

    LATER_S = 1.5
    AT_A_TIME = 2

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._client = stack.client("lambda")
        self._turns = asyncio.Semaphore(self.AT_A_TIME)
        self._tasks: set[asyncio.Task[None]] = set()
        outputs = stack.outputs
        self._functions = {
            outputs["SubmitQueueUrl"]: f"{outputs['SubmitFunctionName']}:{PUBLISHED}",
            outputs[
                "SubmitPriorityQueueUrl"
            ]: f"{outputs['SubmitPriorityFunctionName']}:{PUBLISHED}",
            outputs["ReceiptQueueUrl"]: outputs["DlrFunctionName"],
            outputs["CallbackQueueUrl"]: outputs["DlrFunctionName"],
        }

    async def __call__(self, operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        reply = await pass_on(None)
        if operation == "SendMessageBatch" and reply.status == 200:
            bodies = {each["Id"]: each["MessageBody"] for each in _at_once(asked["Entries"])}
            for sent in from_json(reply.body)["Successful"]:
                if sent["Id"] in bodies:
                    again = record(bodies[sent["Id"]], sent["MessageId"])
                    self._deliver(self._functions[asked["QueueUrl"]], again)
        return reply

    @property
    def is_over(self) -> bool:
        return not self._tasks

    def _deliver(self, function: str, again: dict[str, Any]) -> None:
        delay_s = self.LATER_S * (self.struck % 2)
        self.struck += 1
        task = asyncio.create_task(self._invoke(function, again, delay_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _invoke(self, function: str, again: dict[str, Any], delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        event = json.dumps({"Records": [again]}).encode()
        async with self._turns:
            await asyncio.to_thread(self._client.invoke, FunctionName=function, Payload=event)


def _at_once(entries: Sequence[Any]) -> list[Any]:
    return [each for each in entries if not each.get("DelaySeconds")]


async def _request(pass_on: PassOn, asked: Any) -> dict[str, Any]:
    """Return AWS's answer to the rest of a batch."""
    answer: dict[str, Any] = from_json((await pass_on(to_json(asked))).body)
    return answer


def _reply(answer: Any, status: int = 200) -> Reply:
    return Reply(status, JSON, to_json(answer))
