"""Each policy allows all calls of its function, and no permission that none of them needs.

Each pattern of leading keys counts by itself. The emulator has no IAM: the calls of real processes
are not compared with the policies.
"""

import base64
import hmac
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from console.guard import ACCOUNT_COOKIE, SESSION_COOKIE
from harkara.activity import export_steps
from harkara.aws.queues import DynamoDueTable
from harkara.base.errors import ExchangeUnreachable, HttpAnswer
from harkara.base.json import decode, encode
from harkara.manage.proofs import STEP_S, totp
from harkara.model.people import Role
from harkara.model.tasks import QueueName
from tests.functions.busy import add_busy_account
from tests.functions.deployment import CONSUMERS, Deployment
from tests.functions.invoking import MSISDN, http_event, sqs_event
from tests.functions.visiting_console import request
from tests.support import policies
from tests.support.dead_letters import QUEUE_URLS
from tests.support.dynamo import DUE
from tests.support.events import sample_events
from tests.support.loops import own_loop
from tests.support.people import PASSWORD, cookie_of
from tests.support.policies import BY_LAMBDA, Grant
from tests.support.streams import event_of, record_of
from tests.template.reading import services


@pytest.fixture(scope="module")
def used() -> Iterator[set[Grant]]:
    """Return all used grants, after traffic that takes every path."""
    with pytest.MonkeyPatch.context() as patch, own_loop():
        patch.setattr(policies, "used", set())
        deployment = Deployment(patch)
        traffic(deployment)
        yield policies.used


def traffic(deployment: Deployment) -> None:
    """Take every path; the sample events cover most of them."""
    for sample in sample_events():
        deployment.call(sample.function, sample.event)
        deployment.work_off()
    add_busy_account(deployment)
    # The carrier is busy, for a second and for long; repeated requests are read back.
    for delay_s in ("1", "1000"):
        deployment.answers = [HttpAnswer(429, {"retry-after": delay_s}, b"")] * 2
        for header in ("BUSYSI", "BUSYTX", "BUSYSI"):
            send(deployment, "busy", {"from": header}, {"idempotency-key": header + delay_s})
        deployment.work_off()
    tomorrow = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 86_400))
    send(deployment, "sandbox", {"scheduletime": tomorrow})
    send(deployment, "sandbox", {"smstext": "See https://acme.example/", "shorten_urls": "true"})
    deployment.work_off()
    # This one's carrier wants a login first.
    deployment.answers = [HttpAnswer(200, {}, encode({"token": "t", "id": "own id"}))] * 2
    send(deployment, "own", {"from": "BUSYSI"})
    deployment.work_off()
    deployment.answers = [HttpAnswer(400, {}, encode({"code": "21610"}))]
    send(deployment, "own", {"from": "BUSYSI"})
    deployment.work_off()
    fall_back(deployment)
    park(deployment)
    visit_console(deployment)
    # An unreachable carrier opens its circuit.
    deployment.answers = [ExchangeUnreachable("nobody listens")] * 20
    for _ in range(20):
        send(deployment, "busy", {"from": "BUSYSI"})
    deployment.work_off()
    # A message with an id is remembered: its repeat is read back, another one overwrites it.
    reply = {"from": MSISDN, "to": "56161", "text": "Yes"}
    other = {**STOP, "text": "START"}
    asking = {**STOP, "text": "HELP", "mid": "another"}
    for path, body in [
        ("receipts", []),
        *(("inbound", each) for each in (STOP, STOP, other, asking, reply)),
    ]:
        carrier_posts(deployment, path, "signed", body)
    deployment.work_off()
    # Its queue refuses this body, so that it is deferred.
    DynamoDueTable(deployment.dynamo, DUE, time.time).put(QueueName.SUBMIT, "\0", 0)
    for _ in range(3):
        deployment.make_due()
        deployment.call("sweep", {})
        deployment.work_off()
    # A duplicate delivery finds the entries of the first, whose lease may still be held.
    for queue, function in CONSUMERS.items():
        events = [event for delivered, event in deployment.delivered if delivered == queue]
        # A step of an export takes no lease: the later one counts.
        again = [deployment.call(function, event)["batchItemFailures"] for event in events]
        assert function == "files" or any(again)
    deployment.waiting.clear()  # a duplicate may have left its rest, for which the lease is held
    deployment.count()
    today = {"x-api-key": "busy.busy-secret"}
    for path in ("/v1/messages", "/v1/stats"):
        event = http_event("GET", path, None, today)
        event["queryStringParameters"] = {"number": MSISDN} if path == "/v1/messages" else {}
        answer = decode(deployment.call("manage", event)["body"])
        assert answer.get("messages") or answer["totals"]["accepted"]
    for filters in ({}, {"number": MSISDN}, {"event": "clicked"}):
        export(deployment, filters)
    deployment.call("files", {"Records": deployment.stream.records[:20]})
    broken = record_of({"pk": {"S": "1"}, "sk": {"S": "final#0000"}}, 10**39, time.time())
    deployment.call("activity", event_of([broken]))


