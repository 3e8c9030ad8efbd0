"""With LogLevel DEBUG, which Lambda sets on the root logger, no library logs transmitted data."""

import importlib.metadata
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from harkara.aws import clients
from harkara.aws.carriers import DynamoCarrierStore, encrypt_secret
from harkara.aws.clients import session
from harkara.aws.destinations import decrypt
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.errors import StoreUnavailable
from harkara.model.tasks import QueueName
from harkara.runtime import library_logs
from tests.functions.exchanges import answering, run
from tests.functions.servers import answer

SECRET = "the-pepper-of-all-credentials"
NUMBER = "919876543210"
TEXT = "Your code is 4711"
LOCK = Path("layers/deps/requirements.txt")


class Aws(BaseHTTPRequestHandler):
    """Answers each call with private data, or refuses it in words that contain some."""

    refuses = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        payload: dict[str, Any] = {
            "SecretString": SECRET,
            "Name": "x",
            "Plaintext": "",
            "CiphertextBlob": "",
        }
        payload |= {"Item": {"data": {"S": TEXT}}, "Responses": {"Accounts": []}}
        payload |= {"__type": "ValidationException", "message": f"{NUMBER} {TEXT} {SECRET}"}
        body = json.dumps(payload).encode()
        self.send_response(400 if self.refuses else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture(params=[False, True], ids=["answers", "refuses"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    handler = type("Handler", (Aws,), {"refuses": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def _enqueue() -> None:
    queues = SqsTaskQueues(session().client("sqs"), {QueueName.SUBMIT: "https://sqs.example/1/q"})
    queues.send(QueueName.SUBMIT, [TEXT])


CALLS: dict[str, Callable[[], object]] = {
    "a secret": lambda: clients.secret_keys("x").all(),
    "numbers": lambda: DynamoSuppressionList(session().client("dynamodb"), "Accounts").entries(
        "acme", [NUMBER]
    ),
    "a record": lambda: DynamoCarrierStore(session().client("dynamodb"), "Accounts").carrier(
        NUMBER
    ),
    "a task": _enqueue,
    "what is encrypted": lambda: encrypt_secret(session().client("kms"), "key", "sim", SECRET),
    "what is decrypted": lambda: decrypt(session().client("kms"), "acme", "main", b"sealed"),
}


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("call", CALLS)
def test_what_goes_to_aws_and_comes_back_is_not_logged(
    call: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with suppress(StoreUnavailable, ValueError):  # it refuses, or its answer is unusable
        CALLS[call]()
    assert caplog.records == []


def test_what_goes_to_a_carrier_or_platform_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    run(answering(answer(headers=f"set-cookie: key={SECRET}\r\nx-text: {TEXT}\r\n")))
    assert caplog.records == []


def test_no_library_that_logs_is_left_out() -> None:
    """Every deployed module that gets a logger belongs to a library that is silenced."""
    locked = re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(), re.MULTILINE)
    loud = set()
    for name in locked:
        for file in importlib.metadata.files(name) or ():
            if file.suffix == ".py" and "logging.getLogger(" in file.read_text():
                loud.add(file.parts[0].removesuffix(".py"))
    assert loud
    assert loud <= {*library_logs.LIBRARIES}
