"""AWS End User Messaging: the meaning of its events, and their accepted senders."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_core import to_json

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.carriers.aws_sms import FAILURES, STATES, parse_receipts
from harkara.carriers.receipts import ReceiptRequest, ReceivedReceipts
from harkara.carriers.settings import AwsOptions
from harkara.model.messages import State
from harkara.model.tasks import Receipt
from tests.unit.aws_carrier import MODEL, OPTIONS, SETTINGS, TOPIC
from tests.unit.carrier_cases import MID, REFERENCE, SIGNER

EVENT = {
    "eventType": "TEXT_DELIVERED",
    "eventTimestamp": 1_767_258_002_998,
    "isFinal": True,
    "context": {"reference": REFERENCE},
}
DELIVERED = Receipt(MID, 2, State.DELIVERED, 1_767_258_002, "", "TEXT_DELIVERED")


# Events


def read(body: object, headers: Mapping[str, str] | None = None) -> ReceivedReceipts:
    raw = body if isinstance(body, bytes) else to_json(body)
    return parse_receipts(ReceiptRequest("POST", headers or {}, {}, raw), SETTINGS, SIGNER)


def envelope(message: object, **fields: Any) -> dict[str, Any]:
    """Return a message in SNS's envelope."""
    text = message if isinstance(message, str) else to_json(message).decode()
    return {"Type": "Notification", "TopicArn": TOPIC, "Message": text} | fields


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(EVENT, {}, id="an event alone"),
        pytest.param([EVENT], {}, id="in an array"),
        pytest.param(envelope(EVENT), {}, id="in SNS's envelope"),
        pytest.param(EVENT, {"x-amz-sns-topic-arn": TOPIC}, id="from SNS, raw"),
        pytest.param(
            {"source": "aws.sms-voice", "detail-type": "Text...", "detail": EVENT},
            {},
            id="from EventBridge",
        ),
    ],
)
def test_an_event_comes_on_several_ways(body: object, headers: Mapping[str, str]) -> None:
    assert read(body, headers) == ReceivedReceipts([DELIVERED])


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"context": {"reference": ReferenceSigner(b"x").sign(MID, 2)}}, id="forged"),
        pytest.param({"context": {"reference": ""}}, id="an empty reference"),
        pytest.param({"context": {"reference": [REFERENCE]}}, id="an array for a reference"),
        pytest.param({"context": {"account": "bar"}}, id="somebody else's context"),
        pytest.param({"context": REFERENCE}, id="no object for a context"),
        pytest.param({"context": None}, id="no context"),
    ],
)
def test_an_event_of_no_message_of_ours_is_foreign(event: dict[str, Any]) -> None:
    assert read({**EVENT, **event}) == ReceivedReceipts([], foreign_count=1)


@pytest.mark.parametrize("body", [7, "text", None, {"source": "aws.sms-voice", "detail": 1}])
def test_what_is_no_event_is_foreign(body: object) -> None:
    assert read(body) == ReceivedReceipts([], foreign_count=1)


@pytest.mark.parametrize("event_type", ["TEXT_TELEPORTED", "VOICE_ANSWERED", None, ["x"]])
def test_an_event_that_nobody_knows_is_counted_and_not_guessed(event_type: object) -> None:
    assert read({**EVENT, "eventType": event_type}) == ReceivedReceipts([], unknown_count=1)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"", {}, id="empty"),
        pytest.param(b'{"Type": "Notif', {}, id="cut"),
        pytest.param(b"eventType=TEXT_DELIVERED", {}, id="a form"),
        pytest.param(envelope("{"), {}, id="half an event in an envelope"),
        pytest.param({"Type": "Notification", "TopicArn": TOPIC}, {}, id="an empty envelope"),
        pytest.param(envelope(EVENT, TopicArn=TOPIC + "2"), {}, id="another topic"),
        pytest.param(envelope(EVENT, TopicArn=None), {}, id="no topic"),
        pytest.param(EVENT, {"x-amz-sns-topic-arn": TOPIC + "2"}, id="another topic, raw"),
    ],
)
def test_what_has_not_the_shape_or_topic_is_refused(
    body: object, headers: Mapping[str, str]
) -> None:
    with pytest.raises(RequestRefused) as refused:
        read(body, headers)
    assert refused.value.code is Code.INVALID_RECEIPT


@pytest.mark.parametrize("topic", ["", None, TOPIC])
def test_without_a_topic_of_its_own_nothing_comes_from_sns(topic: str | None) -> None:
    options = AwsOptions(region="ap-south-1")
    settings = SETTINGS.model_copy(update={"aws": options})
    body = to_json(envelope(EVENT, TopicArn=topic))
    with pytest.raises(RequestRefused):
        parse_receipts(ReceiptRequest("POST", {}, {}, body), settings, SIGNER)


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        (TOPIC, "sns.ap-south-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:t", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:t", "sns.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_subscription_is_confirmed_where_the_topic_is(topic: str, host: str) -> None:
    """The address in the request is ignored."""
    options = OPTIONS.model_copy(update={"topic_arn": topic})
    body = envelope(
        "You have chosen to subscribe...",
        Type="SubscriptionConfirmation",
        TopicArn=topic,
        Token="2336412f37",
        SubscribeURL="http://169.254.169.254/latest/meta-data",
    )
    request = ReceiptRequest("POST", {}, {}, to_json(body))
    received = parse_receipts(request, SETTINGS.model_copy(update={"aws": options}), SIGNER)
    query = f"Action=ConfirmSubscription&TopicArn={topic.replace(':', '%3A')}&Token=2336412f37"
    assert received == ReceivedReceipts([], confirm_url=f"https://{host}/?{query}")


@pytest.mark.parametrize("token", [None, "", "x" * 1025, "a&Action=Publish", "a/../b", "é", 7])
def test_a_subscription_without_a_token_of_sns_is_refused(token: object) -> None:
    with pytest.raises(RequestRefused) as refused:
        read(envelope("", Type="SubscriptionConfirmation", Token=token))
    assert refused.value.code is Code.INVALID_RECEIPT


def test_the_end_of_a_subscription_is_heard() -> None:
    assert read(envelope("", Type="UnsubscribeConfirmation")) == ReceivedReceipts([])


# The tables


def enum_of(shape: str) -> list[str]:
    """Return the values of a text in the service model."""
    text: Any = MODEL.shape_for(shape)
    return list(text.enum)


def test_the_table_of_states_is_that_of_the_service_model() -> None:
    types = {name for name in enum_of("EventType") if name.startswith("TEXT_")}
    assert set(STATES) == types - {"TEXT_ALL"}


def test_every_event_of_a_failure_has_a_code() -> None:
    failed = {name for name, state in STATES.items() if state is State.FAILED}
    assert {name for name in FAILURES if name.startswith("TEXT_")} == failed


def test_every_failure_is_one_that_the_service_model_names() -> None:
    reasons = {
        name
        for error in ("ValidationException", "ConflictException")
        for name in enum_of(f"{error}Reason")
    }
    types = enum_of("ResourceType")
    assert FAILURES.keys() - STATES.keys() <= reasons | set(types)
