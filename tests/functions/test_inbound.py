"""/inbound/{carrier}/{token}: opt-outs take effect, in each carrier's form."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from harkara.base.codes import Code
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.model.suppressions import OPT_OUT_CATEGORIES, Source, opt_out
from local import samples
from local.settings import RECEIPT_TOKEN
from tests.functions.answers import assert_refused
from tests.functions.counted import metrics_of
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, NOW, Logs, http_event

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
    known: dict[str, Any] = {
        "name": kind,
        "kind": kind,
        "url": "https://carrier.example",
        "receipt_url": b"cipher",
        "receipt_token_hashes": (hash_token(RECEIPT_TOKEN),),
        "inbound": {samples.NUMBER: "sandbox"},
        kind: options,
    }
    gateway.accounts.carriers[kind] = CarrierSettings.model_validate(known)


def call(
    gateway: Gateway, body: Any = None, carrier: str = "sim", query: str = "", **headers: str
) -> dict[str, Any]:
    raw = body if body is None or isinstance(body, str) else json.dumps(body)
    event = http_event(
        "GET" if body is None else "POST", f"/inbound/{carrier}/{RECEIPT_TOKEN}", raw, headers
    )
    event["rawQueryString"] = query
    answer: dict[str, Any] = gateway.call("inbound", event)
    return answer


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"from": f"+{MSISDN}", "to": samples.NUMBER, "text": text, **fields}


def is_out(gateway: Gateway) -> bool:
    return bool(gateway.suppressions.entries("sandbox", [MSISDN]))


def counts(logs: Logs) -> dict[str, int]:
    """Return the counts in the last line."""
    return metrics_of(logs.lines()[-1])


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        *(
            pytest.param(text, "stop", id=text.strip())
            for text in ("STOP", " stop. ", "Unsubscribe")
        ),
        pytest.param("Stop sending me these!", "stop", id="begins with it"),
        pytest.param("ＳＴＯＰ", "stop", id="wide letters"),
        pytest.param("नको", "stop", id="the account's word"),
        pytest.param("bas  KARO!", "stop", id="the account's words"),
        pytest.param("START", "start", id="start"),
        pytest.param("Unstop", "start", id="unstop"),
        pytest.param("शुरू", "start", id="the account's start"),
        *(
            pytest.param(text, "stop", id=text)
            for text in (
                *("stop all", "Revoke", "unsubscribe please", "please stop", "Opt-out", "opt‑out"),
                *(
                    "OPT—OUT",
                    "opt–out",
                    "opt−out",
                    "Opt Out!",
                    "kindly unsubscribe me",
                    "cancel pls",
                ),
            )
        ),
        *(
            pytest.param(text, "stop", id=text)
            for text in (
                *("बंद करो", "बन्द", "रोको!", "स्टॉप", "कृपया संदेश बंद करें।", "थांबवा", "বন্ধ করুন"),
                *("બંધ કરો", "ਬੰਦ ਕਰੋ", "ବନ୍ଦ କରନ୍ତୁ", "நிறுத்தவும்", "ఆపండి", "ನಿಲ್ಲಿಸಿ", "নিউজ বন্ধ"),
                *("നിർത്തുക", "നിര്\u200dത്തുക", "بند کریں۔", "sms band karo", "Fully Block", "DND"),
                *("un-subscribe me", "UNSUB", "remove me", "Don’t send me this", "End all"),
                *("I want to unsubscribe", "no more messages", "Block", "withdraw consent"),
            )
        ),
        *(
            pytest.param(text, "other", id=text)
            for text in ("bandage", "बंदर", "the band plays", "blocked road", "removed", "nonstop")
        ),
        pytest.param("cancel my order", "other", id="more than cancel"),
        pytest.param("The end", "other", id="ends with it"),
        pytest.param("opt in please", "start", id="opt in please"),
        pytest.param("start my order", "other", id="more than start"),
        pytest.param("please do not stop", "other", id="does not begin with it"),
        pytest.param("stopped", "other", id="a longer word"),
        pytest.param("Help?", "help", id="help"),
        pytest.param("", "other", id="nothing"),
        pytest.param("...", "other", id="dots"),
    ],
)
def test_a_text_is_read_as_a_person_means_it(
    text: str, asked: str, gateway: Gateway, logs: Logs
) -> None:
    words = {"stop_words": ("नको", "Bas karo"), "start_words": ("शुरू",)}
    account = gateway.accounts.accounts["sandbox"]
    gateway.accounts.accounts["sandbox"] = account.model_copy(update=words)
    answer = call(gateway, said(text))
    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert counts(logs) == {asked: 1}
    assert is_out(gateway) == (asked == "stop")
    assert logs.private() == []


def test_an_opt_out_names_its_categories_and_ends_with_start(gateway: Gateway) -> None:
    call(gateway, said("stop", ts=int(NOW) - 60))
    (entry,) = gateway.suppressions.entries("sandbox", [MSISDN])
    assert (entry.categories, entry.since_s) == (OPT_OUT_CATEGORIES, int(NOW) - 60)
    call(gateway, said("start", ts=int(NOW) - 120))
    assert is_out(gateway), "it was said before"
    call(gateway, said("start", ts=int(NOW)))
    assert not is_out(gateway)
    call(gateway, said("stop", ts=int(NOW) - 60))
    assert not is_out(gateway), "the carrier repeats what is over"


def test_an_old_start_that_comes_again_does_not_undo_a_later_stop(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    said_again = (("start", "m1"), ("stop", "m2"), ("start", "m1"), ("stop", "m2"))
    for minute, (text, name) in enumerate(said_again):
        monkeypatch.setattr("tests.functions.handlers.NOW", NOW + minute * 60)
        call(gateway, said(text, mid=name))
    (entry,) = gateway.suppressions.entries("sandbox", [MSISDN])
    assert entry.since_s == int(NOW) + 60, "when it came for the first time"


def test_a_request_that_holds_nothing_does_nothing(gateway: Gateway, logs: Logs) -> None:
    assert call(gateway)["statusCode"] == 200
    assert call(gateway, "")["statusCode"] == 200
    assert counts(logs) == {}


def test_start_leaves_what_the_person_did_not_ask_for_here(gateway: Gateway) -> None:
    entry = opt_out(MSISDN, 1).model_copy(update={"source": Source.DND, "preferences": (0,)})
    gateway.suppressions.put("sandbox", entry)
    call(gateway, said("START"))
    assert is_out(gateway)


@pytest.mark.parametrize("ts", [int(NOW) + 60, int(NOW) - 8 * 86_400, 0, None, "soon"], ids=str)
def test_a_time_that_cannot_be_is_now(ts: Any, gateway: Gateway) -> None:
    call(gateway, said("stop", ts=ts))
    (entry,) = gateway.suppressions.entries("sandbox", [MSISDN])
    assert entry.since_s == int(NOW)


@pytest.mark.parametrize(
    ("receiver", "text", "owner"),
    [
        pytest.param("+56161", "stop", "sandbox", id="plain"),
        pytest.param("77000", "OFFERS stop", "sandbox", id="keyword first"),
        pytest.param("77000", "stop Offers", "sandbox", id="keyword last"),
        pytest.param("77000", "news stop", "other", id="another's keyword"),
        pytest.param("77000", "stop", "", id="a shared number without a keyword"),
        pytest.param("99999", "stop", "", id="nobody's number"),
        pytest.param("88000", "stop", "", id="an account that is gone"),
    ],
)
def test_a_message_is_of_the_account_that_has_the_number(
    receiver: str, text: str, owner: str, gateway: Gateway, logs: Logs
) -> None:
    account = gateway.accounts.accounts["sandbox"]
    gateway.accounts.accounts["other"] = account.model_copy(update={"id": "other"})
    inbound = {"56161": "sandbox", "77000 Offers": "sandbox", "77000 NEWS": "other", "88000": "x"}
    settings = gateway.accounts.carriers["sim"]
    gateway.accounts.carriers["sim"] = settings.model_copy(update={"inbound": inbound})
    call(gateway, said(text, to=receiver))
    out = {id for id in ("sandbox", "other") if gateway.suppressions.entries(id, [MSISDN])}
    assert out == ({owner} if owner else set())
    assert counts(logs) == {"stop" if owner else "unowned": 1}


def test_who_is_no_number_is_counted(gateway: Gateway, logs: Logs) -> None:
    assert call(gateway, said("stop", **{"from": "BANK"}))["statusCode"] == 200
    assert counts(logs) == {"no_number": 1}


# Each carrier's form


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
    fields = urlencode(said("stop"))
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


# Authentication


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"to": samples.NUMBER, "text": "stop"}, id="no sender"),
        pytest.param({"from": MSISDN, "text": "stop"}, id="no receiver"),
        pytest.param([said("stop"), 7], id="a number"),
        pytest.param("{", id="half"),
    ],
)
def test_what_cannot_be_read_is_refused(body: Any, gateway: Gateway, logs: Logs) -> None:
    assert_refused(call(gateway, body), Code.INVALID_RECEIPT)
    assert not is_out(gateway)
    assert logs.private() == []


def test_a_route_without_its_token_is_not_there(gateway: Gateway) -> None:
    event = http_event("POST", "/inbound/sim/guessed", json.dumps(said("stop")))
    assert_refused(gateway.call("inbound", event), Code.NOT_FOUND)
    assert not is_out(gateway)
