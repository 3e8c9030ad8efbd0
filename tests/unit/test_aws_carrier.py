"""AWS End User Messaging: what is sent, what an answer means, what its events say."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from pydantic import ValidationError
from pydantic_core import to_json

from harkara.carrier_settings import AwsOptions, CarrierSecrets, CarrierSettings
from harkara.carriers import connect, parse_receipts
from harkara.carriers.aws import FAILURES, STATES
from harkara.codes import Code
from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, RequestRefused
from harkara.exchanges import HttpAnswer, Outside, TextAnswer
from harkara.ids import ReferenceSigner
from harkara.messages import Category, State
from harkara.received import ReceiptRequest, ReceivedReceipts
from harkara.submissions import Carrier, InDoubt, NotTaken, Outcome, Submission, Taken
from harkara.tasks import Receipt
from tests.cases.reading import rows
from tests.unit.test_carriers import KINDS_OF_OUTCOME, MESSAGE, MID, REFERENCE, SIGNER

TOPIC = "arn:aws:sns:ap-south-1:123456789012:texts"
OPTIONS = AwsOptions(region="ap-south-1", configuration_set="harkara", topic_arn=TOPIC)
SETTINGS = CarrierSettings(
    name="aws", kind="aws", receipt_token_hashes=("0" * 64,), aws=OPTIONS, connections=2
)
MODEL = ServiceModel(Loader().load_service_model("pinpoint-sms-voice-v2", "service-2"))
EVENT = {
    "eventType": "TEXT_DELIVERED",
    "eventTimestamp": 1_767_258_002_998,
    "isFinal": True,
    "context": {"reference": REFERENCE},
}
DELIVERED = Receipt(MID, 2, State.DELIVERED, 1_767_258_002, "", "TEXT_DELIVERED")


class ScriptedTexts:
    """Answers with what it was given, one a call; each request must be one by AWS's own model."""

    def __init__(self, *answers: TextAnswer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Mapping[str, Any]] = []
        self.regions: list[str] = []
        self.timeouts_s: list[float] = []
        self.open = self.most_open = 0

    async def __call__(
        self, region: str, request: Mapping[str, Any], timeout_s: float
    ) -> TextAnswer:
        shape = MODEL.operation_model("SendTextMessage").input_shape
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        self.regions.append(region)
        self.requests.append(request)
        self.timeouts_s.append(timeout_s)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def no_exchange(
    method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
) -> HttpAnswer:
    raise AssertionError("AWS is called through its SDK")


def connected(texts: ScriptedTexts, settings: CarrierSettings = SETTINGS) -> Carrier:
    return connect(settings, CarrierSecrets(), Outside(no_exchange, texts))


def submit(
    texts: ScriptedTexts, *submissions: Submission, settings: CarrierSettings = SETTINGS
) -> list[Outcome]:
    return asyncio.run(connected(texts, settings).submit(submissions))


def request_of(submission: Submission, **options: Any) -> Mapping[str, Any]:
    """Return what AWS gets for a message, with these options of the carrier."""
    texts = ScriptedTexts(TextAnswer(200, "x"))
    settings = SETTINGS.model_copy(update={"aws": OPTIONS.model_copy(update=options)})
    submit(texts, submission, settings=settings)
    return texts.requests[0]


# Submit


def test_a_request_says_all_that_aws_wants_to_know_of_a_message() -> None:
    texts = ScriptedTexts(TextAnswer(200, "9539975a"))
    submission = Submission(REFERENCE, MESSAGE, "chain hash", Category.OTP, "acme", 300)
    assert submit(texts, submission) == [Taken("9539975a")]
    assert texts.regions == ["ap-south-1"]
    assert texts.requests == [
        {
            "DestinationPhoneNumber": "+919876543210",
            "OriginationIdentity": "ACMEBK",
            "MessageBody": MESSAGE.text,
            "MessageType": "TRANSACTIONAL",
            "Context": {"reference": REFERENCE},
            "DestinationCountryParameters": {"IN_ENTITY_ID": "1101", "IN_TEMPLATE_ID": "1107"},
            "ConfigurationSetName": "harkara",
            "TimeToLive": 300,
        }
    ]


def test_a_message_abroad_has_no_parameters_of_india() -> None:
    abroad = MESSAGE._replace(pe_id="", dlt_template_id="")
    assert request_of(Submission("r", abroad)).keys() == {
        "DestinationPhoneNumber",
        "OriginationIdentity",
        "MessageBody",
        "MessageType",
        "Context",
        "ConfigurationSetName",
    }


def test_the_operators_options_go_with_every_message() -> None:
    request = request_of(
        Submission("r", MESSAGE), max_price="0.05", protect_configuration="protect-1", dry_run=True
    )
    assert (request["MaxPrice"], request["ProtectConfigurationId"]) == ("0.05", "protect-1")
    assert request["DryRun"] is True


def test_a_header_may_stand_for_another_identity() -> None:
    arn = "arn:aws:sms-voice:ap-south-1:123456789012:pool/pool-1"
    identities = {"ACMEBK": arn}
    request = request_of(Submission("r", MESSAGE), origination_identities=identities)
    assert request["OriginationIdentity"] == arn
    other = Submission("r", MESSAGE._replace(sender_id="OTHERS"))
    assert request_of(other, origination_identities=identities)["OriginationIdentity"] == "OTHERS"


