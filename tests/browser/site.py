"""The console on a port of this machine: the deployment in memory behind an HTTP server.

A request becomes the event that API Gateway would make of it. The deployment's own queues are
worked off when a test says so, so that a test sees each state of a message.
"""

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from harkara.aws.activity import DynamoActivityStore
from harkara.aws.operator import OperatorStore
from harkara.base.json import encode
from harkara.model.accounts import PLATFORM_HOSTS
from harkara.model.messages import State
from harkara.model.people import Role
from harkara.model.submit_tasks import SubmitTask
from harkara.model.tasks import Receipt, ReceiptsTask
from local.samples import AWS_CARRIER, BATCH
from local.seed import CARRIER
from local.settings import RECEIPT_TOKEN
from tests.functions.deployment import Deployment
from tests.functions.invoking import http_event
from tests.functions.visiting_console import count_at, put_carrier_counters, put_counters
from tests.support.dynamo import ACCOUNTS, ACTIVITY
from tests.support.fakes import Faults
from tests.support.peers import FakePlatform
from tests.support.people import cookie_of, quick

ADMIN = "admin@demo.example"
SAMPLES = "admin@sandbox.example"
SAMPLE_MID = BATCH.mid(2)
OPERATOR = "ops@harkara.example"
USERS = (
    (ADMIN, "demo", Role.ADMIN),
    ("marketer@demo.example", "demo", Role.MARKETER),
    (SAMPLES, "sandbox", Role.ADMIN),
    (OPERATOR, None, Role.OPERATOR),
)


class Site:
    """The console's server, and the platform that its callbacks go to."""

    def __init__(self, deployment: Deployment, port: int) -> None:
        self.deployment = deployment
        self.url = f"http://127.0.0.1:{port}"
        self.platform = FakePlatform(Faults())
        self.lock = threading.Lock()
        # As in Lambda, where a process keeps one event loop for all its invocations.
        self.worker = ThreadPoolExecutor(
            1, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop())
        )
        # As on AWS, and unlike on the local stack, callbacks go to platforms alone.
        OperatorStore(deployment.dynamo, ACCOUNTS).change_account(
            "sandbox", lambda account: account.model_copy(update={"callback_hosts": PLATFORM_HOSTS})
        )
        module: Any = deployment._module("console")
        wire = module.services
        module.services = cache(lambda: self._as_tested(wire()))

    def work_off(self) -> None:
        """Let all queued tasks be done."""
        self._apart(self.deployment.work_off)

    def send(self, *records: Mapping[str, str]) -> None:
        """Send messages of the account of samples."""
        rows = [{"from": "HARKAR", "smstext": "Hello", **each} for each in records]
        body = {"user": "sandbox", "pass": "sandbox-secret", "smstosend": rows}
        event = http_event("POST", "/datasend", encode(body).decode())
        self._apart(lambda: self.deployment.call("send", event))

    def count(self) -> None:
        """Count what was stored, so that it is listed."""
        self._apart(self.deployment.count)

    def put_counters(self, of_hour: int) -> None:
        """Count so many messages an hour, in the account of samples."""
        store = DynamoActivityStore(self.deployment.dynamo, ACTIVITY, 0, time.time)
        put_counters(store, time.time(), of_hour)
        put_carrier_counters(store, time.time(), CARRIER, of_hour)
        quick = {"submitted": 400, "delivered": 390, "otp:0": 300, "otp:2": 90}
        count_at(store, time.time(), AWS_CARRIER.name, 1, quick)

    def fail_for_good(self) -> None:
        """Leave tasks of several kinds among the dead letters."""
        now_s, dead = time.time(), self.deployment.dead_letters
        for number in range(4):
            batch = SubmitTask(BATCH.id, "sandbox", indexes=(number,), attempt=2)
            dead.put("SubmitDeadLetters", batch.encode(), now_s - 3600 * (4 - number))
        dead.put("SubmitDeadLetters", SubmitTask(BATCH.id, "demo").encode(), now_s - 1800)
        dead.put("SubmitDeadLetters", '{"kind": "none of ours"}', now_s - 900)
        receipts = ReceiptsTask((Receipt(SAMPLE_MID, 1, State.DELIVERED, 0),))
        dead.put("ReceiptDeadLetters", receipts.encode(), now_s - 300)

    def report_delivered(self) -> None:
        """Let the carrier report that the last message was delivered, and post its callback."""
        _, request = self.deployment.requests[-1]
        (row,) = request["smstosend"]
        receipt = {"smsgid": row["smsgid"], "status": "DELIVRD", "code": "000"}
        path = f"/receipts/{CARRIER}/{RECEIPT_TOKEN}"
        event = http_event("POST", path, encode(receipt).decode())
        self._apart(lambda: self.deployment.call("receipt", event))
        self.work_off()

    def _apart(self, call: Callable[[], object]) -> None:
        """Make a call in a thread of its own: playwright's loop runs in this one."""

        def alone() -> None:
            with self.lock:
                call()

        self.worker.submit(alone).result()

    def _as_tested(self, services: Any) -> Any:
        """Return the services with users, and with the platform of the tests."""
        endpoints = replace(services.manage.endpoints, poster=self.platform)
        people = quick(services.people)
        for email, account_id, role in USERS:
            cookie_of(people, email, account_id, role)
        manage = services.manage._replace(endpoints=endpoints)
        return services._replace(manage=manage, people=people)

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> Any:
        """Return the console's answer to a request."""
        path, _, query = handler.path.partition("?")
        headers = {name.lower(): value for name, value in handler.headers.items()}
        event = http_event(handler.command, path, body or None, headers)
        event["rawQueryString"] = query
        event["queryStringParameters"] = _query(query)
        event["cookies"] = [each for each in headers.pop("cookie", "").split("; ") if each]
        with self.lock:
            return self.deployment.call("console", event)


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


