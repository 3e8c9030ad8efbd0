"""The errors of the package, one tree.

    HarkaraError
      RequestRefused            the caller's fault; carries a code
        NothingAccepted         (services.accept) with what became of each record
      FieldRefused              a field of what is to be registered
      VariableRefused           a value that a template's variable does not take
      ForeignReference          a receipt or id that is not ours
      NotOurTurn                another holder may still be at work: come back later
      OutOfTime                 the deadline is near: hand the rest on
      StoreUnavailable          AWS did not take a write or read; try again
      CarrierUnreachable        no carrier of this name is configured
      ExchangeError             an HTTP request that got no answer
        ExchangeUnreachable     the request never left
        ExchangeOutcomeUnknown  it may have arrived: never blindly repeated

Whatever else is raised is a bug. An error's text holds no message text, number or secret.
"""

from harkara.base.codes import MEANINGS, Code


class HarkaraError(Exception):
    """The root: everything that this package raises on purpose."""


class RequestRefused(HarkaraError):
    """A request that is answered with 4xx (or 5xx where its code says so).

    `retry_after_s` is when the same request may succeed, 0 where waiting does not help.
    """

    def __init__(self, code: Code, detail: str = "", *, retry_after_s: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.message = f"{MEANINGS[code].advice} {detail}".strip()

    def body(self) -> dict[str, object]:
        """Return the one shape in which errors are answered."""
        return {"status": False, "Error": self.code, "message": self.message}


class FieldRefused(HarkaraError):
    """A field that an account's part cannot have so; says what it must be, never what it was."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class VariableRefused(HarkaraError):
    """A value that a variable of a template does not take, or one that is missing or too many."""

    def __init__(self, number: int, rule: str) -> None:
        super().__init__(f"variable {number} {rule}")
        self.number = number


class ForeignReference(HarkaraError):
    """An id or reference that this gateway did not give."""


class NotOurTurn(HarkaraError):
    """Another delivery of the same queue message may still hold this work."""


class OutOfTime(HarkaraError):
    """Too little of the invocation is left to begin the next piece of work."""


class StoreUnavailable(HarkaraError):
    """A store or queue did not do what was asked within its retries; nothing is known lost."""


class CarrierUnreachable(HarkaraError):
    """No carrier of this name is configured: nothing was submitted."""


class ExchangeError(HarkaraError):
    """An HTTP request got no answer."""


class ExchangeUnreachable(ExchangeError):
    """No connection was made: the other side got nothing."""


class ExchangeOutcomeUnknown(ExchangeError):
    """The request left and no clear answer came: the other side may have acted on it."""
