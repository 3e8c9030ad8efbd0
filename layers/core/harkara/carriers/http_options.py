"""How a provider of kind `http` is spoken with: configuration, checked when it is saved.

A value may hold placeholders, `{to}`, and a doubled brace for a brace. Values stand in the places
that their kind of body has (a member of JSON, a field of a form), so each is escaped for its
place, and none can break out of it. A value that is one placeholder alone is left out where there
is nothing to put in: `harkara.carriers.http_placeholders` has them. What is read of answers and
receipts is named by JSON pointers (RFC 6901).
"""

import re
from typing import Annotated, Literal
from xml.parsers import expat

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from harkara.base.codes import Code
from harkara.carriers.http_placeholders import HEADER_PLACEHOLDERS, placeholders_of
from harkara.carriers.provider_templates import pieces
from harkara.model.messages import Category, State
from harkara.model.operator_records import OperatorRecord

# Placeholders that may have a map of values. Of some all values are known: their maps are whole.
_KNOWN_VALUES: dict[str, frozenset[str]] = {
    "encoding": frozenset({"GSM7", "UCS2"}),
    "category": frozenset(Category),
}
MAPPED_PLACEHOLDERS = frozenset(
    {*_KNOWN_VALUES, "account_id", "from", "pe_id", "dlt_template_id", "telemarketer_id"}
)
DEFAULT = "default"
"""In a map of values, what stands for all that it does not name."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)*$")]
"""A JSON pointer; "" is the whole document, and for what need not be there: it is not there."""


IdBase = Literal["text", "hex", "decimal"]
"""How a carrier writes its ids: as a number in one base or the other, or as any text."""
_BASES = {"hex": 16, "decimal": 10}


def normal_id(carrier_id: str, base: IdBase) -> str:
    """Return a carrier's id in the form in which ids are compared.

    A number is in decimal digits without zeros in front; any other text keeps its case, by which
    some providers tell two ids apart.
    """
    try:
        return str(int(carrier_id, _BASES[base]))
    except (KeyError, ValueError):
        return carrier_id.strip()


class _Options(OperatorRecord):
    model_config = ConfigDict(extra="forbid")


class AnswerOptions(_Options):
    """How the answer to a submit is read.

    `format` says what it is: JSON, XML, a form, or text that `separator` cuts into an array. Where
    `status` is named, only its `taken` values mean taken; the carrier's code then stands at
    `error`. Else a code at `error` that is none of `no_errors` means refused. Of the codes,
    `throttles` say "later" and `doubts` that nobody knows whether the message was taken; `failures`
    name what the others mean. The id is what follows the first
    `id_after` and goes up to the next `id_before`, where these stand in it.
    """

    format: Literal["json", "form", "text", "xml"] = "json"
    separator: str = Field(default="|", min_length=1)
    id: Pointer = ""
    id_after: str = ""
    id_before: str = ""
    status: Pointer = ""
    taken: tuple[str, ...] = ()
    error: Pointer = ""
    no_errors: tuple[str, ...] = ("0", "000")
    throttles: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    failures: dict[str, Code] = {}


class ReceiptOptions(_Options):
    """How receipts are read: a query, a form, JSON or XML, one entry or an array at `entries`.

    What stands at `entries` may be JSON inside a form's field. Where an entry holds an array of
    its own at `nested`, each member of that is a receipt and has the entry's fields too.
    `states` holds every state that the provider names, null for one that is not final; case does
    not count. `part` and `parts` are for a provider that reports a long message's segments one by
    one: a segment's number, from 1, and how many there are. Then the last one's delivery delivers
    the message, and any one's failure fails it. `counts_segments` is for one that reports them
    under ids of their own and says no more: the message is delivered once as many were.
    `id_base` is how its receipts write its ids, where that is not how its answers do; `id_after`
    and `id_before` cut them as in answers. A time is Unix time or a date, the day before the month
    unless the year comes first or `time_format` (of strptime) says otherwise; without an offset of
    its own it has `utc_offset_minutes`. `answer` is what it wants to hear.
    """

    entries: Pointer = ""
    nested: Pointer = ""
    reference: Pointer = ""
    id: Pointer = ""
    id_after: str = ""
    id_before: str = ""
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
    counts_segments: bool = False
    answer_status: int = Field(default=200, ge=200, le=299)
    answer: str = ""
    answer_type: Literal["text/plain", "application/json", "text/xml"] = "text/plain"

    @model_validator(mode="after")
    def _tells_segments_apart(self) -> "ReceiptOptions":
        if self.counts_segments and (not self.id or not self.reference or self.part):
            raise ValueError("counts_segments: name reference and id, and no part")
        return self

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


class ValidityOptions(_Options):
    """How `{validity}` is written: in whole units, from `least` to `most` of them.

    `{expires_at}` is so much after the submit.

    What is left of a unit does not count, so that nothing arrives too late; but for `least`.
    """

    unit: Literal["milliseconds", "seconds", "minutes", "hours"] = "seconds"
    least: int = Field(default=1, ge=1)
    most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _is_a_range(self) -> "ValidityOptions":
        if self.most is not None and self.most < self.least:
            raise ValueError("most is at least what least is")
        return self


class TemplateOptions(_Options):
    """A provider's own template: its id there, and its text with variables as `##name##`."""

    id: str = Field(min_length=1)
    text: str = Field(min_length=1)

    @field_validator("text")
    @classmethod
    def _has_variables_apart(cls, text: str) -> str:
        pieces(text)
        return text