@contextmanager
def serving(patch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve the console until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = site.answer(self, body)
            content = answer.get("body", "").encode()
            if answer.get("isBase64Encoded"):
                content = base64.b64decode(content)
            self.send_response(answer["statusCode"])
            for name, value in answer.get("headers", {}).items():
                self.send_header(name, value)
            for cookie in answer.get("cookies", ()):
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    patch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    site = Site(Deployment(patch), server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        site.worker.submit(lambda: asyncio.get_event_loop().close()).result()
        site.worker.shutdown()
        server.server_close()


SCREENS = {
    "sign-in": "/console/sign-in",
    "today": "/console/today",
    "messages": "/console/messages",
    "campaigns": "/console/campaigns",
    "templates": "/console/templates",
    "template": "/console/templates/1107161234567890001",
    "template-new": "/console/templates/new",
    "upload": "/console/templates/upload",
    "try": "/console/templates/try",
    "senders": "/console/senders",
    "sender": "/console/senders/HARKAR",
    "callbacks": "/console/callbacks",
    "callback": "/console/callbacks/platform",
    "callback-new": "/console/callbacks/new",
    "send": "/console/send",
    "test": "/console/test",
    "links": "/console/links",
    "reports": "/console/reports",
    "suppressions": "/console/suppressions",
    "consents": "/console/consents",
    "credentials": "/console/credentials",
    "credential": "/console/credentials/demo",
    "credential-new": "/console/credentials/~new",
    "answers": "/console/answers",
    "answer-new": "/console/answers/new",
    "settings": "/console/settings",
    "audit": "/console/audit",
    "users": "/console/users",
    "code": "/console/code",
    "error": "/console/nothing",
}
"""The screens without anything done before, by name."""
OPERATORS_SCREENS = {
    "carriers": "/console/carriers",
    "carrier": f"/console/carriers/{CARRIER}",
    "queues": "/console/queues",
    "queue": "/console/queues/submit",
}
"""The screens of operators, once they have chosen an account."""
