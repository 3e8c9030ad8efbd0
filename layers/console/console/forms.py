"""Read the forms that browsers send, with files or without. No field is required here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from console.pages import View
from harkara.accept.formats.record_parsing import check_length
from harkara.api.request import Request
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import FieldRefused, RequestRefused, UnknownCallback

FIELDS_LIMIT = 500
_FORM = "application/x-www-form-urlencoded"
_WITH_FILES = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form in the order of their names' first values, and its files."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a field's first value without white space around it, "" for none."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """Return a field's first value, with line ends as LF; "" for none."""
        values = self.fields.get(name) or [""]
        return values[0].replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        """Return all values of a field that are not empty."""
        return [value for value in self.fields.get(name, ()) if value]


class Problem(NamedTuple):
    """What is wrong with a form: the field, "" for the whole, and what is expected."""

    field: str
    message: str


def problem_of(error: RequestRefused, fields: Mapping[Code, str] | None = None) -> Problem:
    """Return a refusal by a service as a problem of a field.

    `fields` names the field of a code. Raises RequestRefused(NOT_FOUND) for a callback that the
    account does not have. Of a field that is wrong, the service's error is caused by
    one that names it.
    """
    cause = error.__cause__
    if isinstance(cause, UnknownCallback):
        # Forms offer the account's own: whoever sends another one may be trying its name.
        raise RequestRefused(Code.NOT_FOUND, f"({cause.field})") from error
    if isinstance(cause, FieldRefused):
        return Problem(cause.field, cause.rule)
    return Problem((fields or {}).get(error.code, ""), error.message)


def form_view(
    template: str,
    values: Mapping[str, Any],
    refused: RequestRefused | None = None,
    fields: Mapping[Code, str] | None = None,
) -> View:
    """Return a page with a form, of a refusal with its problem and its status."""
    problem = problem_of(refused, fields) if refused else None
    return View(template, {"problem": problem, **values}, status_of(refused))


def status_of(refused: RequestRefused | None) -> int:
    """Return the status of a page that says what was refused, if something was."""
    return MEANINGS[refused.code].http_status if refused else 200


def read(request: Request) -> Form:
    """Return the form in a request's body. Raises RequestRefused."""
    check_length(request.body)
    content_type = request.content_type
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM or not request.body:
        return _urlencoded(request.body)
    if kind == _WITH_FILES:
        return _multipart(content_type, request.body)
    raise RequestRefused(Code.INVALID_REQUEST, "(a form of the console)")


def _urlencoded(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_LIMIT
        )
    except ValueError as error:
        raise RequestRefused(Code.INVALID_REQUEST, "(too many fields)") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Form(fields)


def _multipart(content_type: str, body: bytes) -> Form:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "replace")
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = str(part.get_param("name", "", "content-disposition"))
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        if part.get_filename() is not None:
            files[name] = content
        else:
            fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
    return Form(fields, files)
