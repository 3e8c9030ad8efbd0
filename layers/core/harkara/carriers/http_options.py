"""The configuration of a provider of kind `http`, validated when it is saved.

A value may hold placeholders such as `{to}` (see `harkara.carriers.http_placeholders`), and a
doubled brace for a brace. Values are parts of a structure (a member of JSON, a field of a form), so
each is escaped for its place, and none can break out of it. A value that is only a placeholder is
left out if the placeholder is empty. JSON pointers (RFC 6901) name the fields of answers and
receipts.
"""

from typing import Literal
from xml.parsers import expat

from pydantic import Field, JsonValue, field_validator, model_validator

from harkara.base.codes import Code
from harkara.carriers.http_exchange_options import (
    AnswerOptions,
    LoginOptions,
    Options,
    Pointer,
    RequestOptions,
    RevokeOptions,
)
from harkara.carriers.http_placeholders import (
    INDEXES,
    OF_A_SUGGESTION,
    RECORDS,
    SUGGESTIONS,
    pieces,
    placeholders_of,
)
from harkara.model.messages import Category, State

# Placeholders that may have a map of values. The maps of these two must cover all their values.
_ALLOWED_VALUES: dict[str, frozenset[str]] = {
    "encoding": frozenset({"GSM7", "UCS2"}),
    "category": frozenset(Category),
}
MAPPED_PLACEHOLDERS = frozenset(
    {*_ALLOWED_VALUES, "account_id", "from", "pe_id", "dlt_template_id", "telemarketer_id"}
)
DEFAULT = "default"
"""The key in a map of values for all values that are not listed."""

IdBase = Literal["text", "hex", "decimal"]
"""The form of a carrier's ids: a hexadecimal or decimal number, or any text."""
_BASES = {"hex": 16, "decimal": 10}


def normal_id(carrier_id: str, base: IdBase) -> str:
    """Return a carrier's id in the normal form, for comparisons.

    A number becomes decimal digits without leading zeros; any other text keeps its case, since some
    providers have ids that differ only in case.
    """
    try:
        return str(int(carrier_id, _BASES[base]))
    except (KeyError, ValueError):
        return carrier_id.strip()


class ReceiptOptions(Options):
    """The reading of receipts: a query, a form, JSON or XML, one entry or an array at `entries`.

    The value at `entries` may be JSON or XML in a form's field, or JSON in base64. If an entry has
    an array at `nested`, each member of that is a receipt and has the entry's fields too. `states`
    lists every state of the provider, null for one that is not final, `read` for a message that was
    delivered and opened; case is ignored. `part` (a segment's number, from 1) and `parts` (their
    count) are for a provider that reports the segments of a long message one by one: delivery of
    the last delivers the message, and failure of any fails it.
    `words` are the provider's for a failure, the state if it has none.
    `counts_segments` is for a provider that reports segments under separate ids, without a number:
    the message is delivered when all its segments are. `mixed` is for a provider that posts other
    things to the same URL, such as messages of phones: entries without a state or an id are left
    out. `id_base` is the form of ids in receipts, if
    it differs from that in answers; `id_after` and `id_before` cut them as in answers. A time is
    Unix time or a date, the day before the month unless the year comes first or `time_format` (of
    strptime) is set; without an offset, `utc_offset_minutes` applies. `answer` is the body that the
    provider expects.
    """

    entries: Pointer = ""
    nested: Pointer = ""
    reference: Pointer = ""
    id: Pointer = ""
    id_after: str = ""
    id_before: str = ""
    id_base: IdBase | None = None
    state: Pointer
    states: dict[str, State | Literal["read"] | None] = Field(min_length=1)
    code: Pointer = ""
    words: Pointer = ""
    failures: dict[str, Code] = {}
    time: Pointer = ""
    time_format: str = ""
    utc_offset_minutes: int = Field(default=0, ge=-14 * 60, le=14 * 60)
    part: Pointer = ""
    parts: Pointer = ""
    counts_segments: bool = False
    mixed: bool = False
    answer_status: int = Field(default=200, ge=200, le=299)
    answer: str = ""
    answer_type: Literal["text/plain", "application/json", "text/xml"] = "text/plain"

    @model_validator(mode="after")
    def _identifies_segments(self) -> "ReceiptOptions":
        if self.counts_segments and (not self.id or not self.reference or self.part):
            raise ValueError("counts_segments: name reference and id, and no part")
        return self

    @field_validator("states")
    @classmethod
    def _in_lower_case(
        cls, states: dict[str, State | Literal["read"] | None]
    ) -> dict[str, State | Literal["read"] | None]:
        return {name.lower(): state for name, state in states.items()}


class InboundOptions(Options):
    """The reading of inbound messages, as for receipts.

    `id` is the provider's id of a message, by which a repeated message is recognised.
    """

    entries: Pointer = ""
    sender: Pointer
    receiver: Pointer
    text: Pointer
    id: Pointer = ""
    time: Pointer = ""
    time_format: str = ""
    utc_offset_minutes: int = Field(default=0, ge=-14 * 60, le=14 * 60)


class ValidityOptions(Options):
    """The form of `{validity}`: whole units, from `least` to `most` of them.

    `{expires_at}` is this much after the submit. Validity is rounded down, so that no message
    arrives too late, except that it is at least `least`.
    """

    unit: Literal["milliseconds", "seconds", "minutes", "hours"] = "seconds"
    least: int = Field(default=1, ge=1)
    most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _is_a_range(self) -> "ValidityOptions":
        if self.most is not None and self.most < self.least:
            raise ValueError("most is at least what least is")
        return self


