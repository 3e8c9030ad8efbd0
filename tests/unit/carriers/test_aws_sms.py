"""AWS End User Messaging: requests, and the meaning of answers."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.validate import ParamValidator
from pydantic import ValidationError

from harkara.base.errors import (
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    HttpAnswer,
    Outside,
    TextAnswer,
)
from harkara.carriers.contract import Carrier, InDoubt, NotTaken, Outcome, Submission, Taken
from harkara.carriers.kinds import connect
from harkara.carriers.settings import AwsOptions, CarrierSecrets, CarrierSettings
from harkara.model.messages import Category
from tests.cases.reading import rows
from tests.unit.aws_carrier import MODEL, OPTIONS, SETTINGS
from tests.unit.carrier_cases import KINDS_OF_OUTCOME, MESSAGE, REFERENCE


class ScriptedTexts:
    """Returns one of the given answers a call; each request must be valid by AWS's own model."""

    def __init__(self, *answers: TextAnswer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Mapping[str, Any]] = []
        self.regions: list[str] = []
        self.timeouts_s: list[float] = []
        self.open = self.most_open = 0

    async def __call__(
        self, region: str, request: Mapping[str, Any], timeout_s: float
    ) -> TextAnswer:
        shape: Any = MODEL.operation_model("SendTextMessage").input_shape
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
    """Return the request to AWS for a message, with these options of the carrier."""
    texts = ScriptedTexts(TextAnswer(200, "x"))
    settings = SETTINGS.model_copy(update={"aws": OPTIONS.model_copy(update=options)})
    submit(texts, submission, settings=settings)
    return texts.requests[0]


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
