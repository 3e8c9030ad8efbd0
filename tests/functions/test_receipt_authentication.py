"""Authentication of receipts: tokens during a renewal, source addresses, signatures, SNS topics."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of
from harkara.carriers.settings import hash_token
from harkara.model.tasks import QueueName
from local import samples
from local.settings import RECEIPT_TOKEN
from tests.functions.answers import assert_refused
from tests.functions.counted import metrics_of
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, Logs, http_event
from tests.functions.test_receipt import PATH

OPTIONS = samples.AWS_CARRIER.aws
assert OPTIONS is not None
TOPIC = OPTIONS.topic_arn
KEY = b"what the carrier signs with"
SOURCE_IP = "203.0.113.10"


def change(gateway: Gateway, **fields: Any) -> None:
    """Change the settings of the carrier `sim`."""
    settings = gateway.accounts.carriers["sim"]
    gateway.accounts.carriers["sim"] = type(settings).model_validate(settings.model_dump() | fields)


def receipt(gateway: Gateway) -> str:
    reference = gateway.signer.sign(mid_of(BATCH_ID, 0), 1)
    return json.dumps({"smsgid": reference, "status": "DELIVRD"})


def post(gateway: Gateway, body: str, path: str = PATH, **event: Any) -> dict[str, Any]:
    headers = event.pop("headers", {})
    called = http_event("POST", path, body, headers) | event
    answer: dict[str, Any] = gateway.call("receipt", called)
    return answer


def mac(body: str, key: bytes = KEY) -> bytes:
    return hmac.digest(key, body.encode(), hashlib.sha256)


# Tokens


def test_the_token_before_is_good_while_the_carrier_learns_the_new_one(gateway: Gateway) -> None:
    hashes = (hash_token("new"), hash_token(RECEIPT_TOKEN))
    change(gateway, receipt_token_hashes=hashes)
    for token in ("new", RECEIPT_TOKEN):
        answer = post(gateway, receipt(gateway), f"/receipts/sim/{token}")
        assert answer["statusCode"] == 200
    change(gateway, receipt_token_hashes=hashes[:1])
    assert_refused(post(gateway, receipt(gateway)), Code.NOT_FOUND)
    assert len(gateway.bodies(QueueName.RECEIPT)) == 2


# Source addresses


@pytest.mark.parametrize(
    ("networks", "admitted"),
    [
        pytest.param([], True, id="none: any"),
        pytest.param(["198.51.100.0/24", f"{SOURCE_IP}/32"], True, id="in the second"),
        pytest.param(["198.51.100.0/24", "2001:db8::/32"], False, id="in none"),
    ],
)
def test_receipts_come_from_the_carriers_networks_alone(
    networks: list[str], admitted: bool, gateway: Gateway, logs: Logs
) -> None:
    change(gateway, receipt_networks=networks)
    answer = post(gateway, receipt(gateway))
    if admitted:
        assert answer["statusCode"] == 200
    else:
        assert_refused(answer, Code.ADDRESS_NOT_ALLOWED)
        assert gateway.queues.waiting == []
    assert logs.private() == []


def test_a_wrong_token_says_nothing_of_networks(gateway: Gateway) -> None:
    change(gateway, receipt_networks=["198.51.100.0/24"])
    assert_refused(post(gateway, receipt(gateway), "/receipts/sim/guessed"), Code.NOT_FOUND)


# Signatures


@pytest.mark.parametrize("prefix", ["", "sha256="])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_what_the_carrier_signed_is_taken(encoding: str, prefix: str, gateway: Gateway) -> None:
    change(
        gateway,
        receipt_signature_header="x-signature",
        receipt_signature_encoding=encoding,
        receipt_secret=KEY,
    )
    body = receipt(gateway)
    signed = mac(body).hex() if encoding == "hex" else base64.b64encode(mac(body)).decode()
    answer = post(gateway, body, headers={"X-Signature": prefix + signed})
    assert answer["statusCode"] == 200
    assert len(gateway.bodies(QueueName.RECEIPT)) == 1


@pytest.mark.parametrize("key", [KEY, b"the-next-one"])
def test_while_a_carrier_changes_over_either_secret_is_taken(key: bytes, gateway: Gateway) -> None:
    both = b"the-next-one\n\n" + KEY
    change(gateway, receipt_signature_header="x-signature", receipt_secret=both)
    body = receipt(gateway)
    for signer, status in ((key, 200), (b"", 401), (both, 401)):
        answer = post(gateway, body, headers={"x-signature": mac(body, signer).hex()})
        assert answer["statusCode"] == status


@pytest.mark.parametrize("host", ["sms.example", "another.example"])
def test_a_signature_is_of_the_url_that_was_called(host: str, gateway: Gateway) -> None:
    change(gateway, receipt_signature="twilio", receipt_secret=KEY)
    reference = gateway.signer.sign(mid_of(BATCH_ID, 0), 1)
    text = f"https://sms.example{PATH}?a=%20b" + f"smsgid{reference}statusDELIVRD"
    signature = base64.b64encode(hmac.digest(KEY, text.encode(), hashlib.sha1)).decode()
    headers = {
        "host": host,
        "x-forwarded-proto": "https",
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signature,
    }
    body = f"status=DELIVRD&smsgid={reference}"
    answer = post(gateway, body, headers=headers, rawQueryString="a=%20b")
    if host == "sms.example":
        assert answer["statusCode"] == 200
        assert len(gateway.bodies(QueueName.RECEIPT)) == 1
    else:
        assert_refused(answer, Code.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("headers", "event"),
    [
        pytest.param({}, {}, id="no signature"),
        pytest.param({"x-signature": ""}, {}, id="an empty one"),
        pytest.param({"x-signature": "zz"}, {}, id="no hex"),
        pytest.param({"x-signature": "é"}, {}, id="no ASCII"),
        pytest.param({"x-signature": mac("another body").hex()}, {}, id="of another body"),
        pytest.param({"x-signature": "of another key"}, {}, id="of another key"),
        pytest.param({"x-signature": "base64"}, {}, id="in another encoding"),
        pytest.param({"x-other": "good"}, {}, id="in another header"),
        pytest.param({"x-signature": "good"}, {"rawQueryString": "a=1"}, id="a query beside it"),
    ],
)
def test_what_the_carrier_did_not_sign_is_refused(
    headers: dict[str, str], event: dict[str, Any], gateway: Gateway, logs: Logs
) -> None:
    change(gateway, receipt_signature_header="x-signature", receipt_secret=KEY)
    body = receipt(gateway)
    existing = {
        "good": mac(body).hex(),
        "of another key": mac(body, b"x").hex(),
        "base64": base64.b64encode(mac(body)).decode(),
    }
    signed = {name: existing.get(value, value) for name, value in headers.items()}
    assert_refused(post(gateway, body, headers=signed, **event), Code.UNAUTHORIZED)
    assert gateway.queues.waiting == []
    assert logs.private() == []


# Refusals


@pytest.mark.parametrize("route", ["receipt", "inbound"])
@pytest.mark.parametrize(
    ("changed", "path", "wrong"),
    [
        pytest.param({}, f"other/{RECEIPT_TOKEN}", "carrier", id="a carrier that is not set up"),
        pytest.param({}, f"{RECEIPT_TOKEN}/sim", "carrier", id="a token in the carrier's place"),
        pytest.param({}, "sim/guessed", "token", id="a wrong token"),
        pytest.param(
            {"receipt_networks": ["198.51.100.0/24"]},
            f"sim/{RECEIPT_TOKEN}",
            "network",
            id="another network",
        ),
        pytest.param(
            {"receipt_signature_header": "x-signature", "receipt_secret": KEY},
            f"sim/{RECEIPT_TOKEN}",
            "signature",
            id="no signature",
        ),
    ],
)
def test_refused_webhooks_are_counted_in_one_line(
    changed: dict[str, Any], path: str, wrong: str, route: str, gateway: Gateway, logs: Logs
) -> None:
    change(gateway, **changed)
    url = f"/{'receipts' if route == 'receipt' else route}/{path}"
    answer = gateway.call(route, http_event("POST", url, receipt(gateway)))
    assert answer["statusCode"] in (401, 403, 404)
    (line,) = logs.lines()
    assert (line["message"], line["wrong"]) == ("webhook refused", wrong)
    assert metrics_of(line) == {"refused": 1}
    # A guessed carrier must not become a dimension: each would be a metric that is paid for.
    assert line.get("carrier") == (None if wrong == "carrier" else "sim")
    assert "guessed" not in str(line)
    assert logs.private() == []


# SNS


def confirmation(topic: str = TOPIC) -> str:
    return json.dumps({"Type": "SubscriptionConfirmation", "TopicArn": topic, "Token": "2336412f"})


def test_a_subscription_to_the_carriers_topic_is_confirmed(gateway: Gateway, logs: Logs) -> None:
    answer = post(gateway, confirmation(), f"/receipts/aws/{RECEIPT_TOKEN}")
    assert answer["statusCode"] == 200
    (url,) = gateway.confirmed
    assert url.startswith("https://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription&")
    (line,) = logs.lines()
    assert (line["message"], line["carrier"]) == ("subscription confirmed", "aws")
    assert not any("2336412f" in str(value) for value in line.values())


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        pytest.param(
            confirmation(TOPIC + "2"),
            f"/receipts/aws/{RECEIPT_TOKEN}",
            Code.INVALID_RECEIPT,
            id="another topic",
        ),
        pytest.param(confirmation(), "/receipts/aws/guessed", Code.NOT_FOUND, id="a wrong token"),
        pytest.param(confirmation(), PATH, Code.INVALID_RECEIPT, id="a carrier of another kind"),
    ],
)
def test_no_other_subscription_is_confirmed(
    body: str, path: str, code: Code, gateway: Gateway
) -> None:
    assert_refused(post(gateway, body, path), code)
    assert gateway.confirmed == []


def test_sns_asks_again_where_the_confirmation_fails(gateway: Gateway) -> None:
    class Unreachable(list[str]):
        def append(self, url: str) -> None:
            raise StoreUnavailable("TimeoutError")

    gateway.confirmed = Unreachable()
    answer = post(gateway, confirmation(), f"/receipts/aws/{RECEIPT_TOKEN}")
    assert_refused(answer, Code.TRY_AGAIN)
