"""What goes over the wire to carriers and platforms, told apart by what a failure means."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class HttpAnswer(NamedTuple):
    """An HTTP answer; header names are lower case.

    `is_whole` is false where the body ended early, came too slowly or was cut at a limit: the
    status stands all the same.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool = True


class HttpExchange(Protocol):
    """One HTTP request, told apart by what a failure means for who sent it."""

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Return the answer, whatever its status. No redirect is followed, nothing is repeated.

        Raises ExchangeUnreachable when the request cannot have arrived, ExchangeOutcomeUnknown when
        it may have and no status was read.
        """
        ...


class TextAnswer(NamedTuple):
    """AWS's answer to SendTextMessage: a message id, or an error.

    `reason` is what the error names as its Reason, or the type of the resource that is not found.
    """

    status: int
    message_id: str = ""
    error: str = ""
    reason: str = ""


class TextExchange(Protocol):
    """One call of SendTextMessage, told apart by what a failure means."""

    async def __call__(
        self, region: str, request: Mapping[str, Any], timeout_s: float
    ) -> TextAnswer:
        """Return the answer, an error too. Nothing is repeated.

        Raises ExchangeUnreachable when the call cannot have arrived, ExchangeOutcomeUnknown when
        it may have.
        """
        ...


class Outside(NamedTuple):
    """What carriers are reached with."""

    exchange: HttpExchange
    texts: TextExchange
