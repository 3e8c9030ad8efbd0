"""Call SendTextMessage in a thread per call, since botocore has no asynchronous calls."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from harkara.aws.clients import PATIENT, PinpointSMSVoiceV2Client, session
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, TextAnswer
from harkara.base.time import Clock

# Longer than any carrier's timeout: a thread outlives its call for no longer than this.
_READ_TIMEOUT_S = 30
# Lambda freezes a process between invocations, and AWS may close its connections meanwhile: a call
# on a closed connection would be in doubt.
_KEEPALIVE_S = 4

# Nothing was sent: no credentials, no name, no route, no TLS.
_NOT_SENT = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)


def open_texts(region: str, calls: int) -> PinpointSMSVoiceV2Client:
    """Return a client for `calls` concurrent calls. It never retries: AWS would send twice."""
    once = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        read_timeout=_READ_TIMEOUT_S,
        max_pool_connections=calls,
    )
    return session().client("pinpoint-sms-voice-v2", region, config=PATIENT.merge(once))


class AwsTextExchange:
    """Sends a text and returns the answer; see `exchanges.TextExchange`.

    `calls` limits the concurrent calls of the process.
    """

    def __init__(
        self,
        calls: int,
        clock: Clock,
        connect: Callable[[str, int], PinpointSMSVoiceV2Client] = open_texts,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._connect = connect
        self._clients: dict[str, PinpointSMSVoiceV2Client] = {}
        self._used_s: dict[str, float] = {}
        self._threads = ThreadPoolExecutor(calls, "texts")

    async def __call__(
        self, region: str, request: Mapping[str, Any], timeout_s: float
    ) -> TextAnswer:
        """Send a text within `timeout_s` seconds altogether."""
        call = self._threads.submit(_send, self._client(region), request)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.wrap_future(call)
        except TimeoutError:
            if call.cancel():
                raise ExchangeUnreachable("no thread was free") from None
            raise ExchangeOutcomeUnknown("no answer in time") from None

    def _client(self, region: str) -> PinpointSMSVoiceV2Client:
        if region not in self._clients:
            self._clients[region] = self._connect(region, self._calls)
        now_s = self._clock()
        if now_s - self._used_s.get(region, now_s) > _KEEPALIVE_S:
            self._clients[region].close()  # closes idle connections; the client opens new ones
        self._used_s[region] = now_s
        return self._clients[region]


def _send(texts: PinpointSMSVoiceV2Client, request: Mapping[str, Any]) -> TextAnswer:
    try:
        answer = texts.send_text_message(**request)
    except ClientError as error:
        response: Mapping[str, Any] = error.response
        return TextAnswer(
            status=response["ResponseMetadata"]["HTTPStatusCode"],
            error=response["Error"]["Code"],
            reason=response.get("Reason") or response.get("ResourceType") or "",
        )
    except _NOT_SENT as error:
        raise ExchangeUnreachable(type(error).__name__) from error
    except Exception as error:  # botocore lets errors of urllib3 and of its own parser through
        raise ExchangeOutcomeUnknown(type(error).__name__) from error
    return TextAnswer(200, message_id=answer.get("MessageId", ""))
