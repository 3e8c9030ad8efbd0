"""Registered callbacks: where the events of an account's messages go, and how.

What is secret of one (headers, a token, signing secrets) is KMS ciphertext, bound to the account
and the callback's id. No answer of the API shows it.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from harkara.model.events import EventKind
from harkara.model.messages import Endpoint, State
from harkara.model.operator_records import OperatorRecord, Part

FormatName = Literal["clevertap", "moengage", "moengage_batch", "webengage", "generic", "standard"]

SIGNING_SECRETS = 2
"""How many signing secrets of a callback are valid: the present one, and the one before it."""


class CallbackEndpoint(Part):
    """A registered callback.

    `states` and `events` are what it wants to hear of, all where they are empty. `concurrency` is
    how many posts it gets at a time, `rate_per_s` how many a second; 0 is no limit. `fields` are
    the names that the `generic` format gives what it says, `as_array` whether that is an array.
    `every_click`: a click is told each time, not once a message and link. `header_names` are the
    names of secret headers; `sealed` is CallbackSecrets as KMS ciphertext, empty for none.
    """

    id: str
    name: str = ""
    url: str
    format: FormatName = "clevertap"
    states: tuple[State, ...] = ()
    events: tuple[EventKind, ...] = ()
    concurrency: int = Field(default=0, ge=0, le=1000)
    rate_per_s: float = Field(default=0.0, ge=0)
    fields: dict[str, str] = {}
    as_array: bool = False
    every_click: bool = False
    header_names: tuple[str, ...] = ()
    has_token: bool = False
    signed: bool = False
    sealed: bytes = b""

    @property
    def endpoint(self) -> Endpoint:
        """Where a message's callbacks go that names this one."""
        return Endpoint(self.url, self.format, self.id, self.as_array)


class SigningSecret(OperatorRecord):
    """A secret of Standard Webhooks (`whsec_...`), valid until a Unix time; 0: for good."""

    secret: str
    expires_at_s: int = 0


class CallbackSecrets(OperatorRecord):
    """What is secret of a callback; a `token` goes out as a bearer token."""

    headers: dict[str, str] = {}
    token: str = ""
    signing: Annotated[tuple[SigningSecret, ...], Field(max_length=SIGNING_SECRETS)] = ()

    def rotated(self, secret: str, now_s: int, overlap_s: int) -> "CallbackSecrets":
        """Return the secrets with another one to sign with; the present one ends in `overlap_s`."""
        ends_s = now_s + overlap_s
        older = tuple(
            SigningSecret(secret=each.secret, expires_at_s=min(each.expires_at_s or ends_s, ends_s))
            for each in self.signing
        )
        valid = tuple(each for each in older if each.expires_at_s > now_s)
        signing = (SigningSecret(secret=secret), *valid)[:SIGNING_SECRETS]
        return self.model_copy(update={"signing": signing})


class Destination(NamedTuple):
    """Where a callback goes, with all that a post needs."""

    settings: CallbackEndpoint
    secrets: CallbackSecrets


def unregistered(endpoint: Endpoint) -> Destination:
    """Return the destination of a URL that a request named: its format, and no secrets."""
    settings = CallbackEndpoint.model_validate(
        {"id": "", "url": endpoint.url, "format": endpoint.format}
    )
    return Destination(settings, CallbackSecrets())


class PostResult(NamedTuple):
    """What came of a callback: the HTTP status (0: none came), and why, in a few plain words.

    `retry_after_s` is what a Retry-After header asked for. `answer` is the beginning of the body,
    for the customer's eyes and never for a log. `unprocessed` are messages that the platform took
    and could not use: their client_ref, and its code. `in_doubt`: it may have taken the callback,
    and nobody heard that.
    """

    status: int
    reason: str
    retry_after_s: int = 0
    answer: str = ""
    duration_ms: int = 0
    unprocessed: tuple[tuple[str, str], ...] = ()
    in_doubt: bool = False

    @property
    def acknowledged(self) -> bool:
        """Whether the platform took it."""
        return 200 <= self.status < 300