class HttpOptions(_Options):
    """A provider's API: the request, what its answers mean, and its receipts.

    The body is `form`, `json_body` or `xml_body`, or none. The carrier's URL may hold placeholders
    in its path.
    `values` has maps by placeholder, as in `{"encoding": {"GSM7": "text", "UCS2": "unicode"}}`;
    `default` in one stands for all that it does not name, which otherwise stays as it is. What is
    mapped to "" is left out; what is mapped to a number or to true or false is that in JSON.
    `templates` are the provider's own by DLT template id, where it takes no texts.
    """

    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    form: dict[str, str] = {}
    json_body: JsonValue = None
    xml_body: str = ""
    values: dict[str, dict[str, bool | int | str]] = {}
    validity: ValidityOptions = ValidityOptions()
    templates: dict[str, TemplateOptions] = {}
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

    @field_validator("headers", "query", "form", "json_body", "xml_body")
    @classmethod
    def _hold_known_placeholders(cls, template: JsonValue) -> JsonValue:
        placeholders_of(template)
        return template

    @field_validator("xml_body")
    @classmethod
    def _is_xml(cls, template: str) -> str:
        try:
            if template:
                expat.ParserCreate().Parse(template, True)
        except expat.ExpatError as error:
            raise ValueError(f"it is no XML in line {error.lineno}") from None
        return template

    @field_validator("values")
    @classmethod
    def _are_whole(
        cls, values: dict[str, dict[str, bool | int | str]]
    ) -> dict[str, dict[str, bool | int | str]]:
        for name, table in values.items():
            if name not in MAPPED_PLACEHOLDERS:
                raise ValueError(f"there are maps of {', '.join(sorted(MAPPED_PLACEHOLDERS))}")
            if not all(str(value).isprintable() for value in table.values()):
                raise ValueError(f"{name}: a value is one printable line")
            known = _KNOWN_VALUES.get(name)
            if known and table.keys() - known - {DEFAULT}:
                raise ValueError(f"{name}: it has the values {', '.join(sorted(known))}")
            if known and DEFAULT not in table and (missing := known - table.keys()):
                raise ValueError(f"{name}: {min(missing)} has no value, and there is no {DEFAULT}")
        return values

    @property
    def placeholders(self) -> set[str]:
        """Which placeholders its request has."""
        return placeholders_of([self.headers, self.query, self.form, self.json_body, self.xml_body])
