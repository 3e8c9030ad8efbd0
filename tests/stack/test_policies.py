"""Each function's policy allows every AWS call that it makes, and nothing else: the emulator has
no IAM, so the calls that the proxy saw are compared with template.yaml.
"""

import hashlib
import hmac
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from pydantic_core import from_json, to_json

from harkara.accounts import Account, Enforcement, Limits, Sender
from harkara.aws.accounts import encrypt_secret
from harkara.aws.destinations import KmsVault
from harkara.aws.operator import OperatorStore
from harkara.callback_settings import CallbackEndpoint, CallbackSecrets
from harkara.carrier_settings import CarrierSettings, hash_token
from harkara.messages import Category
from harkara.routing import Routing
from tests.policies import BY_LAMBDA
from tests.stack.campaigns import BANK, Lab, record, wait_until
from tests.stack.proxy import Fault, PassOn, Reply, Rule
from tests.template.reading import grants, services

pytestmark = pytest.mark.stack

ACTIONS = {
    "GetItem": "dynamodb:GetItem",
    "PutItem": "dynamodb:PutItem",
    "UpdateItem": "dynamodb:UpdateItem",
    "DeleteItem": "dynamodb:DeleteItem",
    "Query": "dynamodb:Query",
    "BatchGetItem": "dynamodb:BatchGetItem",
    "BatchExecuteStatement INSERT": "dynamodb:PartiQLInsert",
    "BatchWriteItem DeleteRequest": "dynamodb:BatchWriteItem",
    "BatchWriteItem PutRequest": "dynamodb:BatchWriteItem",
    "SendMessageBatch": "sqs:SendMessage",
    "Decrypt": "kms:Decrypt",
    "Encrypt": "kms:Encrypt",
    "GetSecretValue": "secretsmanager:GetSecretValue",
}
UNWANTED = "unwanted"
PUT_OFF = ("dynamodb:PartiQLInsert", "DueTable")
# A check runs after the wait for receipts.
ALL_MADE_WITHIN_S = 180