def fall_back(deployment: Deployment) -> None:
    """Send a promotional message by RCS; have RCS fail for a message of each lane."""
    deployment.answers = [HttpAnswer(200, {}, b'{"id": "1"}')]
    promotion = {
        **{"to": "447911123456", "from": "BUSYSI", "text": "Hello"},
        **{"category": "promotional", "rcs": {"text": "Hello by RCS"}},
    }
    headers = {"x-api-key": "busy.busy-secret"}
    event = http_event("POST", "/v1/messages", encode(promotion).decode(), headers)
    assert decode(deployment.call("send", event)["body"])["mid"]
    deployment.work_off()
    for header in ("BUSYSI", "BUSYTX"):
        send(deployment, "busy", {"from": header})
        deployment.work_off()
        _, request = deployment.requests[-1]
        failed = {"id": request["smstosend"][0]["smsgid"], "event": "failed"}
        carrier_posts(deployment, "receipts", "rcs", failed)
        deployment.work_off()


def park(deployment: Deployment) -> None:
    """Park a callback with a 410 and replay it; renew a secret twice."""
    send(deployment, "busy", {"from": "BUSYSI"})
    deployment.work_off()
    _, request = deployment.requests[-1]
    receipt = {"smsgid": request["smstosend"][0]["smsgid"], "status": "DELIVRD", "code": "000"}
    deployment.answers = [HttpAnswer(410, {}, b"")]
    carrier_posts(deployment, "receipts", "busy", receipt)
    deployment.work_off()
    assert manage(deployment, "POST", "main/replay", {"all": True})["replayed"] == 1
    deployment.work_off()
    for _ in range(2):
        manage(deployment, "POST", "main/secret", {})


def export(deployment: Deployment, filters: Mapping[str, str]) -> None:
    """Export messages in pieces, the first of which S3 refuses once."""
    key, content = {"x-api-key": "busy.busy-secret"}, encode(filters).decode()
    begun = deployment.call("manage", http_event("POST", "/v1/exports", content, key))
    failures = []
    deployment.client("s3").refusals = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_steps, "PART_BYTES", 1)
        while pieces := [each for each in deployment.waiting if each[0] == "ExportQueue"]:
            queue, body = pieces[0]
            answer = deployment.call("files", sqs_event(body, queue=queue))
            failures += answer["batchItemFailures"]
            if not answer["batchItemFailures"]:
                deployment.waiting.remove(pieces[0])
    assert len(failures) == 1
    path = f"/v1/exports/{decode(begun['body'])['id']}"
    answer = decode(deployment.call("manage", http_event("GET", path, None, key))["body"])
    assert deployment.client("s3").opened(answer["link"]).count(b"\n") == answer["messages"] + 1


