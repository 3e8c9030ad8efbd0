"""The fields of an account's resources, each described once: type, bounds, words, example.

A model made of them reads a resource's request (`read`), its stored item and its row of a CSV
file, and is its schema in the API's description.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from harkara.base.errors import FieldRefused
from harkara.base.json import encode
from harkara.dlt.templates import KINDS as VARIABLES
from harkara.dlt.templates import fold, kinds
from harkara.model.messages import Category

Fields = Mapping[str, Any]
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a request may give for a field: in words, and as a pattern or a check, or both.

    The pattern is that of the whole string without white space around it. `check` returns the
    value to keep, or raises ValueError, with words of its own or without.

    Rules apply in pydantic's strict mode, which is for requests. A stored value met the rules of
    its time and is only read, so that no stricter rule locks an account out.
    """

    words: str
    pattern: re.Pattern[str] | None = None
    check: Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        stored = handler(kind)
        values = core_schema.no_info_after_validator_function(self._read, stored)
        return core_schema.lax_or_strict_schema(stored, values)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # `|` binds less than the ends.
        pattern = {"pattern": f"^({self.pattern.pattern})$"} if self.pattern else {}
        return {**handler(schema), **pattern}

    def _read(self, value: Any) -> Any:
        if self.pattern:
            value = value.strip()
            if not self.pattern.fullmatch(value):
                raise ValueError
        return self.check(value) if self.check else value


def read(model: type[M], fields: Fields) -> M:
    """Return a record made of the fields of a request. A field that is null counts as absent.

    Raises FieldRefused, which never repeats a value or an unknown name: either may be a secret.
    """
    values = {name: value for name, value in fields.items() if value is not None}
    try:
        # From JSON, in which lists are tuples and strings are enums in strict mode, too.
        return model.model_validate_json(
            encode(values), strict=True, extra="forbid", by_alias=True, by_name=False
        )
    except TypeError:
        raise FieldRefused("a value", "text in UTF-8, numbers of 64 bits") from None
    except ValidationError as error:
        raise _refusal(model, error) from None


def names_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by their names in JSON."""
    return {
        str(field.validation_alias or name): field for name, field in model.model_fields.items()
    }


def _refusal(model: type[BaseModel], error: ValidationError) -> FieldRefused:
    """Return the first error in our form: an unknown field, or a field and what is expected."""
    allowed = names_of(model)
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if any(each["type"] == "extra_forbidden" for each in errors):
        return FieldRefused("unknown field", f"there are {', '.join(allowed)}")
    name, message = str(errors[0]["loc"][0]), errors[0]["msg"]
    own = message.removeprefix("Value error, ") if errors[0]["type"] == "value_error" else ""
    rules = (each.words for each in allowed[name].metadata if isinstance(each, Rule))
    return FieldRefused(name, own or next(rules, message.removeprefix("Input should be ")))


def unique(values: Iterable[T]) -> tuple[T, ...]:
    """Return each value once, in order."""
    return tuple(dict.fromkeys(values))


NAME_LIMIT = 200
HEADER_COUNT_LIMIT = 100
TEXT_LIMIT = 2_000

NUMBER = re.compile(r"\+?[0-9]{3,15}")
TEMPLATE_ID = re.compile(r"[0-9]{1,19}")
# Outside India: an alphanumeric sender of up to 11 characters, or a number (3GPP TS 23.040,
# 9.1.2.5). Registered headers hold no character that separates headers in a file or parts of a URL.
_OF_HEADER = "A-Za-z0-9ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùü._&'+!@*()-"
_HEADER = re.compile(rf"[{_OF_HEADER}][ {_OF_HEADER}]{{0,10}}|{NUMBER.pattern}")
_HEADER_RULE = "of up to 11 letters, digits and marks, or a number of up to 15 digits"
# Phones show operator and area in front, and the category behind (TRAI).
_SHOWN_HEADER = re.compile(
    r"[A-Za-z]{2}-([A-Za-z0-9]{3,6})(?:-[PSTGpstg])?|([A-Za-z0-9]{3,6})-[PSTGpstg]"
)
SITE_RULE = "a domain, perhaps with a path: acme.example, hk.example/ACMEBK, hk.example/{header}"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PATH = r"\{header\}|[A-Za-z0-9_-]{1,32}"
SITE_PATTERN = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?(?:/(?:{_PATH}))?"
# "-" alone stands for unregistered URLs.
CALLBACK_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}|-[A-Za-z0-9_-]{1,63}")
# Control and other characters, except tab and line feed: signs of text read in a wrong encoding.
_STRAY = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd"
_NAME = re.compile(rf"[^\t\n{_STRAY}]{{0,{NAME_LIMIT}}}")
_TEXT = re.compile(rf"(?=[^{_STRAY}]*\S)[^{_STRAY}]{{1,{TEXT_LIMIT}}}")
# Line breaks in the files of portals.
_LINE_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)
_VARIABLES = ", ".join(f"`{{#{name}#}}`" for name in VARIABLES)


def bare_header(header: str) -> str:
    """Return the header without operators' additions, as in VM-ACMEFD-S; "" if it has none."""
    match = _SHOWN_HEADER.fullmatch(header)
    return (match[1] or match[2] or "") if match else ""


