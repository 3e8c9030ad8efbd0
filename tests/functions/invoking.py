"""Loads a function afresh, and has Lambda's inputs: events, contexts, and a log to read."""

import base64
import importlib.util
import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from local.settings import RECEIPT_TOKEN, TAG_SECRET

FUNCTIONS = Path(__file__).parent.parent.parent / "functions"
NOW = 1_767_258_000.0
# The message batch of the sample events, and the private values that no log may have.
BATCH_ID = "101KDWCJ2M0000G40R40M30E209"
MSISDN = "919876543210"
TEXT = "Your secret code is QX4711"
SECRET = "sandbox-secret"
CALLBACK_URL = "https://api.clevertap.com/dlr?key=callback-key"
CARRIER_PASSWORD = "carrier-secret"
PRIVATE = (
    MSISDN[2:],
    "QX4711",
    SECRET,
    RECEIPT_TOKEN,
    TAG_SECRET,
    "callback-key",
    CARRIER_PASSWORD,
    "pepper",
)

Event = dict[str, Any]


class Logs:
    """Logged text: lines of JSON by the functions' logger, any form by others."""

    def __init__(self) -> None:
        self.own = io.StringIO()
        self.other = io.StringIO()

    def lines(self, message: str = "") -> list[dict[str, Any]]:
        """Return the lines, or those of one message."""
        lines = [json.loads(line) for line in self.own.getvalue().splitlines()]
        return [line for line in lines if message in ("", line["message"])]

    def private(self) -> list[str]:
        """Return the private values that were logged."""
        written = self.own.getvalue() + self.other.getvalue()
        return [private for private in PRIVATE if private in written]


class Context:
    """The context that Lambda passes to a handler."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:ap-south-1:123456789012:function:function"
    aws_request_id = "request-id"

    def __init__(self, remaining_ms: int = 60_000) -> None:
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def load(function: str) -> ModuleType:
    """Load a function's app.py under a name of its own."""
    path = FUNCTIONS / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"harkara_function_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def http_event(
    method: str,
    path: str,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Event:
    """Return an HTTP API event; a body of bytes is sent as base64."""
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.10"},
            "requestId": "request-id",
            "stage": "$default",
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def sqs_event(*bodies: str, first: int = 0, queue: str = "queue") -> Event:
    """Return an SQS event; its messages are named m0, m1, ..., or count from `first`."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"handle of m{number}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": str(int(NOW * 1000)),
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:ap-south-1:123456789012:{queue}",
                "awsRegion": "ap-south-1",
            }
            for number, body in enumerate(bodies, first)
        ]
    }


def datasend(*records: Mapping[str, Any], **fields: Any) -> str:
    """Return the body of a request of the account `sandbox`."""
    request = {"user": "sandbox", "pass": SECRET, **fields, "smstosend": records}
    return json.dumps(request, ensure_ascii=False)


RECORD = {"to": MSISDN, "from": "ACMEBK", "smstext": TEXT, "smsgid": "ref"}
