"""The errors of the package, one tree, and HTTP exchanges, which raise some of them.

    HarkaraError
      RequestRefused            the caller's fault; carries a code
        NothingAccepted         (accept.service) no record accepted; carries each one's result
      FieldRefused              an invalid field of a resource to register
      VariableRefused           an invalid value for a template's variable
      ForeignReference          a receipt or id that is not ours
      LeaseHeld                another worker may hold the lease: try again later
      OutOfTime                 the deadline is near: queue the rest again
      StoreUnavailable          AWS did not accept a write or read: try again
      CarrierUnreachable        no carrier of this name is configured
      TokenUnavailable          a carrier issued no token for its requests
      ExchangeError             an HTTP request that got no answer
        ExchangeUnreachable     the request was never sent
        ExchangeOutcomeUnknown  it may have arrived: never repeat it blindly

Any other exception is a bug. An error's text holds no message text, number or secret.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import Field
from typing_extensions import TypedDict

from harkara.base.codes import MEANINGS, Code

Advice = Annotated[
    str, Field(min_length=1, description="What to do, and what more there is to say.")
]


class Refusal(TypedDict):
    """The body of a refusal."""

    status: Literal[False]
    Error: Code
    message: Advice


class HarkaraError(Exception):
    """The base class of all errors that this package raises on purpose."""


class RequestRefused(HarkaraError):
    """A request that is answered with 4xx (or 5xx if its code says so).

    The same request may succeed after `retry_after_s`; 0 means that waiting does not help.
    """

    def __init__(self, code: Code, detail: str = "", *, retry_after_s: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.message = f"{MEANINGS[code].advice} {detail}".strip()

    def body(self) -> Refusal:
        """Return the body of the answer; all errors have this shape."""
        return {"status": False, "Error": self.code, "message": self.message}


class FieldRefused(HarkaraError):
    """An invalid field of an account's resource; states the rule and never the value."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class UnknownCallback(FieldRefused):
    """A field that names a callback which the account does not have."""

    def __init__(self, field: str) -> None:
        super().__init__(field, "the id of a registered callback")


class VariableRefused(HarkaraError):
    """An invalid, missing or surplus value for a variable of a template."""

    def __init__(self, number: int, rule: str) -> None:
        super().__init__(f"variable {number} {rule}")
        self.number = number


class ForeignReference(HarkaraError):
    """An id or reference that this gateway did not issue."""


class LeaseHeld(HarkaraError):
    """Another delivery of the same queue message may still hold the lease of this work."""


class OutOfTime(HarkaraError):
    """Too little of the invocation is left to begin the next piece of work."""


class StoreUnavailable(HarkaraError):
    """A store or queue still failed after its retries; nothing is known to be lost."""


class CarrierUnreachable(HarkaraError):
    """No carrier of this name is configured: nothing was submitted."""


class ExchangeError(HarkaraError):
    """An HTTP request got no answer."""


class ExchangeUnreachable(ExchangeError):
    """No connection was made: the other side received nothing."""


class ExchangeOutcomeUnknown(ExchangeError):
    """The request was sent and no clear answer came: the other side may have acted on it."""


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


@dataclass(frozen=True, slots=True)
class Token:
    """A token that a carrier issued, and how long it is good for; `repr` does not show it."""

    value: str = field(repr=False)
    lifetime_s: int


class TokenUnavailable(HarkaraError):
    """A carrier issued no token: nothing can be submitted to it. The text says why."""


LogIn = Callable[[str, float], Awaitable[Token]]
"""Gets a new token from a carrier, given the previous one or "", and the time (Unix seconds).

Raises TokenUnavailable.
"""


class TokenSource(Protocol):
    """Keeps the tokens of carriers, and has one process at a time renew each."""

    async def __call__(
        self, carrier: str, version: str, log_in: LogIn, refused: str, within_s: float
    ) -> str:
        """Return a carrier's token, another than the `refused` one, within `within_s` seconds.

        A token belongs to a version of the carrier's settings. Raises TokenUnavailable and
        StoreUnavailable.
        """
        ...


async def no_tokens(
    carrier: str, version: str, log_in: LogIn, refused: str, within_s: float
) -> str:
    """Keep no tokens, where no carrier needs one."""
    raise TokenUnavailable("no tokens are kept here")


class Outside(NamedTuple):
    """The connections by which carriers are reached, and the tokens that they issued."""

    exchange: HttpExchange
    texts: TextExchange
    tokens: TokenSource = no_tokens
