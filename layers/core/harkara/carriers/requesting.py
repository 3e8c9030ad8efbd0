"""What carriers have in common: turns and time-outs; over HTTP, what a bare status means."""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harkara.carrier_settings import CarrierSecrets, CarrierSettings
from harkara.codes import Code
from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable
from harkara.exchanges import HttpAnswer, Outside
from harkara.submissions import InDoubt, NotTaken, Outcome, Refused, Submission

_RETRY_AFTER_LIMIT_S = 3600


class Request(NamedTuple):
    """What goes to the carrier."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class TurnTakingCarrier(ABC):
    """Submits `records_per_request` messages a request, `connections` requests at a time.

    A kind makes a request in `_exchanged`.
    """

    def __init__(self, settings: CarrierSettings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(settings.connections)

    @property
    def timeout_s(self) -> float:
        """How long `submit` takes at the most: a wait for its turn, and the request."""
        return 2 * self._settings.timeout_s

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        """Hand the messages over; an outcome for each, in order."""
        size = self._settings.records_per_request
        parts = [submissions[at : at + size] for at in range(0, len(submissions), size)]
        timeout_s = min(self._settings.timeout_s, within_s / 2)
        outcomes = await asyncio.gather(*(self._submit(part, timeout_s) for part in parts))
        return [outcome for part in outcomes for outcome in part]

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
        answer = await self._exchange(*self._request(submissions), timeout_s)
        if not answer.is_whole and outcome_of_status(answer) is None:
            raise ExchangeOutcomeUnknown("the body of the answer is broken")
        try:
            return self._outcomes(answer, submissions)
        except Exception as error:
            # The carrier may have taken these; of the block's other requests it says nothing.
            raise ExchangeOutcomeUnknown(f"unreadable: {type(error).__name__}") from error

    @abstractmethod
    def _request(self, submissions: Sequence[Submission]) -> Request:
        """Return what is sent."""

    @abstractmethod
    def _outcomes(self, answer: HttpAnswer, submissions: Sequence[Submission]) -> list[Outcome]:
        """Return what the answer means, for each in order."""


def outcome_of_status(answer: HttpAnswer) -> Outcome | None:
    """Return what a status says of all messages of a request; None where the body decides.

    What is not clearly a refusal may have been taken.
    """
    # A 503 of a gateway may come after the message was taken; one that names a time does not.
    if answer.status == 429 or (answer.status == 503 and answer.headers.get("retry-after")):
        return NotTaken(retry_after_s(answer), failed=answer.status == 503)
    if answer.status in (401, 403, 404):  # our settings are wrong: an operator mends them
        return NotTaken(failed=True)
    if 400 <= answer.status < 500:
        return Refused(Code.REFUSED_BY_CARRIER, str(answer.status))
    return None if 200 <= answer.status < 300 else InDoubt()


def retry_after_s(answer: HttpAnswer) -> int:
    """Return how long the carrier asks us to wait; 0 where it names no seconds."""
    wait = answer.headers.get("retry-after", "")
    return min(int(wait[:9]), _RETRY_AFTER_LIMIT_S) if wait.isdecimal() else 0
