"""The configuration of an exchange with a provider of kind `http`: a request, and its answer.

A provider that issues tokens takes two of them, a login and a submit (`http_options`). A value may
hold placeholders such as `{to}`. JSON pointers (RFC 6901) name the fields of answers.
"""

import re
from typing import Annotated, Literal

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from harkara.base.codes import Code
from harkara.carriers.http_placeholders import (
    HEADER_PLACEHOLDERS,
    LOGIN_PLACEHOLDERS,
    NOT_IN_URLS,
    RECORDS,
    placeholders_of,
)
from harkara.model.fields import OperatorRecord

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LOGIN_URL = re.compile(r"https://[^/@{}#\s]+/[^{}#\s]*|http://127\.0\.0\.1:\d+/[^{}#\s]*")
_REVOKE_URL = re.compile(r"https://[^/@{}#\s]+/[^#\s]*|http://127\.0\.0\.1:\d+/[^#\s]*")

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)*$")]
"""A JSON pointer; "" is the whole document, or in an optional field: not present."""


class Options(OperatorRecord):
    """Options of an operator, of which an unknown one is refused."""

    model_config = ConfigDict(extra="forbid")


class AnswerFormat(Options):
    """The format of an answer: JSON, XML, a form, or text that `separator` splits into an array."""

    format: Literal["json", "form", "text", "xml"] = "json"
    separator: str = Field(default="|", min_length=1)


class RequestOptions(Options):
    """A request without its URL. The body is `form` or `json_body`, or none."""

    method: Literal["GET", "POST", "PUT", "DELETE"] = "POST"
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    form: dict[str, str] = {}
    json_body: JsonValue = None

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("a header's name is letters, digits and -")
            if not value.isprintable():
                raise ValueError(f"the header {name} must be one printable line")
            if others := placeholders_of(value) - HEADER_PLACEHOLDERS:
                raise ValueError(f"{{{min(others)}}} cannot stand in a header")
        return headers

    @field_validator("headers", "query", "form", "json_body")
    @classmethod
    def _check_placeholders(cls, template: JsonValue) -> JsonValue:
        placeholders_of(template)
        return template

    @field_validator("query", "form")
    @classmethod
    def _holds_no_records(cls, fields: dict[str, str]) -> dict[str, str]:
        if RECORDS in placeholders_of(fields):
            raise ValueError("{records} stands in json_body or xml_body")
        return fields

    @property
    def placeholders(self) -> set[str]:
        """The placeholders in the request."""
        return placeholders_of([self.headers, self.query, self.form, self.json_body])


class AnswerOptions(AnswerFormat):
    """The reading of the answer to a submit.

    If `status` is set, the message was accepted only if its value is in `taken`; the carrier's code
    is then at `error`. Otherwise a code at `error` that is not in `no_errors` means refused. Codes
    `words` are the provider's about an error. Codes
    in `throttles` are temporary, those in `doubts` leave the message in doubt, and `failures` maps
    the others to ours. The id is the text after the first `id_after` and before the next
    `id_before`, if present.

    For a request with several records, `entries` are their answers, to which the pointers above
    are relative. The value at `record` in an entry is the record's `{reference}` or `{index}`; if
    `record` is not set, the entries are in the order of the records. A code at `whole_error`
    applies to all of them. A record without an answer of its own is in doubt.
    """

    id: Pointer = ""
    id_after: str = ""
    id_before: str = ""
    status: Pointer = ""
    taken: tuple[str, ...] = ()
    error: Pointer = ""
    words: Pointer = ""
    no_errors: tuple[str, ...] = ("0", "000")
    throttles: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    failures: dict[str, Code] = {}
    entries: Pointer = ""
    record: Pointer = ""
    whole_error: Pointer = ""


class RevokeOptions(RequestOptions):
    """The request that revokes an RCS message which is not delivered yet, for channel `rcs`.

    `url` may hold placeholders, as the carrier's own. An answer with a status in `revoked` says
    that the phone will never get the message, one in `kept` that it stays; after any other, and
    after none, the carrier is asked again.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"] = "DELETE"
    url: str
    revoked: tuple[Annotated[int, Field(ge=200, le=599)], ...] = (200, 202, 204)
    kept: tuple[Annotated[int, Field(ge=200, le=599)], ...] = (404, 409, 410)

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        if not _REVOKE_URL.fullmatch(url) or placeholders_of(url) & NOT_IN_URLS:
            raise ValueError("write https, a host without placeholders, and a path")
        return url

    @model_validator(mode="after")
    def _is_of_one_message(self) -> "RevokeOptions":
        if others := self.placeholders & (NOT_IN_URLS - {"token"}):
            raise ValueError(f"{{{min(others)}}} cannot stand in it")
        return self

    @property
    def placeholders(self) -> set[str]:
        """The placeholders in the request."""
        return super().placeholders | placeholders_of(self.url)


class LoginOptions(RequestOptions):
    """The request for a token, which `{token}` stands for in the requests that submit messages.

    It may hold `{username}`, `{password}`, `{basic}`, and the previous token as `{token}`. If
    `scope` is set, the password is the key of a Google service account in JSON; it signs the JWT
    `{assertion}` for this scope, and stands in no request itself (`service_account`). In the
    answer, `token` is the token, `expires_in` its lifetime in seconds and `expires_at` its end (see
    ReceiptOptions for times); without them it is good for `lifetime_s`. A token is renewed before
    it ends, and once if a submit is answered 401, or with one of the codes in `refused`.
    """

    url: str
    scope: str = ""
    answer: AnswerFormat = AnswerFormat()
    token: Pointer
    expires_in: Pointer = ""
    expires_at: Pointer = ""
    time_format: str = ""
    utc_offset_minutes: int = Field(default=0, ge=-14 * 60, le=14 * 60)
    lifetime_s: int = Field(default=3600, ge=60)
    refused: tuple[str, ...] = ()

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        if not _LOGIN_URL.fullmatch(url):
            raise ValueError("write https, a host and a path, without a user name or placeholders")
        return url

    @field_validator("headers", "query", "form", "json_body")
    @classmethod
    def _holds_no_message(cls, template: JsonValue) -> JsonValue:
        if others := placeholders_of(template) - LOGIN_PLACEHOLDERS:
            raise ValueError(f"{{{min(others)}}} cannot stand in a login")
        return template

    @model_validator(mode="after")
    def _asserts_within_its_scope(self) -> "LoginOptions":
        if ("assertion" in self.placeholders) != bool(self.scope):
            raise ValueError("scope: {assertion} asks for a token of it, signed with a key")
        return self