def visit_console(deployment: Deployment) -> None:
    """Let people in by a password and a code, manage another one, read log and accounts."""
    console(deployment, "/console/sign-in")
    people = deployment.services("console").people
    with policies.acting("console"):
        cookie = cookie_of(people, "asha@sandbox.example", "sandbox", Role.ADMIN)
        session = people.person(cookie)
        secret = base64.b32decode(parse_qs(urlsplit(people.begin_totp(session)).query)["secret"][0])
        people.confirm_totp(session, totp(secret, int(time.time()) // STEP_S))
        people.invite("bala@sandbox.example", "sandbox", Role.VIEWER, session)
        people.remove("bala@sandbox.example", session)
        operator = cookie_of(people, "olga@harkara.example", None, Role.OPERATOR)
    assert "Sandbox" in console(deployment, "/console/accounts", operator)["body"]
    operator_cookies = {SESSION_COOKIE: operator, ACCOUNT_COOKIE: "sandbox"}
    assert "rcs" in console(deployment, "/console/carriers", operator_cookies)["body"]
    for each in ({"act": "open", "minutes": "5"}, {"act": "close"}, {"act": "pause"}):
        act = {**each, "sure": each["act"], "account": "sandbox"}
        path = "/console/carriers/signed"
        assert console(deployment, path, operator_cookies, act)["statusCode"] == 303
    redrive(deployment, operator)
    for path in ("templates", "audit"):
        assert console(deployment, f"/console/{path}", cookie)["statusCode"] == 200
    keep_credential(deployment, cookie)
    form = {"email": "asha@sandbox.example", "password": PASSWORD}
    assert console(deployment, "/console/sign-in", fields=form)["statusCode"] == 401


def keep_credential(deployment: Deployment, cookie: str) -> None:
    """Create a credential, renew its secret, end the old one and revoke it."""
    acts: list[dict[str, str]] = [{"overlap": "day"}, {}, {"sure": "revoke"}]
    paths, seen = ("", "/fresh/rotate", "/fresh/end", "/fresh/revoke"), ""
    for path, fields in zip(paths, [{"username": "fresh", "scopes": "send"}, *acts], strict=True):
        form = {**fields, "seen": seen}
        answer = console(deployment, f"/console/credentials{path}", cookie, form)
        assert answer["statusCode"] in (200, 303), answer
        seen, *_ = re.findall(r'name="seen" value="(\w+)"', answer["body"]) or [seen]


def redrive(deployment: Deployment, cookie: str) -> None:
    """Look at the dead letters of each queue, move them back, and stop that."""
    cookies = {SESSION_COOKIE: cookie, ACCOUNT_COOKIE: "sandbox"}
    for name, urls in QUEUE_URLS.items():
        deployment.dead_letters.put(urls.dead_letters, "a body that nobody reads")
        page = console(deployment, f"/console/queues/{name}", cookies)
        assert "Cannot be read" in page["body"]
        for act in ("redrive", "cancel") if urls.url else ():
            form = {"account": "sandbox", "sure": act}
            answer = console(deployment, f"/console/queues/{name}/{act}", cookies, form)
            assert answer["statusCode"] == 303


def console(
    deployment: Deployment,
    path: str,
    cookie: str | dict[str, str] = "",
    fields: dict[str, str] | None = None,
) -> Any:
    event = request("POST" if fields else "GET", path, fields, cookie)
    return deployment.call("console", event)


STOP = {"from": "919811111111", "to": "56161", "text": "STOP", "mid": "policies"}


def send(
    deployment: Deployment,
    account: str,
    fields: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> None:
    record = {"to": MSISDN, "from": "ACMEBK", "smstext": "Hello", "smsgid": "ref", **fields}
    body = {"user": account, "pass": f"{account}-secret", "smstosend": [record]}
    event = http_event("POST", "/datasend", encode(body).decode(), headers)
    answer = deployment.call("send", event)
    assert "mid" in answer["body"], answer


def carrier_posts(deployment: Deployment, path: str, carrier: str, body: Any) -> None:
    content = encode(body)
    headers = {"x-signature": hmac.digest(b"key", content, "sha256").hex()}
    event = http_event("POST", f"/{path}/{carrier}/token", content.decode(), headers)
    answer = deployment.call("receipt" if path == "receipts" else "inbound", event)
    assert answer["statusCode"] == 200, answer


def manage(deployment: Deployment, method: str, path: str, body: Any) -> Any:
    headers = {"x-api-key": "busy.busy-secret"}
    event = http_event(method, f"/v1/callbacks/{path}", encode(body).decode(), headers)
    answer = deployment.call("manage", event)
    assert answer["statusCode"] < 300, answer
    return decode(answer["body"])


def granted() -> set[Grant]:
    """Return the grants of the policies that the functions themselves use.

    Of `console` those are left out that it has for the services of two others
    (tests/template/test_permissions.py).
    """
    of_others = {
        grant._replace(function="console")
        for function in ("manage", "send")
        for grant in policies.granted(function)
    }
    # Lambda reports batches that failed for a day.
    reports = {Grant("files", "sqs:SendMessage", "ActivityFailures")}
    return {
        grant
        for function in services()
        for grant in policies.granted(function) - of_others - reports
        if grant.action not in BY_LAMBDA
    }


def test_a_function_makes_no_call_that_its_policy_does_not_allow(used: set[Grant]) -> None:
    assert {grant.function for grant in used} == {grant.function for grant in granted()}
    assert policies.denied == []


def test_a_policy_allows_nothing_that_its_function_never_calls(used: set[Grant]) -> None:
    assert granted() - used == set()
