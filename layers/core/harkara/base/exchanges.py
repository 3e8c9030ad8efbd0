"""Requests to carriers and platforms; errors say whether the request may have arrived."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class HttpAnswer(NamedTuple):
    """An HTTP answer; header names are lower case.

    `is_whole` is false if the body ended early, came too slowly or was cut at a limit; the status
    is valid all the same.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool = True


class HttpExchange(Protocol):
    """Sends one HTTP request; its errors say whether the request may have arrived."""

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Return the answer with any status. No redirect is followed, nothing is repeated.

        Raises ExchangeUnreachable when the request cannot have arrived, ExchangeOutcomeUnknown when
        it may have and no status was read.
        """
        ...


class TextAnswer(NamedTuple):
    """AWS's answer to SendTextMessage: a message id, or an error.

    `reason` is the error's Reason field, or the type of the resource that is not found.
    """

    status: int
    message_id: str = ""
    error: str = ""
    reason: str = ""


class TextExchange(Protocol):
    """Calls SendTextMessage once; its errors say whether the call may have arrived."""

    async def __call__(
        self, region: str, request: Mapping[str, Any], timeout_s: float
    ) -> TextAnswer:
        """Return the answer, even if it is an error. Nothing is repeated.

        Raises ExchangeUnreachable when the call cannot have arrived, ExchangeOutcomeUnknown when
        it may have.
        """
        ...


class Outside(NamedTuple):
    """The connections by which carriers are reached."""

    exchange: HttpExchange
    texts: TextExchange
