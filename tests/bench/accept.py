"""The cost of accepting 1,000 records: CPU against `orjson.loads` of the body, and AWS calls.

The real adapters and SDK run; only the network below them is stubbed.
"""

import json
import os
import random
import time
from typing import Any

import orjson
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from harkara.accept.formats import ics
from harkara.api.authentication import presented
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import session
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.links.codec import LinkSigner
from harkara.model.accounts import Account, Credential, Scope, Secret, Sender, Template, hash_secret
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category
from harkara.model.tasks import QueueName
from harkara.wiring import send
from tests.bench.cpu import ROUNDS, ratio
from tests.bench.dlt import OWN, TEMPLATES, Check, usual_template
from tests.bench.report import Row
from tests.support.fakes import calling_back
from tests.support.ics_bodies import parse_datasend

RECORDS = 1_000
PEPPER = b"pepper"
TEMPLATE_ID = "1107161234567890123"
TEMPLATE = Template(
    dlt_template_id=TEMPLATE_ID,
    name="Order shipped",
    headers=("ACMEBK",),
    category=Category.SERVICE_IMPLICIT,
    text="Dear {#var#}, your order {#var#} of Rs {#numeric#} was shipped and will reach you by"
    " {#var#}. Track it: {#var#}{#var#} - Acme",
)
ACCOUNT = Account(
    id="demo",
    name="Demo",
    carrier="sim",
    **calling_back("https://eu1.api.clevertap.com/demo"),
    senders={"ACMEBK": Sender(header="ACMEBK", categories=(Category.SERVICE_IMPLICIT,))},
)
FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "fake",
    "AWS_SECRET_ACCESS_KEY": "fake",
    "AWS_DEFAULT_REGION": "ap-south-1",
}


def measure() -> list[Row]:
    """Return the rows of this part."""
    os.environ.update(FAKE_AWS)
    body = campaign()
    with_template = ACCOUNT.model_copy(update={"templates": {TEMPLATE_ID: TEMPLATE}})
    plain, compared = Accept(body, ACCOUNT), Accept(body, with_template)
    among = Check([OWN, *(usual_template() for _ in range(TEMPLATES))])
    found = Accept(among.body, among.account)
    return [
        Row(
            f"CPU of accepting {RECORDS:,} records / orjson.loads of the body",
            ratio(plain.run, lambda: orjson.loads(body)),
            "x",
            30,
            note=f"{len(body):,} bytes, median of {ROUNDS} pairs",
        ),
        Row(
            "the same, each text compared with its DLT template",
            ratio(compared.run, lambda: orjson.loads(body)),
            "x",
            40,
        ),
        Row(
            f"the same, its template found among {TEMPLATES:,}",
            ratio(found.run, among.decode),
            "x",
            40,
        ),
        Row("AWS calls for it, the account not cached", plain.cold_calls, "calls", 4),
        Row("AWS calls for it, the account cached", plain.warm_calls, "calls", 4),
    ]


class Accept:
    """A request's path through `send`, for one account, warm."""

    def __init__(self, body: bytes, account: Account) -> None:
        self._body = body
        network = StubbedNetwork()
        self._authenticator, self._service, *_ = network.services(account)
        self.run()
        self.cold_calls = len(network.calls)
        self.run()
        self.warm_calls = len(network.calls) - self.cold_calls

    def run(self) -> None:
        credentials, request = parse_datasend(self._body)
        visible = presented({}, *credentials)
        caller = self._authenticator.authenticate(visible, Scope.SEND, "203.0.113.10")
        ics.answer(request, self._service.accept(caller, request))


def campaign(username: str = ACCOUNT.id) -> bytes:
    rng = random.Random(1)  # noqa: S311 - the same campaign at every run
    records = [
        {
            "to": f"9198765{rng.randrange(10**5):05d}",
            "from": "ACMEBK",
            "smstext": f"Dear {''.join(rng.choices('abcdefghij', k=8))}, your order"
            f" {rng.randrange(10**9)} of Rs {rng.randrange(10**5)} was shipped and will reach"
            f" you by Monday. Track it: https://acme.example/{rng.randrange(10**9)} - Acme",
            "smsgid": f"9999999999.1200000000.{index}.20220531.0.wzrk_default.-1.",
            "templateid": TEMPLATE_ID,
        }
        for index in range(RECORDS)
    ]
    return json.dumps({"user": username, "pass": "secret", "smstosend": records}).encode()


class StubbedNetwork:
    """Answers AWS calls below the SDK, and counts them. Items put into Accounts can be read."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._items: dict[str, list[dict[str, Any]]] = {}
        self._dynamodb, self._sqs = session().client("dynamodb"), session().client("sqs")
        answer: Any = self.answer
        for each in (self._dynamodb, self._sqs):
            each.meta.events.register("before-send", answer)

    def services(self, account: Account) -> send.SendServices:
        """Return the services that `send` runs, wired to this network, with one account."""
        accounts = DynamoAccountStore(self._dynamodb, "Accounts")
        accounts.put_credential(
            Credential(
                username=account.id,
                account_id=account.id,
                secrets=(Secret(hash=hash_secret(PEPPER, "secret")),),
            )
        )
        accounts.put_account(account)
        self.calls.clear()
        queues = dict.fromkeys(QueueName, "https://sqs.ap-south-1.amazonaws.com/1/queue")
        messages = DynamoMessageStore(self._dynamodb, "Messages", 86_400, time.time)
        return send.wire(
            accounts=accounts,
            store=messages,
            queues=SqsTaskQueues(self._sqs, queues),
            counted=DynamoLimitStore(self._dynamodb, "Messages"),
            pepper=PEPPER,
            link_signer=lambda: LinkSigner(b"link key"),
            callback_urls=UrlRules(),
            clock=time.time,
            random_fraction=random.random,
            randomness=os.urandom,
        )

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a request that the SDK is about to send."""
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        self.calls.append(operation)
        asked: dict[str, Any] = orjson.loads(request.body)
        match operation:
            case "PutItem":
                self._items.setdefault(asked["Item"]["pk"]["S"], []).append(asked["Item"])
                answer: dict[str, Any] = {}
            case "UpdateItem":
                values = asked["ExpressionAttributeValues"]
                item = {**asked["Key"], "data": values[":data"], "version": {"N": "1"}}
                self._items.setdefault(asked["Key"]["pk"]["S"], []).append(item)
                answer = {}
            case "GetItem":
                key = asked["Key"]
                items = self._items[key["pk"]["S"]]
                answer = {"Item": next(each for each in items if each["sk"] == key["sk"])}
            case "Query":
                partition = asked["ExpressionAttributeValues"][":pk"]["S"]
                items = self._items[partition]
                answer = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
            case "GetSecretValue":
                answer = {"SecretString": PEPPER.decode()}
            case "BatchExecuteStatement":
                answer = {"Responses": [{} for _ in asked["Statements"]]}
            case _:
                answer = {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]]}
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(orjson.dumps(answer)))


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return [self._content]
