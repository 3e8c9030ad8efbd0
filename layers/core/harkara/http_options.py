"""How a provider of kind `http` is spoken with: configuration, checked when it is saved.

A value may hold placeholders, `{to}`, and a doubled brace for a brace. Values stand in the places
that their kind of body has (a member of JSON, a field of a form), so each is escaped for its
place, and none can break out of it. A value that is one placeholder alone is left out where there
is nothing to put in. What is read of answers and receipts is named by JSON pointers (RFC 6901).

    {to} {from} {text} {reference} {account_id} {category} {segment_count} {validity_s}
    {encoding}                                GSM7 or UCS2
    {pe_id} {dlt_template_id} {chain_hash}    of DLT
    {username} {password} {basic}             the last is base64 of `username:password`
    {receipt_url}                             where this carrier posts its receipts
"""

import re
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, field_validator

from harkara.codes import Code
from harkara.messages import State
from harkara.operator_records import OperatorRecord

PLACEHOLDERS = frozenset(
    {
        "to",
        "from",
        "text",
        "reference",
        "pe_id",
        "dlt_template_id",
        "chain_hash",
        "category",
        "encoding",
        "segment_count",
        "validity_s",
        "account_id",
        "username",
        "password",
        "basic",
        "receipt_url",
    }
)
# What comes from a customer or from outside may not be what a header can hold.
HEADER_PLACEHOLDERS = frozenset({"reference", "username", "password", "basic", "account_id"})
_PIECE = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}|[^{}]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)*$")]
"""A JSON pointer; "" is the whole document, and for what need not be there: it is not there."""


IdBase = Literal["text", "hex", "decimal"]
"""How a carrier writes its ids: as a number in one base or the other, or as any text."""


class _Options(OperatorRecord):
    model_config = ConfigDict(extra="forbid")


class AnswerOptions(_Options):
    """How the answer to a submit is read.

    `format` says what it is: JSON, a form, or text that `separator` cuts into an array. Where
    `status` is named, only its `taken` values mean taken; the carrier's code then stands at
    `error`. Else a code at `error` that is none of `no_errors` means refused. Of the codes,
    `throttles` say "later"; `failures` name what the others mean.
    """

    format: Literal["json", "form", "text"] = "json"
    separator: str = Field(default="|", min_length=1)
    id: Pointer = ""
    status: Pointer = ""
    taken: tuple[str, ...] = ()
    error: Pointer = ""
    no_errors: tuple[str, ...] = ("0", "000")
    throttles: tuple[str, ...] = ()
    failures: dict[str, Code] = {}


class ReceiptOptions(_Options):
    """How receipts are read: a query, a form, JSON or XML, one entry or an array at `entries`.

    What stands at `entries` may be JSON inside a form's field. Where an entry holds an array of
    its own at `nested`, each member of that is a receipt and has the entry's fields too.
    `states` holds every state that the provider names, null for one that is not final; case does
    not count. `part` and `parts` are for a provider that reports a long message's segments one by
    one: a segment's number, from 1, and how many there are. Then the last one's delivery delivers
    the message, and any one's failure fails it. `id_base` is how its receipts write its ids, where
    that is not how its answers do. A time is Unix time or a date, the day before the month unless
    the year comes first or `time_format` (of strptime) says otherwise; without an offset of its
    own it has `utc_offset_minutes`. `answer` is what it wants to hear.
    """

    entries: Pointer = ""
    nested: Pointer = ""
    reference: Pointer = ""
    id: Pointer = ""
    id_base: IdBase | None = None
    state: Pointer
    states: dict[str, State | None] = Field(min_length=1)
    code: Pointer = ""
    failures: dict[str, Code] = {}
    time: Pointer = ""
    time_format: str = ""
    utc_offset_minutes: int = Field(default=0, ge=-14 * 60, le=14 * 60)
    part: Pointer = ""
    parts: Pointer = ""
    answer_status: int = Field(default=200, ge=200, le=299)
    answer: str = ""
    answer_type: Literal["text/plain", "application/json", "text/xml"] = "text/plain"

    @field_validator("states")
    @classmethod
    def _in_lower_case(cls, states: dict[str, State | None]) -> dict[str, State | None]:
        return {name.lower(): state for name, state in states.items()}


class InboundOptions(_Options):
    """How inbound messages are read: as receipts are.

    `id` is the provider's own of a message: by it a message that comes again is told once.
    """

    entries: Pointer = ""
    sender: Pointer
    receiver: Pointer
    text: Pointer
    id: Pointer = ""
    time: Pointer = ""
    time_format: str = ""
    utc_offset_minutes: int = Field(default=0, ge=-14 * 60, le=14 * 60)


class HttpOptions(_Options):
    """A provider's API: the request, what its answers mean, and its receipts.

    The body is `form` or `json_body`, or none. The carrier's URL may hold placeholders in its path.
    """

    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    form: dict[str, str] = {}
    json_body: JsonValue = None
    answer: AnswerOptions
    receipts: ReceiptOptions
    inbound: InboundOptions | None = None

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
    def _hold_known_placeholders(cls, template: JsonValue) -> JsonValue:
        placeholders_of(template)
        return template

    @property
    def placeholders(self) -> set[str]:
        """Which placeholders its request has."""
        return placeholders_of([self.headers, self.query, self.form, self.json_body])


def pieces_of(template: str) -> list[tuple[str, str]]:
    """Return a template's pieces: (text, "") or ("", placeholder).

    Raises ValueError, which shows nothing of the template but a placeholder that is unknown.
    """
    pieces, end = [], 0
    for match in _PIECE.finditer(template):
        if match.start() != end:
            break
        end = match.end()
        name = match[1] or ""
        if name and name not in PLACEHOLDERS:
            raise ValueError(f"there is no placeholder {{{name}}}")
        text = match[0][0] if match[0] in ("{{", "}}") else match[0]
        pieces.append(("", name) if name else (text, ""))
    if end != len(template):
        raise ValueError("a brace that is no placeholder's is written twice")
    return pieces


def placeholders_of(template: object) -> set[str]:
    """Return the placeholders in all strings of a value. Raises ValueError as `pieces_of`."""
    if isinstance(template, str):
        return {name for _, name in pieces_of(template) if name}
    if isinstance(template, dict):
        template = list(template.values())
    if isinstance(template, list):
        return {name for value in template for name in placeholders_of(value)}
    return set()