class BusyCarrier(BaseHTTPRequestHandler):
    """Takes a message at its second try, for which it wants a quarter of an hour to pass."""

    tried: set[str] = set()
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        (record,) = from_json(self.rfile.read(int(self.headers["Content-Length"])))["smstosend"]
        mid = record["smsgid"].partition(".")[0]
        if mid in self.tried:
            self._answer(200, [{"to": record["to"], "mid": mid, "smsgid": record["smsgid"]}])
        else:
            self.tried.add(mid)
            self._answer(429, {}, {"Retry-After": "1000"})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = to_json(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def busy_account(lab: Lab) -> Iterator[str]:
    """Return an account whose carrier throttles for longer than a queue can delay."""
    outputs = lab.stack.outputs
    server = ThreadingHTTPServer(("127.0.0.1", 0), BusyCarrier)
    thread = Thread(target=server.serve_forever)
    thread.start()
    senders = (
        Sender(header="BUSYSI", categories=(Category.SERVICE_IMPLICIT,)),
        Sender(header="BUSYTX", categories=(Category.TRANSACTIONAL,)),
    )
    vault = KmsVault(lab.stack.client("kms"), outputs["SecretsKeyId"])
    callback = CallbackEndpoint(
        id="main",
        # Which can tell of what a stranger says.
        format="generic",
        url=f"{lab.stack.platform_url}/generic/busy",
        has_token=True,
        sealed=vault.seal("busy", "main", CallbackSecrets(token="token")),
    )
    store = lab.add_account(
        Account(
            id="busy",
            name="Busy carrier, and limits that are counted",
            carrier="busy",
            default_callback=callback.id,
            callbacks={callback.id: callback},
            callback_hosts=("127.0.0.1",),
            two_way=True,
            dlt=Enforcement.OFF,
            senders={sender.header: sender for sender in senders},
            limits=Limits(requests_per_s=100),
        )
    )
    store.put_carrier(
        CarrierSettings(
            name="busy",
            kind="datasend",
            url=f"http://127.0.0.1:{server.server_address[1]}/datasend",
            username="harkara",
            secret=encrypt_secret(
                lab.stack.client("kms"), outputs["SecretsKeyId"], "busy", "carrier-secret"
            ),
            receipt_token_hashes=(hash_token("busy"),),
            timeout_s=2,
            rate_segments_per_s=100,
        )
    )
    store.put_carrier(
        CarrierSettings(
            name="signed",
            kind="datasend",
            url="https://carrier.example",
            receipt_token_hashes=(hash_token("signed"),),
            receipt_signature_header="x-signature",
            inbound={"56161": "busy"},
            receipt_secret=encrypt_secret(
                lab.stack.client("kms"), outputs["SecretsKeyId"], "signed", "key"
            ),
        )
    )
    # Its numbers are looked up before they are submitted.
    operator = OperatorStore(lab.stack.client("dynamodb"), outputs["AccountsTableName"])
    operator.change_routing("busy", lambda _: Routing(suppression=True))
    yield "busy"
    server.shutdown()
    server.server_close()
    thread.join()


def logical_names(lab: Lab) -> dict[str, str]:
    """Return the template's names of what the functions call by its own."""
    endings = ("TableName", "QueueUrl", "SecretId", "KeyId")
    names = {}
    for output, value in lab.stack.outputs.items():
        for ending in endings:
            if output.endswith(ending):
                kind = {"TableName": "Table", "QueueUrl": "Queue", "SecretId": "Secret"}
                names[value] = output.removesuffix(ending) + kind.get(ending, "Key")
    return names


def made(lab: Lab) -> set[tuple[str, str, str]]:
    """Return the calls so far as a policy names them: (function, action, logical id)."""
    names = logical_names(lab)
    # A key is known by its id, and KMS answers with its ARN.
    return {
        (call.function, ACTIONS.get(call.operation, call.operation), names.get(name, name))
        for call in list(lab.proxy.calls)
        for name in [call.resource.rpartition("key/")[2]]
        if call.function in services()
    }


def allowed() -> set[tuple[str, str, str]]:
    """Return what the policies allow the functions themselves."""
    return {
        (function, action, resource)
        for function in services()
        for action, resource in grants(function)
        if action not in BY_LAMBDA
    }


def call_back(lab: Lab, method: str, path: str, body: Any = None) -> Any:
    """Return the answer to a request about callbacks of the account `sandbox`."""
    url = f"{lab.stack.endpoint}/v1/callbacks/{path}"
    headers = {"X-Api-Key": "sandbox.sandbox-secret"}
    answer = httpx.request(method, url, json=body, headers=headers, timeout=60)
    assert answer.status_code < 300
    return answer.json()


def put_off_a_task(lab: Lab) -> None:
    """Make `sweep` meet a task that its queue does not take."""

    async def refuse(operation: str, asked: Any, pass_on: PassOn) -> Reply | None:
        if operation != "SendMessageBatch" or UNWANTED not in str(asked["Entries"]):
            return await pass_on(None)
        failed = [{"Id": each["Id"], "SenderFault": True, "Code": "x"} for each in asked["Entries"]]
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return Reply(200, headers, to_json({"Successful": [], "Failed": failed}))

    table = lab.stack.outputs["DueTableName"]
    key = {"pk": {"S": "shard#00"}, "sk": {"S": f"{int(time.time() * 1000):013d}#policies"}}
    task = {"queue": {"S": "submit"}, "body": {"S": to_json({"kind": UNWANTED}).decode()}}
    lab.stack.client("dynamodb").put_item(TableName=table, Item={**key, **task})
    lab.proxy.storm = refuse
    wait_until(lambda: lab.sweep() and ("sweep", *PUT_OFF) in made(lab), ALL_MADE_WITHIN_S, 1)
    lab.proxy.storm = None


@pytest.fixture(scope="module")
def calls(
    lab: Lab, busy_account: str, magic: dict[str, str], managed: dict[str, list[str]]
) -> set[tuple[str, str, str]]:
    """Return the calls of all functions after traffic that takes every way there is."""
    # A claim whose answer is lost is read back.
    lab.proxy.add(Rule("submit", "claim", Fault.LOSE_ANSWER, "policies"))
    # A message without a time is remembered; one that comes again is read back.
    stop = b'{"from": "919811111111", "to": "56161", "text": "STOP", "mid": "policies"}'
    for path, content in (("receipts", b"[]"), ("inbound", stop), ("inbound", stop)):
        signed = httpx.post(
            f"{lab.stack.endpoint}/{path}/signed/signed",
            content=content,
            headers={"x-signature": hmac.digest(b"key", content, hashlib.sha256).hex()},
            timeout=30,
        )
        assert signed.status_code == 200
    # A retry from the queue, and one from the Due table.
    late = record("policies-late", dlrurl=lab.callback_url("fail-2/policies"))
    assert lab.send([late]).status_code == 200
    linked = record("policies-link", smstext="See https://acme.example/", shorten_urls="true")
    (sent,) = lab.send([linked]).json()
    # What comes with a library's name is no person's click.
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"}
    link = lab.link_in(sent["mid"])
    assert httpx.get(link, headers=browser, timeout=30).status_code == 302
    tomorrow = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 86_400))
    assert lab.send([record("policies-scheduled", scheduletime=tomorrow)]).status_code == 200
    throttled = record("policies-urgent", to="919876509006", **BANK)
    assert lab.send([throttled], "demo").status_code == 200
    waiting = [record(f"policies-{name}", **{"from": name}) for name in ("BUSYSI", "BUSYTX")]
    # What is renewed is a secret among others, which have to be read.
    renewed = httpx.post(
        f"{lab.stack.endpoint}/v1/callbacks/main/secret",
        auth=(busy_account, f"{busy_account}-secret"),
        json={},
        timeout=30,
    )
    assert renewed.status_code == 201
    # The answer of the first is read back for the second.
    first, second = (lab.send(waiting, busy_account, key="policies") for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content

    # What is gone for good is parked, and posted again.
    gone = record("policies-gone", dlrurl=lab.callback_url("status-410/policies"))
    assert lab.send([gone]).status_code == 200
    wait_until(lambda: bool(call_back(lab, "GET", "-/parked")["parked"]), ALL_MADE_WITHIN_S)
    assert call_back(lab, "POST", "-/replay", {"all": True})["replayed"] >= 1
    # A signing secret is sealed beside the one before it.
    assert len({call_back(lab, "POST", "signed/secret", {})["secret"] for _ in range(2)}) == 2

    put_off_a_task(lab)

    def all_made() -> bool:
        missing = allowed() - made(lab)
        if ("dlr", "dynamodb:GetItem", "AccountsTable") in missing:  # read again after a minute
            lab.send([record("policies-again")])
        checks = ["check"] * (("sweep", "sqs:SendMessage", "ReceiptQueue") in missing)
        if lab.make_due("callback", "submit", *checks):
            lab.sweep()
        return not missing

    wait_until(all_made, ALL_MADE_WITHIN_S, 1)
    return made(lab)


def test_a_function_makes_no_call_that_its_policy_does_not_allow(
    calls: set[tuple[str, str, str]],
) -> None:
    assert calls - allowed() == set()


def test_a_policy_allows_nothing_that_its_function_never_calls(
    calls: set[tuple[str, str, str]],
) -> None:
    assert allowed() - calls == set()


def test_every_call_is_known_to_be_a_functions(lab: Lab, calls: set[tuple[str, str, str]]) -> None:
    assert {function for function, *_ in calls} == {function for function, *_ in allowed()}
    strangers = {call.function for call in lab.proxy.calls} - services()
    assert strangers <= {"gone"}, "only a process that was killed may be unknown"
