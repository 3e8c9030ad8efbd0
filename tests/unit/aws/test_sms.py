"""SendTextMessage: whether a call was accepted, by AWS's answer or the lack of one."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import exceptions
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from pydantic_core import to_json

from harkara.aws.sms import AwsTextExchange, open_texts
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, TextAnswer
from tests.support.limits import FakeClient
from tests.unit.scripted_aws import Answer, Refusal, ScriptedAws

REQUEST = {"DestinationPhoneNumber": "+919876543210", "MessageBody": "Hello"}
URL = "https://sms-voice.ap-south-1.amazonaws.com/"


def at_noon() -> float:
    return 43_200.0


class Raw:
    """A body as it arrives over the wire."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.content


def send(*answers: Answer) -> tuple[TextAnswer, ScriptedAws]:
    aws = ScriptedAws("pinpoint-sms-voice-v2", *answers)
    texts = AwsTextExchange(2, at_noon, lambda region, calls: aws.client)
    return asyncio.run(texts("ap-south-1", REQUEST, 5)), aws


def wired(texts: Any, status: int, content: bytes, headers: dict[str, str]) -> list[bytes]:
    """Answer a real client's requests below botocore's parser; return the list of their bodies."""
    sent: list[bytes] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.body)
        return AWSResponse(URL, status, HTTPHeaders.from_dict(headers), Raw(content))

    texts.meta.events.register("before-send.pinpoint-sms-voice-v2", answer)
    return sent


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client as `submit` has it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return open_texts("ap-south-1", 7)


def test_a_text_that_was_taken_has_aws_id() -> None:
    answer, aws = send({"MessageId": "9539975a"})
    assert answer == TextAnswer(200, message_id="9539975a")
    assert aws.requests == [("SendTextMessage", REQUEST)]


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        pytest.param(
            Refusal("ThrottlingException"), TextAnswer(400, error="ThrottlingException"), id="none"
        ),
        pytest.param(
            Refusal("ConflictException", Reason="RESOURCE_NOT_ACTIVE"),
            TextAnswer(400, error="ConflictException", reason="RESOURCE_NOT_ACTIVE"),
            id="a reason",
        ),
        pytest.param(
            Refusal("ResourceNotFoundException", ResourceType="sender-id", ResourceId="ACMEBK"),
            TextAnswer(400, error="ResourceNotFoundException", reason="sender-id"),
            id="a resource",
        ),
        pytest.param(
            Refusal("InternalServerException", 500),
            TextAnswer(500, error="InternalServerException"),
            id="a failure of AWS",
        ),
    ],
)
def test_an_error_is_an_answer(refusal: Refusal, answer: TextAnswer) -> None:
    assert send(refusal)[0] == answer


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (exceptions.EndpointConnectionError(endpoint_url=URL), ExchangeUnreachable),
        (exceptions.ConnectTimeoutError(endpoint_url=URL), ExchangeUnreachable),
        (exceptions.ProxyConnectionError(proxy_url=URL), ExchangeUnreachable),
        (exceptions.NoCredentialsError(), ExchangeUnreachable),
        (exceptions.ReadTimeoutError(endpoint_url=URL), ExchangeOutcomeUnknown),
        (exceptions.ConnectionClosedError(endpoint_url=URL), ExchangeOutcomeUnknown),
        (exceptions.SSLError(endpoint_url=URL, error=OSError("x")), ExchangeOutcomeUnknown),
        (exceptions.HTTPClientError(error="x"), ExchangeOutcomeUnknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_failure_on_the_way_says_whether_the_call_can_have_arrived(
    error: Exception, meaning: type[Exception]
) -> None:
    with pytest.raises(meaning, match=f"^{type(error).__name__}$"):
        send(error)


def test_an_error_is_read_as_it_comes_over_the_wire(texts: Any) -> None:
    body = {
        "__type": "com.amazonaws.pinpointsmsvoicev2#ConflictException",
        "Message": "a number has opted out: +919876543210",
        "Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT",
    }
    wired(texts, 400, to_json(body), {"content-type": "application/x-amz-json-1.0"})
    answer = asyncio.run(AwsTextExchange(1, at_noon, lambda *_: texts)("ap-south-1", REQUEST, 5))
    assert answer == TextAnswer(
        400, error="ConflictException", reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(500, b"{}", id="a failure of AWS"),
        pytest.param(503, b"<html>", id="a gateway's page"),
        pytest.param(400, b'{"__type": "ThrottlingException"}', id="throttled"),
    ],
)
def test_no_call_is_repeated(status: int, body: bytes, texts: Any) -> None:
    sent = wired(texts, status, body, {})
    answer = asyncio.run(AwsTextExchange(1, at_noon, lambda *_: texts)("ap-south-1", REQUEST, 5))
    assert (answer.status, len(sent)) == (status, 1)
    assert answer.error


