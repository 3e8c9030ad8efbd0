"""All functions as deployed, on AWS in memory: real handlers, wiring and adapters.

Each function has its environment from template.yaml, and each of its calls is checked against its
policy (`tests.support.policies`). Only the HTTP peers are fakes: a carrier that accepts every
message, and platforms with scripted answers.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import ModuleType
from typing import Any

import boto3
import pytest

from harkara.aws import accounts
from harkara.base.errors import HttpAnswer
from harkara.base.json import decode, encode
from harkara.wiring import dlr, submit
from local import seed
from local.settings import Ports
from tests.functions.invoking import Context, Event, load, sqs_event
from tests.support import policies
from tests.support.bucket import Bucket
from tests.support.dead_letters import DeadLetters, SqsWithDeadLetters
from tests.support.dynamo import DUE, MESSAGES, Dynamo
from tests.support.invocations import batches, invoke
from tests.support.limits import ENTRIES_LIMIT
from tests.support.streams import Stream, event_of
from tests.template.reading import environment, logical_id, template

TABLES = ("Accounts", "Messages", "Activity", "Due")
CONSUMERS = {
    "SubmitQueue": "submit",
    "SubmitPriorityQueue": "submit",
    "ReceiptQueue": "dlr",
    "CallbackQueue": "dlr",
    "ExportQueue": "files",
}


SUBMIT = ThreadPoolExecutor.submit


class Kms:
    """A KMS that encrypts nothing, and checks the encryption context at decryption."""

    def encrypt(
        self, KeyId: str, Plaintext: bytes, EncryptionContext: Mapping[str, str]
    ) -> Mapping[str, bytes]:
        params = {"KeyId": KeyId, "EncryptionContext": EncryptionContext}
        policies.check("Encrypt", params)
        return {"CiphertextBlob": encode([EncryptionContext, Plaintext.hex()])}

    def decrypt(
        self, CiphertextBlob: bytes, EncryptionContext: Mapping[str, str]
    ) -> Mapping[str, bytes]:
        policies.check("Decrypt", {"EncryptionContext": EncryptionContext})
        context, plaintext = decode(CiphertextBlob)
        assert context == EncryptionContext, "InvalidCiphertextException"
        return {"Plaintext": bytes.fromhex(plaintext)}


class SecretsManager:
    """Secrets by id; a secret that was never put has its id as its value."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:
        self._secrets[SecretId] = SecretString

    def get_secret_value(self, SecretId: str) -> Mapping[str, str]:
        policies.check("GetSecretValue", {"SecretId": SecretId})
        return {"SecretString": self._secrets.get(SecretId, SecretId)}


def _submit(
    pool: ThreadPoolExecutor, call: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Future[Any]:
    """Make calls of a function's threads count as calls of that function."""
    return SUBMIT(pool, copy_context().run, call, *args, **kwargs)


class Deployment:
    """The functions and their shared AWS. `answers` go to the next HTTP requests."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._modules: dict[str, ModuleType] = {}
        self.dynamo = Dynamo(time.time)
        self.stream = Stream(self.dynamo.tables[MESSAGES], time.time)
        self.waiting: deque[tuple[str, str]] = deque()
        self.dead_letters = DeadLetters(
            time.time, lambda queue, body: self.waiting.append((queue, body))
        )
        self.answers: list[HttpAnswer | Exception] = []
        self.requests: list[tuple[str, Any]] = []
        self.delivered: list[tuple[str, Event]] = []
        self._clients = {
            "dynamodb": self.dynamo,
            "sqs": SqsWithDeadLetters(
                lambda queue, entry: self.waiting.append((queue, entry["MessageBody"])),
                self.dead_letters,
            ),
            "kms": Kms(),
            "secretsmanager": SecretsManager(),
            "s3": Bucket(),
        }
        patch.setattr(boto3.Session, "client", self.client)
        for module in (dlr, submit):
            patch.setattr(module, "HttpClient", self._http)
        patch.setattr(ThreadPoolExecutor, "submit", _submit)
        # Cached records expire at once and are read again.
        patch.setattr(accounts, "CACHE_S", 0)
        outputs = {"SecretsKeyId": "SecretsKey"}
        outputs |= {f"{name}TableName": f"{name}Table" for name in TABLES}
        outputs |= {f"{name}SecretId": f"{name}Secret" for name in ("Tag", "Link", "Pepper")}
        seed.seed("", outputs, Ports(), {})

    def client(self, service: str, *_: Any, **__: Any) -> Any:
        """Return the fake client of a service, in the place of boto3's."""
        return self._clients[service]

    def call(self, function: str, event: Event) -> Any:
        """Invoke a function in its environment."""
        for name, value in environment(function).items():
            self._patch.setenv(name, _value(value))
        # A delivery's leases last an hour: even on a slow machine the next delivery finds them
        # held.
        context = Context(3_600_000)
        with policies.acting(function):
            return invoke(self._module(function).handler, event, context)

    def services(self, function: str) -> Any:
        """Return the services of a function that has been called."""
        return self._module(function).services()

    def work_off(self) -> None:
        """Deliver queued messages to their functions in batches until all queues are empty."""
        while self.waiting:
            queue = self.waiting[0][0]
            together = [body for of, body in self.waiting if of == queue]
            batch = next(batches(together, str, ENTRIES_LIMIT))
            for body in batch:
                self.waiting.remove((queue, body))
            event = sqs_event(*batch, first=ENTRIES_LIMIT * len(self.delivered), queue=queue)
            self.delivered.append((queue, event))
            assert self.call(CONSUMERS[queue], event) == {"batchItemFailures": []}

    def count(self) -> None:
        """Deliver the records of the Messages table's stream."""
        answer = self.call("activity", event_of(self.stream.poll()))
        assert answer == {"state": {}, "batchItemFailures": []}

    def make_due(self) -> None:
        """Move the due time of all tasks in the Due table to now."""
        items = self.dynamo.tables[DUE].items
        for partition, sort_key in [key for key in items if key[0] != "cursor"]:
            item = items.pop((partition, sort_key))
            now = f"{int(time.time() * 1000):013d}#{sort_key}"
            items[partition, now] = {**item, "sk": {"S": now}}

    def _module(self, function: str) -> ModuleType:
        if function not in self._modules:
            self._modules[function] = load(function)
        return self._modules[function]

    def _http(self, *_: Any, **__: Any) -> Any:
        return self._exchange

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        request = decode(content) if content else {}
        self.requests.append((url, request))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        rows = [{**row, "mid": "C1"} for row in request.get("smstosend", ())]
        return HttpAnswer(200, {}, encode(rows))


def _value(value: Any) -> str:
    """Resolve a variable's value in template.yaml with the defaults of its parameters."""
    parameters: Mapping[str, Any] = template()["Parameters"]
    match value:
        case {"Fn::FindInMap": [name, {"Ref": parameter}, key]}:
            found = template()["Mappings"][name][str(parameters[parameter]["Default"])][key]
        case {"Ref": name} if name in parameters:
            found = parameters[name]["Default"]
        case {"Fn::Sub": text}:
            found = text
        case str():
            found = value
        case _:
            found = logical_id(value)
    return str(found)