@pytest.mark.parametrize(
    ("category", "message_type"),
    [
        (Category.OTP, "TRANSACTIONAL"),
        (Category.TRANSACTIONAL, "TRANSACTIONAL"),
        (Category.SERVICE_IMPLICIT, "TRANSACTIONAL"),
        (Category.SERVICE_EXPLICIT, "PROMOTIONAL"),
        (Category.PROMOTIONAL, "PROMOTIONAL"),
    ],
)
def test_a_category_has_its_message_type(category: Category, message_type: str) -> None:
    submission = Submission("r", MESSAGE, category=category)
    assert request_of(submission)["MessageType"] == message_type
    for other in ("TRANSACTIONAL", "PROMOTIONAL"):
        request = request_of(submission, message_types={category: other})
        assert request["MessageType"] == other


@pytest.mark.parametrize(
    ("validity_s", "time_to_live_s"), [(1, 5), (5, 5), (259_200, 259_200), (604_800, 259_200)]
)
def test_the_validity_left_is_kept_within_aws_limits(validity_s: int, time_to_live_s: int) -> None:
    request = request_of(Submission("r", MESSAGE, validity_s=validity_s))
    assert request["TimeToLive"] == time_to_live_s


@pytest.mark.parametrize("row", rows("aws_answers"))
def test_an_answer_means_an_outcome(row: dict[str, Any]) -> None:
    kind, *rest = row["outcome"]
    expected = KINDS_OF_OUTCOME[kind](*rest)
    (outcome,) = submit(ScriptedTexts(TextAnswer(**row["answer"])), Submission("r", MESSAGE))
    assert (type(outcome), outcome) == (type(expected), expected)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(
            ExchangeUnreachable("no route"), NotTaken(failed=True), id="unreachable: not taken"
        ),
        pytest.param(ExchangeOutcomeUnknown("reset"), InDoubt(), id="no answer: in doubt"),
    ],
)
def test_a_failure_on_the_way_is_an_outcome(error: Exception, outcome: Outcome) -> None:
    (found,) = submit(ScriptedTexts(error), Submission("r", MESSAGE))
    assert (type(found), found) == (type(outcome), outcome)


def test_messages_go_out_side_by_side_as_far_as_the_carrier_has_connections() -> None:
    taken = [TextAnswer(200, f"id-{number}") for number in range(5)]
    texts = ScriptedTexts(*taken)
    submissions = [Submission(f"r{number}", MESSAGE) for number in range(5)]
    assert submit(texts, *submissions) == [Taken(answer.message_id) for answer in taken]
    assert texts.most_open == 2
    contexts = [request["Context"] for request in texts.requests]
    assert contexts == [{"reference": f"r{number}"} for number in range(5)]


def test_one_failure_leaves_the_others_alone() -> None:
    texts = ScriptedTexts(
        ExchangeOutcomeUnknown("x"), ExchangeUnreachable("x"), TextAnswer(200, "x")
    )
    outcomes = submit(texts, *[Submission("r", MESSAGE)] * 3)
    assert list(map(type, outcomes)) == [InDoubt, NotTaken, Taken]


def test_what_gets_no_turn_in_time_was_not_taken() -> None:
    held = SETTINGS.model_copy(update={"connections": 1, "timeout_s": 0.01})

    class Held(ScriptedTexts):
        async def __call__(self, *_: Any) -> TextAnswer:
            self.requests.append({})
            await gate.wait()
            return TextAnswer(200, "x")

    async def run() -> list[Outcome]:
        carrier = connected(texts, held)
        first = asyncio.create_task(carrier.submit([Submission("r", MESSAGE)]))
        await asyncio.sleep(0)
        second = await carrier.submit([Submission("r", MESSAGE)])
        gate.set()
        return [*await first, *second]

    gate, texts = asyncio.Event(), Held()
    assert asyncio.run(run()) == [Taken("x"), NotTaken()]
    assert len(texts.requests) == 1


def test_a_submit_takes_a_wait_and_a_call_at_the_most() -> None:
    settings = SETTINGS.model_copy(update={"timeout_s": 7})
    texts = ScriptedTexts(TextAnswer(200, "x"), TextAnswer(200, "x"))
    carrier = connected(texts, settings)
    assert carrier.timeout_s == 14
    for within_s in (100.0, 4.0):
        asyncio.run(carrier.submit([Submission("r", MESSAGE)], within_s))
    assert texts.timeouts_s == [7, 2]


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
    """What the request says of the address to fetch counts for nothing."""
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


def test_the_table_of_states_is_that_of_the_service_model() -> None:
    types = {name for name in MODEL.shape_for("EventType").enum if name.startswith("TEXT_")}
    assert set(STATES) == types - {"TEXT_ALL"}


def test_every_event_of_a_failure_has_a_code() -> None:
    failed = {name for name, state in STATES.items() if state is State.FAILED}
    assert {name for name in FAILURES if name.startswith("TEXT_")} == failed


def test_every_failure_is_one_that_the_service_model_names() -> None:
    reasons = {
        name
        for error in ("ValidationException", "ConflictException")
        for name in MODEL.shape_for(f"{error}Reason").enum
    }
    types = MODEL.shape_for("ResourceType").enum
    assert FAILURES.keys() - STATES.keys() <= reasons | set(types)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("region", "ap-south-1.evil.example"),
        ("region", ""),
        ("configuration_set", "a b"),
        ("topic_arn", "arn:aws:sqs:ap-south-1:123456789012:texts"),
        ("topic_arn", "arn:aws:sns:ap-south-1/:123456789012:texts"),
        ("origination_identities", {"ACMEBK": ""}),
        ("origination_identities", {"ACMEBK": "a b"}),
        ("message_types", {"otp": "URGENT"}),
        ("message_types", {"urgent": "TRANSACTIONAL"}),
        ("max_price", "1"),
        ("max_price", "0.000001"),
        ("protect_configuration", "\n"),
    ],
)
def test_options_that_aws_would_refuse_are_not_saved(option: str, value: object) -> None:
    with pytest.raises(ValidationError, match=option):
        AwsOptions.model_validate({"region": "ap-south-1", option: value})
