"""Registered callbacks: the destinations of the events of an account's messages.

A callback's secrets (headers, a token, signing secrets) are stored as KMS ciphertext, bound to the
account and the callback's id. The API never returns them.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from harkara.model.events import EventKind
from harkara.model.messages import Endpoint, State
from harkara.model.operator_records import OperatorRecord, Part

FormatName = Literal["clevertap", "moengage", "moengage_batch", "webengage", "generic", "standard"]

SIGNING_SECRETS = 2
"""The number of signing secrets of a callback that may be valid: the present and the previous."""


class CallbackEndpoint(Part):
    """A registered callback.

    Only these `states` and `events` are posted to it; empty means all. `concurrency` limits the
    posts at a time, `rate_per_s` the posts a second; 0 is no limit. `fields` maps our field names
    to those of the `generic` format; `as_array` posts an array. `every_click` posts each click, not
    only the first for a message and link. `header_names` are the names of the secret headers;
    `sealed` is CallbackSecrets as KMS ciphertext, empty for none.
    """

    name_field = "id"

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
        """The endpoint for messages that use this callback."""
        return Endpoint(self.url, self.format, self.id, self.as_array)


class SigningSecret(OperatorRecord):
    """A secret of Standard Webhooks (`whsec_...`), valid until a Unix time; 0: for ever."""

    secret: str
    expires_at_s: int = 0


class CallbackSecrets(OperatorRecord):
    """A callback's secrets; `token` is sent as a bearer token."""

    headers: dict[str, str] = {}
    token: str = ""
    signing: Annotated[tuple[SigningSecret, ...], Field(max_length=SIGNING_SECRETS)] = ()

    def rotated(self, secret: str, now_s: int, overlap_s: int) -> "CallbackSecrets":
        """Return the secrets with a new signing secret; the present one ends in `overlap_s`."""
        ends_s = now_s + overlap_s
        older = tuple(
            SigningSecret(secret=each.secret, expires_at_s=min(each.expires_at_s or ends_s, ends_s))
            for each in self.signing
        )
        valid = tuple(each for each in older if each.expires_at_s > now_s)
        signing = (SigningSecret(secret=secret), *valid)[:SIGNING_SECRETS]
        return self.model_copy(update={"signing": signing})


class Destination(NamedTuple):
    """A callback's destination: the settings and secrets that a post needs."""

    settings: CallbackEndpoint
    secrets: CallbackSecrets


def unregistered(endpoint: Endpoint) -> Destination:
    """Return the destination for a URL given in a request: its format, and no secrets."""
    settings = CallbackEndpoint.model_validate(
        {"id": "", "url": endpoint.url, "format": endpoint.format}
    )
    return Destination(settings, CallbackSecrets())


class PostResult(NamedTuple):
    """The result of a callback attempt: the HTTP status (0: no answer), and a short reason.

    `retry_after_s` is the value of a Retry-After header. `answer` is the beginning of the body, for
    the customer and never for a log. `unprocessed` are messages that the platform accepted but
    could not use: (client_ref, the platform's code) of each. `in_doubt`: the platform may have
    accepted the callback, but no answer arrived.
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
        """Whether the platform accepted the callback."""
        return 200 <= self.status < 300
