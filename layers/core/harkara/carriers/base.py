"""The common part of carriers: concurrency, time-outs, and the meaning of HTTP statuses."""

import asyncio
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from harkara.base import time as times
from harkara.base.codes import Code
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, HttpAnswer, Outside
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Revocation, Submission
from harkara.carriers.settings import CarrierSecrets, CarrierSettings

_RETRY_AFTER_LIMIT_S = 3600
_THROTTLED = 429
# Statuses caused by our settings, our account or the connection, not by the message: they pass, or
# an operator corrects them. Redirects count too, as they are not followed (RFC 9110 section 15).
_NOT_TAKEN = frozenset(
    {
        401,  # Unauthorized
        402,  # Payment Required: the account has no credit
        403,  # Forbidden
        404,  # Not Found
        405,  # Method Not Allowed
        406,  # Not Acceptable
        407,  # Proxy Authentication Required
        408,  # Request Timeout: the request did not arrive completely
        410,  # Gone
        411,  # Length Required
        415,  # Unsupported Media Type
        421,  # Misdirected Request
        425,  # Too Early
        426,  # Upgrade Required
    }
)


class Request(NamedTuple):
    """An HTTP request to the carrier."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class TurnTakingCarrier(ABC):
    """Submits `records_per_request` messages a request, `connections` requests at a time.

    Subclasses make the request in `_exchanged`.
    """

    def __init__(self, settings: CarrierSettings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(settings.connections)
        # A wait for a free connection, and the request.
        self.timeout_s = 2 * settings.timeout_s

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        """Submit the messages; return an outcome for each, in order."""
        timeout_s = min(self._settings.timeout_s, within_s / 2)
        parts = self._parts(submissions)
        answers = await asyncio.gather(
            *(self._submit([submissions[index] for index in part], timeout_s) for part in parts)
        )
        outcomes = dict(zip(chain(*parts), chain(*answers), strict=True))
        return [*map(outcomes.__getitem__, range(len(submissions)))]

    def _parts(self, submissions: Sequence[Submission]) -> list[list[int]]:
        """Return the indexes of the messages of each request."""
        size = self._settings.records_per_request
        indexes = list(range(len(submissions)))
        return [indexes[at : at + size] for at in indexes[::size]]

    async def _submit(self, submissions: Sequence[Submission], timeout_s: float) -> list[Outcome]:
        try:
            async with asyncio.timeout(timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            return [NotTaken()] * len(submissions)
        try:
            return await self._exchanged(submissions, timeout_s)
        except ExchangeUnreachable:
            return [NotTaken(failed=True)] * len(submissions)
        except ExchangeOutcomeUnknown:
            return [InDoubt()] * len(submissions)
        finally:
            self._turns.release()

    async def revoke(self, submission: Submission, within_s: float) -> Revocation:
        """Say that the message stays, as a carrier does that revokes none."""
        return Revocation.KEPT

    @abstractmethod
    async def _exchanged(
        self, submissions: Sequence[Submission], timeout_s: float
    ) -> list[Outcome]:
        """Make one request. Raises ExchangeUnreachable and ExchangeOutcomeUnknown."""


class RequestingCarrier(TurnTakingCarrier):
    """Submits by HTTP."""

    def __init__(
        self, settings: CarrierSettings, secrets: CarrierSecrets, outside: Outside
    ) -> None:
        super().__init__(settings)
        self._secrets = secrets
        self._exchange = outside.exchange

    async def _exchanged(
        self, submissions: Sequence[Submission], timeout_s: float
    ) -> list[Outcome]:
        answer = await self._answer(submissions, timeout_s)
        try:
            by_status = outcome_of_status(answer)
            if answer.is_whole or by_status is not None:
                return self._outcomes(answer, by_status, submissions)
        except Exception as error:
            # The carrier may have accepted these messages; the block's other requests are not
            # affected.
            raise ExchangeOutcomeUnknown(f"unreadable: {type(error).__name__}") from error
        raise ExchangeOutcomeUnknown("the body of the answer is broken")

    async def _answer(self, submissions: Sequence[Submission], timeout_s: float) -> HttpAnswer:
        """Submit, and return the answer. Raises ExchangeUnreachable and ExchangeOutcomeUnknown."""
        return await self._exchange(*self._request(submissions), timeout_s)

    @abstractmethod
    def _request(self, submissions: Sequence[Submission]) -> Request:
        """Return the request that submits the messages."""

    @abstractmethod
    def _outcomes(
        self, answer: HttpAnswer, by_status: Outcome | None, submissions: Sequence[Submission]
    ) -> list[Outcome]:
        """Return the outcome of each message by the answer, in order.

        `by_status` is the outcome of them all by its status, None if the body decides.
        """


def outcome_of_status(answer: HttpAnswer) -> Outcome | None:
    """Return the outcome of all messages of a request by its status; None if the body decides.

    Messages that are not clearly refused may have been accepted.
    """
    status = answer.status
    if 200 <= status < 300:
        return None
    # A 503 from a gateway may come after the message was accepted, but not one with Retry-After.
    waits = status == 503 and bool(answer.headers.get("retry-after"))
    if status == _THROTTLED or status in _NOT_TAKEN or 300 <= status < 400 or waits:
        return NotTaken(retry_after_s(answer), failed=status != _THROTTLED)
    return Refused(Code.REFUSED_BY_CARRIER, str(status)) if 400 <= status < 500 else InDoubt()


def retry_after_s(answer: HttpAnswer) -> int:
    """Return the seconds that the carrier asks us to wait, at most an hour; 0 if not specified.

    A date is compared with the answer's own Date header, if present, and not with our clock.
    """
    now_s = times.http_date_s(answer.headers.get("date", ""))
    wait_s = times.retry_after_s(
        answer.headers.get("retry-after", ""), time.time() if now_s is None else now_s
    )
    return min(wait_s, _RETRY_AFTER_LIMIT_S)
