"""/inbound/{carrier}/{token} in the form of each kind of carriers."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from harkara.base.codes import Code
from harkara.carriers.settings import CarrierSettings, hash_token
from local import samples
from local.settings import RECEIPT_TOKEN
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, NOW
from tests.functions.test_inbound import call, is_out, payload

OPTIONS = samples.AWS_CARRIER.aws
assert OPTIONS is not None
TOPIC = OPTIONS.inbound_topic_arn
HTTP: dict[str, Any] = {
    "answer": {"id": "/id"},
    "receipts": {"reference": "/ref", "state": "/s", "states": {"ok": "delivered"}},
    "json_body": {"to": "{to}", "text": "{text}", "ref": "{reference}"},
    "inbound": {"entries": "/mo", "sender": "/src", "receiver": "/dst", "text": "/m", "time": "/t"},
}


def add_carrier(gateway: Gateway, kind: str, options: dict[str, Any]) -> None:
    """Add a carrier named after its kind."""
    existing: dict[str, Any] = {
        "name": kind,
        "kind": kind,
        "url": "https://carrier.example",
        "receipt_url": b"cipher",
        "receipt_token_hashes": (hash_token(RECEIPT_TOKEN),),
        "inbound": {samples.NUMBER: "sandbox"},
        kind: options,
    }
    gateway.accounts.carriers[kind] = CarrierSettings.model_validate(existing)


def kannel(text: bytes, charset: str) -> str:
    escaped = quote(text, safe="")
    return f"from=%2B{MSISDN}&to={samples.NUMBER}&text={escaped}&charset={charset}&t={int(NOW)}"


@pytest.mark.parametrize("number", ["6421123456", "9607712345", "+6797012345"])
def test_a_sender_whose_plus_came_as_a_blank_is_out_and_no_one_else(
    number: str, gateway: Gateway
) -> None:
    add_carrier(gateway, "kannel", {})
    msisdn = number.removeprefix("+")
    query = f"from=+{msisdn}&to={samples.NUMBER}&text=stop&charset=UTF-8&t={int(NOW)}"
    assert call(gateway, None, "kannel", query)["statusCode"] == 200
    assert {entry.number for entry in gateway.suppressions.find("sandbox")} == {msisdn}


def test_kannel_sends_a_query_in_its_own_charset(gateway: Gateway) -> None:
    add_carrier(gateway, "kannel", {})
    words = {"stop_words": ("நிறுத்து",)}
    account = gateway.accounts.accounts["sandbox"]
    gateway.accounts.accounts["sandbox"] = account.model_copy(update=words)
    answer = call(gateway, None, "kannel", kannel("நிறுத்து".encode("utf-16-be"), "UTF-16BE"))
    assert (answer["statusCode"], answer["body"], is_out(gateway)) == (200, "", True)
    gateway.suppressions.clear()
    call(gateway, None, "kannel", kannel("நிறுத்து".encode(), "UTF-8"))
    assert is_out(gateway)
    gateway.suppressions.clear()
    assert call(gateway, None, "kannel", kannel(b"\xff\xfe", "UTF-8"))["statusCode"] == 200


def test_a_configured_provider_sends_what_its_options_say(gateway: Gateway) -> None:
    add_carrier(gateway, "http", HTTP)
    entry = {"src": MSISDN, "dst": 56161, "m": "stop", "t": int(NOW) * 1000 - 5000}
    assert call(gateway, {"mo": [entry]}, "http")["statusCode"] == 200
    (found,) = gateway.suppressions.entries("sandbox", [MSISDN])
    assert found.since_s == int(NOW) - 5
    assert_refused(call(gateway, {"mo": 7}, "http"), Code.INVALID_RECEIPT)
    add_carrier(gateway, "http", {**HTTP, "inbound": None})
    assert_refused(call(gateway, {"mo": [entry]}, "http"), Code.INVALID_RECEIPT)


@pytest.mark.parametrize("form", ["query", "form"])
def test_a_datasend_provider_may_send_a_form_or_a_query(form: str, gateway: Gateway) -> None:
    fields = urlencode(payload("stop"))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    if form == "form":
        call(gateway, fields, **kind)
    else:
        call(gateway, None, query=fields)
    assert is_out(gateway)


def envelope(kind: str, message: Any = "", topic: str = TOPIC) -> dict[str, Any]:
    return {"Type": kind, "TopicArn": topic, "Message": json.dumps(message), "Token": "abc"}


def test_aws_sends_by_the_topic_of_its_own(gateway: Gateway) -> None:
    two_way = {
        "originationNumber": f"+{MSISDN}",
        "destinationNumber": samples.NUMBER,
        "messageBody": "STOP",
    }
    other = envelope("Notification", two_way, OPTIONS.topic_arn)  # type: ignore[union-attr]
    assert_refused(call(gateway, other, "aws"), Code.INVALID_RECEIPT)
    assert not is_out(gateway)
    assert call(gateway, envelope("Notification", two_way), "aws")["statusCode"] == 200
    assert is_out(gateway)


def test_the_subscription_to_it_is_confirmed(gateway: Gateway) -> None:
    assert call(gateway, envelope("SubscriptionConfirmation"), "aws")["statusCode"] == 200
    assert call(gateway, envelope("UnsubscribeConfirmation"), "aws")["statusCode"] == 200
    (url,) = gateway.confirmed
    assert url.startswith("https://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription")