def _name(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise ValueError
    return name


def _headers(headers: tuple[str, ...]) -> tuple[str, ...]:
    return unique(bare_header(each) or each for each in headers)


# The description has no pattern of it: generators of clients' tests take minutes for such texts.
def _message_text(text: str) -> str:
    if not _TEXT.fullmatch(text):
        raise ValueError
    return text


def _text(text: str) -> str:
    """Return a template's text with line breaks as LF, and refuse misspelled variables.

    A misspelled variable would be fixed text, which no message matches.
    """
    text = _message_text(fold(_LINE_BREAK.sub("\n", text)))
    if not text.count("{#") == text.count("#}") == len(kinds(text)):
        raise ValueError(f"a variable is one of {_VARIABLES.replace('`', '')}")
    return text


Name = Annotated[
    str,
    Field(description="A name for people.", json_schema_extra={"maxLength": NAME_LIMIT}),
    Rule(f"up to {NAME_LIMIT} characters in one line", check=_name),
]
Header = Annotated[
    str,
    Field(description="The DLT header; case counts.", examples=["ACMEBK"]),
    Rule(f"a header {_HEADER_RULE}", _HEADER),
]
Headers = Annotated[
    tuple[Header, ...],
    Field(
        max_length=HEADER_COUNT_LIMIT,
        description="The headers that it goes with; if there are none, any.",
        examples=[["ACMEBK"]],
    ),
    Rule(f"a list of up to {HEADER_COUNT_LIMIT} headers, each {_HEADER_RULE}", check=_headers),
]
Categories = Annotated[
    tuple[Category, ...],
    Field(
        min_length=1,
        description="What the header is registered for; the first is the default of its messages.",
        examples=[["service_implicit", "otp"]],
    ),
    Rule(f"a list of one or more of {', '.join(Category)}", check=unique),
]
OneCategory = Annotated[
    Category,
    Field(description="The category.", examples=["service_implicit"]),
    Rule(f"one of {', '.join(Category)}"),
]
PeId = Annotated[
    str,
    Field(
        description="The id of the principal entity, 12 to 19 digits, or empty.",
        examples=["1101172974420810001"],
    ),
    Rule("12 to 19 digits, as text", re.compile("([0-9]{12,19})?")),
]
TemplateId = Annotated[
    str,
    Field(description="The DLT template's id.", examples=["1107161234567890001"]),
    Rule("1 to 19 digits, as text", TEMPLATE_ID),
]
OptionalTemplateId = Annotated[
    str,
    Field(description="The DLT template's id, or empty.", examples=["1107161234567890001"]),
    Rule("1 to 19 digits, as text", re.compile(f"({TEMPLATE_ID.pattern})?")),
]
MessageText = Annotated[
    str,
    Field(
        description="The text, as it goes out.",
        examples=["You get no more messages of Acme. Write START to get them again."],
        json_schema_extra={"minLength": 1, "maxLength": TEXT_LIMIT},
    ),
    Rule(f"1 to {TEXT_LIMIT:,} characters in UTF-8, no control characters", check=_message_text),
]
TemplateText = Annotated[
    str,
    Field(
        description="As it is registered, with its variables, in any case, blanks inside or not:"
        f" {_VARIABLES}.",
        examples=["Your order {#var#} is on its way."],
        json_schema_extra={"minLength": 1, "maxLength": TEXT_LIMIT},
    ),
    Rule(f"1 to {TEXT_LIMIT:,} characters in UTF-8, no control characters", check=_text),
]
CallbackReference = Annotated[
    str,
    Field(description="The id of a registered callback, or empty."),
    Rule("the id of a registered callback", re.compile(f"({CALLBACK_ID.pattern})?")),
]


class OperatorRecord(BaseModel):
    """A record of the Accounts table."""

    # Validation errors name the field and never show its value.
    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


class Part(OperatorRecord):
    """A resource that an account registers, unique by its field `name_field` within its kind."""

    model_config = ConfigDict(
        validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )
    name_field: ClassVar[str]


P = TypeVar("P", bound=Part)


def name_of(part: Part) -> str:
    """Return the name of a resource, unique among those of its kind in an account."""
    return str(getattr(part, part.name_field))
