"""Starts the functions' workers before somebody measures or watches."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harkara.submit_tasks import SubmitTask
from harkara.tasks import CheckTask
from local.deploy import client
from local.settings import REGION, LocalStackError

NO_CHUNK = "1" + "0" * 26
NO_CODE = "0" * 14
WITHIN_S = 60


def warm(aws_url: str, endpoint: str, outputs: Mapping[str, str], workers: int) -> None:
    """Start `workers` workers of each function but `sweep`, all at a time."""
    functions = client("lambda", aws_url)

    def with_task(name: str, body: str) -> Callable[[], object]:
        event = json.dumps({"Records": [record(body)]}).encode()
        return lambda: functions.invoke(FunctionName=outputs[name], Payload=event)

    # Nothing of these exists, so nothing is done, but by a warm function.
    calls = {
        "send": lambda: _request(f"{endpoint}/health"),
        "manage": lambda: _request(f"{endpoint}/v1/templates"),
        "receipt": lambda: _request(f"{endpoint}/receipts/none/none", b"[]"),
        "link": lambda: _request(f"{endpoint}/{NO_CODE}"),
        "inbound": lambda: _request(f"{endpoint}/inbound/none/none", b"[]"),
        "submit": with_task("SubmitFunctionName", SubmitTask(NO_CHUNK, "none").encode()),
        "dlr": with_task("DlrFunctionName", CheckTask(NO_CHUNK).encode()),
    }
    with ThreadPoolExecutor(len(calls) * workers) as pool:
        started = [pool.submit(call) for call in calls.values() for _ in range(workers)]
        results: list[Any] = [each.result(WITHIN_S) for each in started]
    for result in results:
        if isinstance(result, dict) and "FunctionError" in result:
            raise LocalStackError(f"a function failed: {result['Payload'].read().decode()[:500]}")


def record(body: str, message_id: str = "") -> dict[str, Any]:
    """Return a queue message as Lambda hands it to a function; without an id it gets a new one."""
    return {
        "messageId": message_id or str(uuid.uuid4()),
        "receiptHandle": "none",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:none",
        "awsRegion": REGION,
    }


def _request(url: str, body: bytes | None = None) -> int:
    """Return the status of an answer; raise LocalStackError if the function itself failed."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        if error.code < 500:
            return error.code
        reason = error.read().decode(errors="replace")[:500]
        raise LocalStackError(f"{url} answered {error.code}: {reason}") from None
    except OSError as error:
        waited_s = time.monotonic() - started
        raise LocalStackError(f"{url} did not answer in {waited_s:.0f} s: {error}") from None