def test_a_page_in_place_of_an_answer_has_no_id(texts: Any) -> None:
    wired(texts, 200, b"<html>welcome</html>", {})
    answer = asyncio.run(AwsTextExchange(1, at_noon, lambda *_: texts)("ap-south-1", REQUEST, 5))
    assert answer == TextAnswer(200)


def test_a_client_is_made_once_a_region_and_has_a_connection_for_each_call(texts: Any) -> None:
    wired(texts, 200, b'{"MessageId": "x"}', {})
    made: list[tuple[str, int]] = []

    def connect(region: str, calls: int) -> Any:
        made.append((region, calls))
        return texts

    exchange = AwsTextExchange(7, at_noon, connect)
    for region in ("ap-south-1", "us-east-1", "ap-south-1"):
        asyncio.run(exchange(region, REQUEST, 5))
    assert made == [("ap-south-1", 7), ("us-east-1", 7)]
    assert texts.meta.config.max_pool_connections == 7
    assert texts.meta.region_name == "ap-south-1"
    assert (texts.meta.config.connect_timeout, texts.meta.config.tcp_keepalive) == (2, True)


class Blocking(FakeClient):  # type: ignore[misc]
    """A client whose calls wait until `released` is set."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.calls = 0

    def send_text_message(self, **_: Any) -> dict[str, str]:
        self.calls += 1
        self.begun.set()
        self.released.wait(10)
        return {"MessageId": "late"}


def test_a_call_without_an_answer_in_time_may_have_arrived() -> None:
    client = Blocking()
    exchange = AwsTextExchange(1, at_noon, lambda *_: client)
    with pytest.raises(ExchangeOutcomeUnknown, match="^no answer in time$"):
        asyncio.run(exchange("ap-south-1", REQUEST, 0.05))
    client.released.set()
    assert client.calls == 1


def test_a_call_that_found_no_thread_in_time_is_never_made() -> None:
    client = Blocking()
    exchange = AwsTextExchange(1, at_noon, lambda *_: client)

    async def run() -> TextAnswer:
        first = asyncio.create_task(exchange("ap-south-1", REQUEST, 5))
        await asyncio.to_thread(client.begun.wait, 5)
        with pytest.raises(ExchangeUnreachable, match="^no thread was free$"):
            await exchange("ap-south-1", REQUEST, 0.01)
        client.released.set()
        return await first

    assert asyncio.run(run()) == TextAnswer(200, message_id="late")
    assert client.calls == 1


def test_no_call_goes_out_on_a_connection_that_was_idle_for_long(texts: Any) -> None:
    """AWS may have closed it while Lambda had the process frozen."""
    wired(texts, 200, b'{"MessageId": "x"}', {})
    times_s = iter([0.0, 4.0, 8.1, 8.2])
    closed: list[float] = []
    close = texts.close

    def note() -> None:
        closed.append(exchange._used_s["ap-south-1"])
        close()

    texts.close = note
    exchange = AwsTextExchange(1, lambda: next(times_s), lambda *_: texts)
    for _ in range(4):
        answer = asyncio.run(exchange("ap-south-1", REQUEST, 5))
        assert answer == TextAnswer(200, message_id="x")
    assert closed == [4.0]
