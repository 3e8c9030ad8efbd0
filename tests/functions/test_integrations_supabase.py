"""Supabase's hook as its page describes it: signed, by the real handlers."""

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import StoreUnavailable
from harkara.base.keys import hook_key
from harkara.callbacks.posting import signature
from harkara.model.accounts import Enforcement, Template, hash_secret
from harkara.model.messages import Category, Message
from harkara.model.tasks import QueueName
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import PE_ID, send, stored
from tests.functions.invoking import NOW, Context, Event, Logs, http_event
from tests.functions.sending import assert_nothing_accepted, codes_of_refused, with_query

PAGE = pages.page("supabase")
URL = pages.tables(PAGE)[0]["URL"][0]
QUERY = URL.partition("?")[2]
HOOK, ACCEPTED, REFUSED = map(json.loads, pages.blocks(PAGE, "json"))
KEY = hook_key(b"pepper", hash_secret(b"pepper", pages.SECRET))
OTP_TEMPLATE = Template(
    dlt_template_id="1107161234567890002",
    category=Category.TRANSACTIONAL,
    text="{#numeric#} is your code for Acme.",
    pe_id=PE_ID,
)


@pytest.fixture
def acme(acme: Gateway) -> Gateway:
    """The account of the pages, with a template for OTPs."""
    account = acme.accounts.accounts["acme"]
    templates = {**account.templates, OTP_TEMPLATE.template_id: OTP_TEMPLATE}
    acme.accounts.accounts["acme"] = account.model_copy(update={"templates": templates})
    return acme


def call(
    body: Any = HOOK,
    query: str = QUERY,
    *,
    key: bytes = KEY,
    at_s: float = NOW,
    webhook_id: str = "w1",
    **headers: str,
) -> Event:
    """Return a call of the hook, signed as Supabase signs it."""
    written = json.dumps(body) if isinstance(body, dict) else body
    signed = signature(key, webhook_id, str(int(at_s)), written.encode())
    given = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at_s)),
        "webhook-signature": signed,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return with_query(http_event("POST", "/hooks/supabase", written, given), query)


def sent(acme: Gateway) -> Message:
    (message,) = stored(acme).values()
    return message


def test_the_url_of_the_page_is_that_of_the_route() -> None:
    assert URL.partition("?")[0] == "https://api.example/hooks/supabase"
    assert "v1,whsec_" in PAGE


def test_supabase_sends_an_otp(acme: Gateway, logs: Logs) -> None:
    assert send(acme, call()) == (200, ACCEPTED)
    message = sent(acme)
    assert (message.to, message.sender_id) == ("919876543210", "ACMEBK")
    assert message.text == "561166 is your code for Acme."
    assert message.client_ref == HOOK["user"]["id"]
    assert message.dlt_template_id == OTP_TEMPLATE.template_id
    assert [each.queue for each in acme.queues.waiting] == [QueueName.SUBMIT_PRIORITY]
    assert not any("561166" in json.dumps(line) for line in logs.lines())
    assert logs.private() == []


def test_a_template_gets_the_code_as_its_variable(acme: Gateway) -> None:
    query = f"user=acme&from=ACMEBK&template_id={OTP_TEMPLATE.template_id}"
    assert send(acme, call(query=query)) == (200, ACCEPTED)
    assert sent(acme).text == "561166 is your code for Acme."


@pytest.mark.parametrize(
    ("hook", "number"),
    [
        ({**HOOK, "sms": {"otp": "1", "phone": "+14155550123"}}, "14155550123"),
        ({**HOOK, "user": {"phone": "+14155550123"}}, "14155550123"),
        # Ten digits, which would be an Indian number without its country code.
        ({**HOOK, "user": {"phone": "6581234567"}}, "6581234567"),
    ],
    ids=["a change of number", "with a plus", "of Singapore"],
)
def test_a_number_has_its_country_code(hook: Any, number: str, acme: Gateway) -> None:
    account = acme.accounts.accounts["acme"]
    changes = {"countries": ("*",), "dlt": Enforcement.OFF}
    acme.accounts.accounts["acme"] = account.model_copy(update=changes)
    assert send(acme, call(hook)) == (200, ACCEPTED)
    assert sent(acme).to == number


