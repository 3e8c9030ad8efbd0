"""Read a callback of the fields of a request; FieldRefused names a wrong one.

`headers` and `token` are secret: an endpoint made from the fields does not hold them, and a reader
of the callback sees only the headers' names and whether there is a token. These read-only fields
may be sent back, so that a callback that was read can be put; they change nothing.
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from harkara.base.errors import FieldRefused
from harkara.callbacks.formats import FORMATS
from harkara.model.callback_settings import CallbackSettings
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets
from harkara.model.events import EventKind
from harkara.model.fields import Fields, Rule, read

HEADERS_LIMIT = 20
SECRET_LIMIT = 1_000
# KMS encrypts 4,096 bytes; two signing secrets are 200 of them.
SECRETS_LIMIT_BYTES = 3_800
OVERLAP_LIMIT_S = 7 * 24 * 3600
DAY_S = 24 * 3600

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")  # RFC 9110, 5.6.2
HEADER_VALUE = re.compile(rf"(?=[!-~])[ -~]{{1,{SECRET_LIMIT}}}(?<=[!-~])")
TOKEN = re.compile(rf"[!-~]{{0,{SECRET_LIMIT}}}")
# Headers that every callback sets itself, and those of the connection (RFC 9110, 7.6.1).
_NOT_OURS_TO_GIVE = frozenset(
    (
        *("connection", "content-encoding", "content-length", "content-type", "expect", "host"),
        *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"),
        *("proxy-authorization", "proxy-connection"),
        *("webhook-id", "webhook-signature", "webhook-timestamp"),
    )
)

READ_ONLY = ("header_names", "has_token", "signed")


def _headers(headers: dict[str, str]) -> dict[str, str]:
    good = (
        HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)
        for name, value in headers.items()
    )
    if len(headers) > HEADERS_LIMIT or not all(good):
        raise ValueError
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) < len(headers):
        raise ValueError("each name once; case does not count")
    if _NOT_OURS_TO_GIVE & lower.keys():
        raise ValueError(f"none of {', '.join(sorted(_NOT_OURS_TO_GIVE))}")
    return lower


def _token(token: str) -> str:
    if not TOKEN.fullmatch(token):
        raise ValueError
    return token


HeaderValue = Annotated[
    str, Field(json_schema_extra={"pattern": "^[ -~]+$", "maxLength": SECRET_LIMIT})
]


class GivenSecrets(BaseModel):
    """The secrets in a request; None keeps the stored one. Names of headers are in lower case."""

    headers: Annotated[
        dict[str, HeaderValue] | SkipJsonSchema[None],
        Field(
            description="Sent with each post. Kept as a secret, and not shown again; if they are"
            " absent, the stored ones stay.",
            json_schema_extra={
                "propertyNames": {"pattern": f"^{HEADER_NAME.pattern}$"},
                "maxProperties": HEADERS_LIMIT,
                "writeOnly": True,
            },
        ),
        Rule(
            f"up to {HEADERS_LIMIT} names with values of 1 to {SECRET_LIMIT:,} printable ASCII"
            " characters",
            check=_headers,
        ),
    ] = None
    token: Annotated[
        str | SkipJsonSchema[None],
        Field(
            description="Sent with each post as `Authorization: Bearer`. Kept as `headers` are.",
            json_schema_extra={"pattern": f"^{TOKEN.pattern}$", "writeOnly": True},
        ),
        Rule(f"up to {SECRET_LIMIT:,} printable ASCII characters without spaces", check=_token),
    ] = None

    def over(self, secrets: CallbackSecrets) -> CallbackSecrets:
        """Return the stored secrets with the given ones in their place. Raises FieldRefused."""
        update = self.model_dump(include={"headers", "token"}, exclude_none=True)
        changed = secrets.model_copy(update=update)
        if changed.token and "authorization" in changed.headers:
            raise FieldRefused("headers", "no authorization beside a token, which goes there")
        if len(changed.model_copy(update={"signing": ()}).model_dump_json()) > SECRETS_LIMIT_BYTES:
            raise FieldRefused("headers", f"with the token up to {SECRETS_LIMIT_BYTES:,} bytes")
        return changed


class CallbackRequest(CallbackSettings, GivenSecrets):
    """The fields of a callback in a request. Whether the URL is allowed is not checked here."""

    @field_validator("events")
    @classmethod
    def _has_the_format(
        cls, events: tuple[EventKind, ...], info: ValidationInfo
    ) -> tuple[EventKind, ...]:
        kinds = FORMATS[info.data.get("format", "clevertap")].kinds
        if not kinds.issuperset(events):
            raise ValueError(f"a list of {', '.join(kind for kind in EventKind if kind in kinds)}")
        return events

    @field_validator("fields", "as_array")
    @classmethod
    def _is_generic(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("format", "generic") != "generic":
            raise ValueError("for the format generic alone")
        return value


class RenewSecret(BaseModel):
    """A request for a new signing secret."""

    overlap_s: Annotated[
        int,
        Field(
            ge=0,
            le=OVERLAP_LIMIT_S,
            description="How long the present secret stays valid.",
            examples=[DAY_S],
        ),
        Rule(f"a whole number from 0 to {OVERLAP_LIMIT_S:,}"),
    ] = DAY_S


def callback_of(fields: Fields) -> CallbackEndpoint:
    """Return a callback without its secrets."""
    values = {name: value for name, value in fields.items() if name not in READ_ONLY}
    request = read(CallbackRequest, values)
    if "retry_delays_s" not in request.model_fields_set:
        request = request.model_copy(
            update={"retry_delays_s": FORMATS[request.format].retry_delays_s}
        )
    return CallbackEndpoint(**request.model_dump(exclude={"headers", "token"}))


def secrets_of(fields: Fields) -> GivenSecrets:
    """Return the secrets in a callback's fields."""
    return read(GivenSecrets, {name: fields.get(name) for name in GivenSecrets.model_fields})
