"""Google's webhook at /receipts: its URL is confirmed, events become receipts, others go by."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.ids import uuid_of
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import hash_token
from harkara.carriers.signatures import is_signed
from harkara.model.tasks import CarrierReceiptsTask, QueueName, decode_dlr
from local.settings import RECEIPT_TOKEN
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import Logs, http_event
from tests.support.google import CLIENT_TOKEN, google_settings, signed_event

PATH = f"/receipts/google/{RECEIPT_TOKEN}"
DELIVERED: dict[str, Any] = {
    "senderPhoneNumber": "+919876543210",
    "eventType": "DELIVERED",
    "messageId": uuid_of("a reference"),
    "agentId": "acme_agent",
}
HEADER = "x-goog-signature"
SECRET = "echo me"


@pytest.fixture
def google(gateway: Gateway) -> Gateway:
    hashes = (hash_token(RECEIPT_TOKEN),)
    settings = google_settings("google").model_copy(update={"receipt_token_hashes": hashes})
    gateway.accounts.carriers["google"] = settings
    return gateway


def post(gateway: Gateway, request: ReceiptRequest, query: str = "") -> dict[str, Any]:
    called = http_event("POST", PATH, request.body.decode(), dict(request.headers))
    called |= {"rawQueryString": query}
    answer: dict[str, Any] = gateway.call("receipt", called)
    return answer


def trying(token: Any = CLIENT_TOKEN, secret: Any = SECRET) -> ReceiptRequest:
    body = json.dumps({"clientToken": token, "secret": secret})
    return ReceiptRequest("POST", {}, {}, body.encode())


def test_the_secret_is_repeated_for_the_right_client_token(google: Gateway, logs: Logs) -> None:
    answer = post(google, trying())
    assert (answer["statusCode"], answer["body"]) == (200, SECRET)
    assert answer["headers"]["Content-Type"] == "text/plain"
    assert google.bodies(QueueName.RECEIPT) == []
    (line,) = logs.lines()
    assert (line["message"], line["carrier"]) == ("subscription confirmed", "google")
    assert not any(each in str(line) for each in (CLIENT_TOKEN, SECRET))


@pytest.mark.parametrize(
    "token", ["another", "", None, 7, ["cl1ent-t0ken"], "é", CLIENT_TOKEN + " "]
)
def test_the_secret_is_not_repeated_for_another(token: Any, google: Gateway) -> None:
    assert_refused(post(google, trying(token)), Code.UNAUTHORIZED)


@pytest.mark.parametrize("secret", ["", None, 7, {"a": 1}])
def test_what_is_no_secret_is_not_repeated(secret: Any, google: Gateway) -> None:
    assert_refused(post(google, trying(secret=secret)), Code.UNAUTHORIZED)


def test_an_event_becomes_a_receipt_by_the_id_that_we_gave(google: Gateway) -> None:
    assert post(google, signed_event(**DELIVERED))["statusCode"] == 200
    (task,) = map(decode_dlr, google.bodies(QueueName.RECEIPT))
    assert isinstance(task, CarrierReceiptsTask)
    ((carrier_id, receipt),) = task.receipts
    assert (carrier_id, receipt.state) == (DELIVERED["messageId"], "delivered")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({**DELIVERED, "messageId": ""}, id="no message"),
        pytest.param({"senderPhoneNumber": "+91", "messageId": "m", "text": "STOP"}, id="a text"),
        pytest.param({"eventType": "AGENT_LAUNCHED", "agentId": "acme_agent"}, id="a launch"),
        pytest.param({**DELIVERED, "eventType": "LATER"}, id="a new kind of event"),
    ],
)
def test_other_things_are_answered_so_that_google_does_not_send_them_for_a_week(
    event: dict[str, Any], google: Gateway, logs: Logs
) -> None:
    assert post(google, signed_event(**event))["statusCode"] == 200
    assert google.bodies(QueueName.RECEIPT) == []
    assert logs.private() == []


def _changed(request: ReceiptRequest, **message: Any) -> ReceiptRequest:
    return request._replace(body=json.dumps({"message": message}).encode())


SIGNED = signed_event(**DELIVERED)
DATA = json.loads(SIGNED.body)["message"]["data"]
OTHER = base64.b64encode(json.dumps({**DELIVERED, "eventType": "READ"}).encode()).decode()


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(signed_event("another", **DELIVERED), id="another token"),
        pytest.param(SIGNED._replace(headers={}), id="no signature"),
        pytest.param(SIGNED._replace(headers={HEADER: "é"}), id="no base64"),
        pytest.param(_changed(SIGNED, data=OTHER), id="another event"),
        pytest.param(_changed(SIGNED, data=DATA + "!"), id="data that is no base64"),
        pytest.param(_changed(SIGNED, data=""), id="no data"),
        pytest.param(_changed(SIGNED, data=[DATA]), id="an array"),
        pytest.param(_changed(SIGNED), id="no member data"),
        pytest.param(SIGNED._replace(body=b'{"message": "x"}'), id="no message"),
        pytest.param(SIGNED._replace(body=b"[]"), id="no object"),
        pytest.param(SIGNED._replace(body=b"{"), id="no JSON"),
    ],
)
def test_what_google_did_not_sign_is_refused(request_: ReceiptRequest, google: Gateway) -> None:
    assert_refused(post(google, request_), Code.UNAUTHORIZED)
    assert google.bodies(QueueName.RECEIPT) == []


def test_a_query_that_nothing_signs_is_refused(google: Gateway) -> None:
    assert_refused(post(google, SIGNED, "state=x"), Code.UNAUTHORIZED)


def test_a_signed_body_that_is_no_event_is_refused(google: Gateway) -> None:
    for data in (b"no JSON", b"7", b'"text"', b"\xff"):
        signed = signed_event(data=data)
        assert_refused(post(google, signed), Code.INVALID_RECEIPT)


@given(st.binary(max_size=60), st.text(max_size=20).filter(lambda text: text != CLIENT_TOKEN))
def test_only_the_client_token_signs(data: bytes, other: str) -> None:
    key = CLIENT_TOKEN.encode()
    assert is_signed(signed_event(data=data), "google", HEADER, "hex", key) == bool(data)
    assert not is_signed(signed_event(other, data=data), "google", HEADER, "hex", key)
    changed = signed_event(data=data)._replace(body=signed_event(data=data + b"x").body)
    assert not is_signed(changed, "google", HEADER, "hex", key)
