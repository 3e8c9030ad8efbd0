"""Start the functions' workers before a measurement or a demonstration."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harkara.model.submit_tasks import SubmitTask
from harkara.model.tasks import CheckTask
from local.deploy import client
from local.settings import REGION, LocalStackError

NO_BATCH = "1" + "0" * 26
NO_CODE = "0" * 14
# The alias by which queues and the API call functions that have one; each version has workers of
# its own.
PUBLISHED = "live"
WITHIN_S = 300
# Less than the shortest timeout of a function.
SLOW_S = 8
# A function's own answer while it cannot reach AWS in time, as the emulator on a busy machine.
TRY_AGAIN = '"TRY_AGAIN"'
PAUSE_S = 0.5


def warm(aws_url: str, endpoint: str, outputs: Mapping[str, str], workers: int) -> None:
    """Start `workers` workers of each function but `sweep`, all at the same time."""
    functions = client("lambda", aws_url)

    def invoke(name: str, body: str, version: str = PUBLISHED) -> str:
        event = json.dumps({"Records": [record(body)]}).encode()
        function = {"FunctionName": outputs[name], "Qualifier": version}
        try:
            answer = functions.invoke(**function, Payload=event)
        except (BotoCoreError, ClientError) as error:
            return str(error)
        return answer["Payload"].read().decode() if "FunctionError" in answer else ""

    # The calls name nothing that exists, so they only warm the functions.
    calls: dict[str, Callable[[], str]] = {
        "send": lambda: _request(f"{endpoint}/health"),
        "manage": lambda: _request(f"{endpoint}/v1/templates"),
        "receipt": lambda: _request(f"{endpoint}/receipts/none/none", b"[]"),
        "link": lambda: _request(f"{endpoint}/{NO_CODE}"),
        "inbound": lambda: _request(f"{endpoint}/inbound/none/none", b"[]"),
        "fallback": lambda: _request(f"{endpoint}/none/none"),
        "submit": lambda: invoke("SubmitFunctionName", SubmitTask(NO_BATCH, "none").encode()),
        "submit, priority": lambda: invoke(
            "SubmitPriorityFunctionName", SubmitTask(NO_BATCH, "none").encode()
        ),
        "dlr": lambda: invoke("DlrFunctionName", CheckTask(NO_BATCH).encode(), "$LATEST"),
    }
    ended = threading.Event()
    pool = ThreadPoolExecutor(len(calls) * workers)
    try:
        started = [
            pool.submit(_until_it_answers, name, call, ended)
            for name, call in calls.items()
            for _ in range(workers)
        ]
        for each in started:
            each.result()
    finally:
        # An interrupted start does not wait for the calls in progress.
        ended.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _until_it_answers(name: str, call: Callable[[], str], ended: threading.Event) -> None:
    """Call a function until it answers; `call` returns the error, "" for none.

    A call that fails at once means a broken function, unless it asks to be tried again. One that
    fails late may be slow: on a cold, busy machine the first start of a function takes longer than
    its timeout.
    """
    begun = time.monotonic()
    while True:
        called = time.monotonic()
        wrong = call()
        now = time.monotonic()
        if not wrong or ended.is_set():
            return
        broken = now - called < SLOW_S and TRY_AGAIN not in wrong
        if broken or now - begun > WITHIN_S:
            raise LocalStackError(f"the function {name} does not answer: {wrong[:500]}")
        ended.wait(PAUSE_S)


def record(body: str, message_id: str = "") -> dict[str, Any]:
    """Return a queue message as Lambda passes it to a function; without an id it gets a new one."""
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


def _request(url: str, body: bytes | None = None) -> str:
    """Return the error of a request; "" unless the function failed."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:  # noqa: S310
            answer.read()
    except urllib.error.HTTPError as error:
        payload = error.read().decode(errors="replace")
        return f"{url} answered {error.code}: {payload}" if error.code >= 500 else ""
    except OSError as error:
        return f"{url} did not answer: {error}"
    return ""
