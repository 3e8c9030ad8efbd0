"""Read the fields of a registered callback; FieldRefused names a wrong one.

`headers` and `token` are secret: an endpoint made from the fields does not hold them, and a reader
of the callback sees only the headers' names and whether there is a token. These read-only fields
may be sent back, so that a callback that was read can be put; they change nothing.
"""

import re
from typing import Any, NamedTuple

from harkara.base import fields as given
from harkara.base.errors import FieldRefused
from harkara.base.fields import Fields
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.formats.generic import NAMES
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets
from harkara.model.events import EventKind
from harkara.model.fields import CALLBACK_ID
from harkara.model.messages import State

CONCURRENCY_LIMIT = 1_000
RATE_LIMIT_PER_S = 10_000
HEADERS_LIMIT = 20
SECRET_LIMIT = 1_000
# KMS encrypts 4,096 bytes; two signing secrets are 200 of them.
SECRETS_LIMIT_BYTES = 3_800
OVERLAP_LIMIT_S = 7 * 24 * 3600
DAY_S = 24 * 3600

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")  # RFC 9110, 5.6.2
HEADER_VALUE = re.compile(rf"(?=[!-~])[ -~]{{1,{SECRET_LIMIT}}}(?<=[!-~])")
FIELD_NAME = re.compile(r"[A-Za-z0-9_.:$-]{1,64}")
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

_ID: given.Pattern = (
    CALLBACK_ID,
    "1 to 64 letters, digits, hyphens and underscores, not a hyphen alone",
)
_URL: given.Pattern = re.compile(r"\S+"), "an https URL"
_TOKEN: given.Pattern = TOKEN, f"up to {SECRET_LIMIT:,} printable ASCII characters without spaces"
_HEADERS = (
    f"up to {HEADERS_LIMIT} names with values of 1 to {SECRET_LIMIT:,} printable ASCII characters"
)
_NAMES = (
    f"an object of {', '.join(NAMES)}, or some of them, each with a name of 1 to 64 letters,"
    " digits and _ . : $ -"
)
_SETTINGS = ("states", "events", "concurrency", "rate_per_s", "fields", "as_array", "every_click")
_SECRETS = ("headers", "token")
READ_ONLY = ("header_names", "has_token", "signed")


def callback_of(fields: Fields) -> CallbackEndpoint:
    """Return a callback without its secrets. Whether the URL is allowed is not checked here."""
    given.check_names(fields, "id", "name", "url", "format", *_SETTINGS, *_SECRETS, *READ_ONLY)
    secrets_of(fields)
    form: Any = "clevertap" if fields.get("format") is None else fields["format"]
    if form not in tuple(FORMATS):
        raise FieldRefused("format", f"one of {', '.join(FORMATS)}")
    kinds = [kind for kind in EventKind if kind in FORMATS[form].kinds]
    return CallbackEndpoint(
        id=given.string(fields, "id", _ID),
        name=given.string(fields, "name", given.NAME),
        url=given.string(fields, "url", _URL),
        format=form,
        states=tuple(map(State, given.some_of(fields, "states", tuple(State)))),
        events=tuple(map(EventKind, given.some_of(fields, "events", kinds))),
        concurrency=given.whole(fields, "concurrency", CONCURRENCY_LIMIT),
        rate_per_s=given.number(fields, "rate_per_s", RATE_LIMIT_PER_S),
        fields=_names(fields, form),
        as_array=_as_array(fields, form),
        every_click=given.flag(fields, "every_click"),
    )


def fields_of(callback: CallbackEndpoint) -> dict[str, Any]:
    """Return a callback's fields without its secrets."""
    return callback.model_dump(mode="json", exclude={"sealed"})


class GivenSecrets(NamedTuple):
    """The secrets in a request; None keeps the stored one."""

    headers: dict[str, str] | None
    token: str | None

    def over(self, secrets: CallbackSecrets) -> CallbackSecrets:
        """Return the stored secrets with the given ones in their place. Raises FieldRefused."""
        update = {name: value for name, value in self._asdict().items() if value is not None}
        changed = secrets.model_copy(update=update)
        if changed.token and "authorization" in changed.headers:
            raise FieldRefused("headers", "no authorization beside a token, which goes there")
        if len(changed.model_copy(update={"signing": ()}).model_dump_json()) > SECRETS_LIMIT_BYTES:
            raise FieldRefused("headers", f"with the token up to {SECRETS_LIMIT_BYTES:,} bytes")
        return changed


def secrets_of(fields: Fields) -> GivenSecrets:
    """Return the secrets in a callback's fields; names of headers in lower case."""
    headers = _headers(fields) if fields.get("headers") is not None else None
    token = None
    if fields.get("token") is not None:
        token = given.string(fields, "token", _TOKEN, trim=False)
    return GivenSecrets(headers, token)


def overlap_s_of(fields: Fields) -> int:
    """Return for how many seconds a replaced signing secret stays valid: a day unless given."""
    given.check_names(fields, "overlap_s")
    return given.whole(fields, "overlap_s", OVERLAP_LIMIT_S, default=DAY_S)


def _names(fields: Fields, form: str) -> dict[str, str]:
    """Return the names of an event's fields at this destination; empty for the default names."""
    names = given.texts(fields, "fields", _NAMES)
    if not names:
        return {}
    if form != "generic":
        raise FieldRefused("fields", "names for the format generic alone")
    theirs = names.values()
    if not names.keys() <= set(NAMES) or not all(map(FIELD_NAME.fullmatch, theirs)):
        raise FieldRefused("fields", _NAMES)
    if len(set(theirs)) < len(theirs):
        raise FieldRefused("fields", "each name for one thing alone")
    if not names.keys() & {"mid", "smsgid"}:
        raise FieldRefused("fields", "mid or smsgid among them: which message it is")
    return names


def _as_array(fields: Fields, form: str) -> bool:
    as_array = given.flag(fields, "as_array")
    if as_array and form != "generic":
        raise FieldRefused("as_array", "true for the format generic alone")
    return as_array


def _headers(fields: Fields) -> dict[str, str]:
    headers = given.texts(fields, "headers", _HEADERS)
    good = (
        HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)
        for name, value in headers.items()
    )
    if len(headers) > HEADERS_LIMIT or not all(good):
        raise FieldRefused("headers", _HEADERS)
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) < len(headers):
        raise FieldRefused("headers", "each name once; case does not count")
    if _NOT_OURS_TO_GIVE & lower.keys():
        raise FieldRefused("headers", f"none of {', '.join(sorted(_NOT_OURS_TO_GIVE))}")
    return lower