def test_a_repeated_call_is_sent_once(acme: Gateway) -> None:
    assert send(acme, call()) == send(acme, call(webhook_id="w2", at_s=NOW + 2)) == (200, ACCEPTED)
    assert len(acme.store.packed) == 1
    another = {**HOOK, "sms": {"otp": "561167"}}
    send(acme, call(another))
    assert len(acme.store.packed) == 2


@pytest.mark.parametrize(
    "event",
    [
        call(key=b"another"),
        call(at_s=NOW - 301),
        call(at_s=NOW + 301),
        call(webhook_id=""),
        call(webhook_signature=""),
        call(webhook_timestamp="soon"),
        call(webhook_timestamp="\u0661\u0662"),
        call(webhook_id="w2", webhook_signature=call()["headers"]["webhook-signature"]),
        call(query=QUERY.replace("user=acme", "user=gone")),
        call(query=QUERY.replace("user=acme", "")),
        call({**HOOK, "sms": {}}, webhook_signature=call()["headers"]["webhook-signature"]),
        call(webhook_signature=b64encode(KEY).decode()),
    ],
)
def test_a_call_that_is_not_signed_is_refused(event: Event, acme: Gateway, logs: Logs) -> None:
    status, body = send(acme, event)
    assert (status, body["error"]["code"]) == (401, Code.UNAUTHORIZED)
    assert acme.store.packed == {}
    assert logs.private() == []


def test_one_good_signature_of_several_is_enough(acme: Gateway) -> None:
    good = call()["headers"]["webhook-signature"]
    bad = call(key=b"another")["headers"]["webhook-signature"]
    assert send(acme, call(webhook_signature=f"{bad}, {good}")) == (200, ACCEPTED)
    assert send(acme, call(webhook_signature=f"v1a,x {good} {bad}")) == (200, ACCEPTED)


@pytest.mark.parametrize(
    ("hook", "query", "code"),
    [
        ({**HOOK, "user": {"phone": "12"}}, QUERY, Code.INVALID_NUMBER),
        ({**HOOK, "user": {}}, QUERY, Code.INVALID_NUMBER),
        ({**HOOK, "user": {"phone": []}}, QUERY, Code.INVALID_REQUEST),
        ({**HOOK, "user": None}, QUERY, Code.INVALID_REQUEST),
        ({**HOOK, "sms": {}}, QUERY, Code.INVALID_REQUEST),
        ({**HOOK, "sms": "561166"}, QUERY, Code.INVALID_REQUEST),
        ("[]", QUERY, Code.INVALID_REQUEST),
        ("{", QUERY, Code.MALFORMED_JSON),
        (HOOK, "user=acme&from=ACMEBK", Code.INVALID_REQUEST),
        (HOOK, "user=acme&from=ACMEBK&text=Hello", Code.INVALID_REQUEST),
        (HOOK, f"{QUERY}&dry_run=1", Code.INVALID_REQUEST),
        (HOOK, f"{QUERY}&from=OTHERS", Code.HEADER_NOT_REGISTERED),
        (HOOK, "user=acme&from=ACMEBK&text={otp}+is+it", Code.TEMPLATE_NOT_FOUND),
    ],
)
def test_supabase_hears_why_an_otp_is_refused(
    hook: Any, query: str, code: Code, acme: Gateway
) -> None:
    status, body = send(acme, call(hook, query))
    error = body["error"]
    assert (status, error["code"]) == (200, code)
    assert error["http_code"] == MEANINGS[code].http_status
    assert error["message"].startswith(MEANINGS[code].advice)
    assert "561166" not in json.dumps(body)
    assert_nothing_accepted(acme)
    assert codes_of_refused(acme) == [code]


def test_the_refusal_of_the_page(acme: Gateway) -> None:
    assert send(acme, call({**HOOK, "user": {"phone": "12"}})) == (200, REFUSED)


def test_what_could_not_be_stored_is_sent_again(acme: Gateway) -> None:
    class Away:
        def put_batch(self, *_: object) -> None:
            raise StoreUnavailable("ThrottlingException")

    services = acme.send_services()
    app = acme.app("send", services._replace(accept=replace(services.accept, batches=Away())))
    answer = app.handler(call(), Context())
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"]
