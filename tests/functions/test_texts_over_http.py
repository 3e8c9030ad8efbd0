"""SendTextMessage by a real client, to an endpoint that misbehaves as AWS might."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from harkara.aws.sms import AwsTextExchange
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, TextAnswer
from tests.functions.servers import Script, answer, read_request, reset, serving

REQUEST = {"DestinationPhoneNumber": "+919876543210", "MessageBody": "Hello"}
TAKEN = answer(body=b'{"MessageId": "9539975a"}')


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that sets the endpoint of AWS clients."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", url)


def send(
    script: Script, endpoint: Callable[[str], None], times_s: tuple[float, ...] = (0.0,)
) -> list[TextAnswer]:
    """Send a text at each of the times."""

    async def run() -> list[TextAnswer]:
        async with serving(script) as url:
            endpoint(url)
            clock = iter(times_s)
            exchange = AwsTextExchange(1, lambda: next(clock))
            return [await exchange("ap-south-1", REQUEST, 5) for _ in times_s]

    return asyncio.run(run())


def answering(content: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(content)

    return script


def test_a_text_is_sent_in_one_request(endpoint: Callable[[str], None]) -> None:
    heads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(TAKEN)

    assert send(script, endpoint) == [TextAnswer(200, message_id="9539975a")]
    (head,) = heads
    assert b"X-Amz-Target: PinpointSMSVoiceV2.SendTextMessage\r\n" in head
    assert b'"DestinationPhoneNumber": "+919876543210"' in head


def test_an_endpoint_that_is_not_there_took_nothing(endpoint: Callable[[str], None]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint(f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(ExchangeUnreachable, match="^EndpointConnectionError$"):
        asyncio.run(AwsTextExchange(1, lambda: 0.0)("ap-south-1", REQUEST, 5))


async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    reset(writer)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.close()


async def speak_another_language(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await read_request(reader)
    writer.write(b"220 mail.example ESMTP\r\n")
    writer.close()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(break_off, id="a reset"),
        pytest.param(hang_up, id="a farewell"),
        pytest.param(speak_another_language, id="no HTTP"),
        pytest.param(answering(answer(body=b"[]")), id="an array"),
    ],
)
def test_a_request_without_an_answer_of_aws_may_have_arrived(
    script: Script, endpoint: Callable[[str], None]
) -> None:
    with pytest.raises(ExchangeOutcomeUnknown):
        send(script, endpoint)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(answer(body=b"<html>"), TextAnswer(200), id="a page"),
        pytest.param(answer(), TextAnswer(200), id="nothing"),
        pytest.param(answer(body=b'{"Messa'), TextAnswer(200), id="half an object"),
        pytest.param(
            answer("503 Service Unavailable", b"<html>"), TextAnswer(503, error="503"), id="503"
        ),
        pytest.param(
            answer("400 Bad Request", b'{"__type": "ThrottlingException"}'),
            TextAnswer(400, error="ThrottlingException"),
            id="throttled",
        ),
    ],
)
def test_an_answer_of_any_kind_is_read(
    content: bytes, expected: TextAnswer, endpoint: Callable[[str], None]
) -> None:
    assert send(answering(content), endpoint) == [expected]


def test_a_connection_serves_until_it_was_idle_for_long(endpoint: Callable[[str], None]) -> None:
    """AWS may have closed it while Lambda had the process frozen."""
    served: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(0)
        connection = len(served) - 1
        while True:
            await read_request(reader)
            served[connection] += 1
            writer.write(TAKEN)

    assert len(send(script, endpoint, (0.0, 4.0, 8.1, 8.2))) == 4
    assert served == [2, 2]
