"""The command `harkara` on a deployment in memory."""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO
from unittest.mock import patch

from pydantic_core import from_json

from cli import main
from cli.command import Target
from cli.deployment import Deployment
from harkara.aws.carriers import DynamoCarrierStore
from harkara.aws.messages import item_of
from harkara.base.time import DAY_S
from harkara.callbacks.dead_letters import dead_letter_entry, dead_letter_of
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account
from harkara.model.events import Dlr
from harkara.model.ledger import Lease
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import Attempt, CallbackTask
from tests.support.bucket import Bucket
from tests.support.dead_letters import DeadLetters
from tests.support.dynamo import table_of
from tests.support.fakes import Faults
from tests.support.peers import FakePlatform
from tests.support.tables import Table
from tests.unit.scripted_aws import Answer, ScriptedAws

NOW = 1_767_258_000  # 2026-01-01T09:00:00Z
PEPPER = b"pepper"
API_URL = "https://api.example"
OUTPUTS = {
    "AccountsTableName": "Accounts",
    "MessagesTableName": "Messages",
    "DueTableName": "Due",
    "ActivityTableName": "Activity",
    **{
        f"{name}{kind}Url": f"https://sqs.ap-south-1.amazonaws.com/123456789012/{name}{kind}"
        for name in ("Submit", "SubmitPriority", "Receipt", "Callback", "Export")
        for kind in ("Queue", "DeadLetters")
    },
    "PepperSecretId": "pepper-secret",
    "TagSecretId": "tag-secret",
    "LinkSecretId": "link-secret",
    "SecretsKeyId": "secrets-key",
    "ActivityFailuresUrl": "https://sqs.ap-south-1.amazonaws.com/123456789012/ActivityFailures",
    "FilesBucketName": "FilesBucket",
    "ApiUrl": API_URL,
}
CARRIER = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    username="harkara",
    secret=b"cipher",
    receipt_token_hashes=("0" * 64,),
)


class Done(NamedTuple):
    """The result of a command."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        assert (self.status, self.err) == (0, "")
        return from_json(self.out)


@dataclass
class Clock:
    now_s: float = NOW

    def __call__(self) -> float:
        return self.now_s


def _kms(operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Encrypt by reversing the text, with its context's value in front."""
    (name,) = params["EncryptionContext"].values()
    if operation == "Decrypt":
        bound, text = params["CiphertextBlob"].split(b":", 1)
        assert bound == name.encode()
        return {"Plaintext": text[::-1]}
    assert params["KeyId"] == OUTPUTS["SecretsKeyId"]
    return {"CiphertextBlob": name.encode() + b":" + params["Plaintext"][::-1]}


def _sent(_: str, params: dict[str, Any]) -> dict[str, Any]:
    """Accept messages to the queues of callbacks and receipts."""
    assert params["QueueUrl"] in (OUTPUTS["CallbackQueueUrl"], OUTPUTS["ReceiptQueueUrl"])
    entries = [
        {
            "Id": entry["Id"],
            "MessageId": entry["Id"],
            "MD5OfMessageBody": hashlib.md5(
                entry["MessageBody"].encode(), usedforsecurity=False
            ).hexdigest(),
        }
        for entry in params["Entries"]
    ]
    return {"Successful": entries, "Failed": []}