class TemplateOptions(Options):
    """A provider's own template: its id there, and its text with variables as `##name##`."""

    id: str = Field(min_length=1)
    text: str = Field(min_length=1)

    @field_validator("text")
    @classmethod
    def _has_variables_apart(cls, text: str) -> str:
        pieces(text)
        return text


class SuggestionOptions(Options):
    """The forms of an RCS message's buttons in JSON, for `{suggestions}` in `json_body`.

    They may hold `{label}`, `{suggestion_url}` and `{suggestion_phone}`.
    """

    open_url: JsonValue
    dial: JsonValue

    @field_validator("open_url", "dial")
    @classmethod
    def _check_placeholders(cls, template: JsonValue) -> JsonValue:
        if others := placeholders_of(template) - OF_A_SUGGESTION:
            raise ValueError(f"{{{min(others)}}} cannot stand in a suggestion")
        return template


class HttpOptions(RequestOptions):
    """A provider's API: the request, the meaning of its answers, and its receipts.

    The body is `form`, `json_body` or `xml_body`, or none. The carrier's URL may hold placeholders
    in its path. `record` is the part of `json_body` or `xml_body` for one message, for a provider
    that takes several in a request: `{records}` in the body stands for the array, or the elements,
    of all of them, and `{index}` in a record for its number in the request. Messages that differ in
    a value outside of the record go in requests of their own. `login` is for a provider that issues
    tokens, and `{token}` for its token. `values` has maps by placeholder, as in
    `{"encoding": {"GSM7": "text", "UCS2": "unicode"}}`; the key `default` is for all values not
    listed, which otherwise stay as they are. A value mapped to "" is left out; a value mapped to a
    number, true or false has this type in JSON. `templates` are the provider's own by DLT template
    id, for a provider that takes no texts.
    """

    xml_body: str = ""
    record: JsonValue = None
    login: LoginOptions | None = None
    revoke: RevokeOptions | None = None
    suggestions: SuggestionOptions | None = None
    values: dict[str, dict[str, bool | int | str]] = {}
    validity: ValidityOptions = ValidityOptions()
    templates: dict[str, TemplateOptions] = {}
    answer: AnswerOptions
    receipts: ReceiptOptions
    inbound: InboundOptions | None = None

    @field_validator("xml_body")
    @classmethod
    def _is_xml(cls, template: str) -> str:
        placeholders_of(template)
        _check_xml(template)
        return template

    @field_validator("record")
    @classmethod
    def _is_of_one_message(cls, template: JsonValue) -> JsonValue:
        if RECORDS in placeholders_of(template):
            raise ValueError("{records} stands in json_body or xml_body")
        return template

    @model_validator(mode="after")
    def _has_a_record_for_records(self) -> "HttpOptions":
        shared = self.shared_placeholders
        if (RECORDS in shared) != (self.record is not None):
            raise ValueError("record: {records} in json_body or xml_body stands for it")
        if self.record is None and shared & INDEXES:
            raise ValueError("{index} stands in a record")
        if self.xml_body and self.record is not None:
            if not isinstance(self.record, str):
                raise ValueError("record: beside xml_body it is an element in a text")
            _check_xml(self.record)
        if self.record is None and (self.answer.entries or self.answer.record):
            raise ValueError("answer: entries and record are for requests of records")
        in_json = placeholders_of([self.json_body, self.record])
        if (SUGGESTIONS in in_json) != (self.suggestions is not None):
            raise ValueError("suggestions: {suggestions} in json_body stands for them")
        elsewhere = placeholders_of([self.query, self.form, self.xml_body])
        if self.placeholders & OF_A_SUGGESTION or SUGGESTIONS in elsewhere:
            raise ValueError("{suggestions} stands in json_body, what they hold in suggestions")
        if ("token" in self.placeholders) != (self.login is not None):
            raise ValueError("login: {token} in the request stands for the token that it gets")
        if self.revoke and "token" in self.revoke.placeholders and self.login is None:
            raise ValueError("revoke: {token} takes a login")
        if "assertion" in self.placeholders:
            raise ValueError("{assertion} stands in a login")
        if self.signs and self._shows_password:
            raise ValueError("login: with a scope the password is a key, which no request holds")
        return self

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
            allowed = _ALLOWED_VALUES.get(name)
            if allowed and table.keys() - allowed - {DEFAULT}:
                raise ValueError(f"{name}: it has the values {', '.join(sorted(allowed))}")
            if allowed and DEFAULT not in table and (missing := allowed - table.keys()):
                raise ValueError(f"{name}: {min(missing)} has no value, and there is no {DEFAULT}")
        return values

    @property
    def shared_placeholders(self) -> set[str]:
        """The placeholders in the request, without those in the URL and in the record."""
        return super().placeholders | placeholders_of(self.xml_body)

    @property
    def placeholders(self) -> set[str]:
        """The placeholders in the request, without those in the URL."""
        return self.shared_placeholders | placeholders_of(self.record)

    @property
    def signs(self) -> bool:
        """Whether the password is a key that signs logins."""
        return self.login is not None and bool(self.login.scope)

    @property
    def _shows_password(self) -> bool:
        requests = (self, self.login, self.revoke)
        return any(each.placeholders & {"password", "basic"} for each in requests if each)


def _check_xml(template: str) -> None:
    try:
        if template:
            expat.ParserCreate().Parse(template, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML in line {error.lineno}") from None