class Operator:
    """An operator of a deployment in memory, and the functions' view of its tables."""

    def __init__(self) -> None:
        self.table = Table(page=1_000)
        self.messages = Table("Messages", page=1_000)
        self.due = Table("Due", page=1_000)
        self.activity = Table("Activity", page=1_000)
        self.tables = (self.table, self.messages, self.due, self.activity)
        self.ages_s: dict[str, int] = {}
        self.clock = Clock()
        self.dead_letters = DeadLetters(self.clock)
        self._answers: dict[str, Answer] = {
            "dynamodb": self._dynamodb,
            "sqs": self._sqs,
            "cloudwatch": self._cloudwatch,
            "secretsmanager": self._secretsmanager,
            "kms": _kms,
        }
        self.services: dict[str, ScriptedAws] = {}
        self.platform = FakePlatform(Faults())
        self.bucket = Bucket()
        self.secrets = {"tag-secret": "tag", "link-secret": "link"}
        self.secrets["pepper-secret"] = PEPPER.decode()
        self._random = _randomness()

    @property
    def store(self) -> DynamoCarrierStore:
        """The functions' store with an empty cache."""
        return DynamoCarrierStore(self.client("dynamodb"), "Accounts")

    def client(self, service: str) -> Any:
        """Return a client of a service, the same each time."""
        if service == "s3":
            return self.bucket
        if service not in self.services:
            self.services[service] = ScriptedAws(service, self._answers[service])
        return self.services[service].client

    def __call__(self, line: str, stdin: str = "") -> Done:
        """Run a command: `account create acme --carrier sim`."""
        return self.run(line.split(), io.TextIOWrapper(io.BytesIO(stdin.encode())))

    def run(self, words: Sequence[str], stdin: TextIO | None = None) -> Done:
        """Run a command, given as words, on the stack `harkara`."""
        out, err = io.StringIO(), io.StringIO()

        def open_deployment(target: Target) -> Deployment:
            assert target.stack == "harkara"
            return Deployment(
                OUTPUTS,
                self.client,
                clock=self.clock,
                randomness=lambda count: next(self._random)[:count],
                stdin=stdin or io.StringIO(),
                poster=self.platform,
            )

        with (
            redirect_stdout(out),
            redirect_stderr(err),
            patch.dict(os.environ, {"COLUMNS": "80"}),
        ):
            status = main([*words, "--stack", "harkara"], open_deployment)
        return Done(status, out.getvalue(), err.getvalue())

    def park(self, number: int, account: str = "acme", callback: str = "main") -> str:
        """Park a callback as a dead letter, `number` seconds after NOW; return its id."""
        endpoint = Endpoint("https://hooks.acme.in/dlr", "clevertap", callback)
        member = Dlr("M", "ref", State.DELIVERED, NOW)
        task = CallbackTask(f"q{number}", 0, 8, account, endpoint, (member,), failures=9)
        last = Attempt((NOW + number) * 1000, 503, "HTTP 503", "busy", 12)
        entry = dead_letter_entry(Lease("m", "worker_id", 0), task, last)
        self.messages.items[entry.key] = dict(item_of(entry, {"N": str(NOW + 7 * DAY_S)}))
        return dead_letter_of(entry).id

    def _dynamodb(self, operation: str, params: dict[str, Any]) -> Any:
        tables = {each.name: each for each in self.tables}
        return tables[table_of(operation, params)](operation, params)

    def _sqs(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Take messages to the callback queue, and count, show and move those of others."""
        if operation == "SendMessageBatch":
            return _sent(operation, params)
        return self.dead_letters.answer(operation, params)

    def _cloudwatch(self, _: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the ages of queues, of two minutes."""
        results = []
        for query in params["MetricDataQueries"]:
            (dimension,) = query["MetricStat"]["Metric"]["Dimensions"]
            age_s = self.ages_s.get(dimension["Value"])
            values = [] if age_s is None else [float(age_s), float(age_s) - 60]
            results.append({"Id": query["Id"], "Label": query["Label"], "Values": values})
        return {"MetricDataResults": results}

    def _secretsmanager(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        if operation == "PutSecretValue":
            self.secrets[params["SecretId"]] = params["SecretString"]
            return {}
        return {"SecretString": self.secrets[params["SecretId"]]}

    def with_carrier(self) -> "Operator":
        self.store.put_carrier(CARRIER)
        return self

    def with_account(self, **fields: Any) -> "Operator":
        """Add the account `acme`."""
        account: dict[str, Any] = {"id": "acme", "name": "Acme", "carrier": "sim", **fields}
        self.store.put_account(Account(**account))
        return self.with_carrier()


def operator_of(**fields: object) -> Operator:
    return Operator().with_account(callback_hosts=("acme.in",), **fields)


def _randomness() -> Iterator[bytes]:
    for number in range(256):
        yield bytes([number]) * 64
