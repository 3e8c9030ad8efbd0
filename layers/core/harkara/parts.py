"""The parts of an account: senders, DLT templates and callbacks, as their owner gives them.

Each is made of the fields of its JSON form (`fields_of` is the way back) and checked: formats are
those of wire-formats section 5. Whoever makes a part gets FieldRefused for a field that is wrong.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from harkara.accounts import Sender, Template
from harkara.callback_settings import CallbackEndpoint
from harkara.callbacks import FORMATS
from harkara.dlt.templates import fold, kinds
from harkara.errors import FieldRefused
from harkara.messages import Category
from harkara.operator_records import Part

NAME_LIMIT = 200
HEADER_COUNT_LIMIT = 100
TEXT_LIMIT = 2_000

# Six letters or six digits with DLT; 3 to 6 letters and digits exist.
INDIAN_HEADER = re.compile(r"[A-Za-z0-9]{3,6}")
# Elsewhere: an alphanumeric sender of up to 11 characters, or a number (3GPP TS 23.040, 9.1.2.5).
ANY_HEADER = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,10}|\+?[0-9]{3,15}")
TEMPLATE_ID = re.compile(r"[0-9]{1,19}")

P = TypeVar("P", bound=Part)
Fields = Mapping[str, Any]

_Pattern = tuple[re.Pattern[str], str]
_HEADER: _Pattern = (
    ANY_HEADER,
    "a header of up to 11 letters and digits, or a number of up to 15 digits",
)
_PE_ID: _Pattern = re.compile(r"(?:[0-9]{12,19})?"), "12 to 19 digits, as text"
_TEMPLATE_ID: _Pattern = TEMPLATE_ID, "1 to 19 digits, as text"
_CALLBACK_ID: _Pattern = (
    re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "1 to 64 letters, digits, hyphens and underscores",
)
_CALLBACK: _Pattern = re.compile(r"(?:[A-Za-z0-9_-]{1,64})?"), "the id of a registered callback"
_URL: _Pattern = re.compile(r"\S+"), "an https URL"
# What no text holds that was read in its own encoding: but for the end of a line and a tab.
_STRAY = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd"
_NAME: _Pattern = (
    re.compile(rf"[^\t\n{_STRAY}]{{0,{NAME_LIMIT}}}"),
    f"up to {NAME_LIMIT} characters in one line",
)
_TEXT: _Pattern = (
    re.compile(rf"(?=[^{_STRAY}]*\S)[^{_STRAY}]{{1,{TEXT_LIMIT}}}"),
    f"1 to {TEXT_LIMIT:,} characters in UTF-8, no control characters",
)
_CATEGORIES = ", ".join(Category)
_FORMATS = tuple(FORMATS)


def sender_of(fields: Fields) -> Sender:
    """Return a sender: `header`, `categories`, `pe_id`, `callback` (an id)."""
    _check_names(fields, "header", "categories", "pe_id", "callback")
    return Sender(
        header=_string(fields, "header", _HEADER),
        categories=_categories(fields),
        pe_id=_string(fields, "pe_id", _PE_ID),
        callback=_string(fields, "callback", _CALLBACK),
    )


def template_of(fields: Fields) -> Template:
    """Return a template: `template_id`, `name`, `headers`, `category`, `text`, `pe_id`."""
    _check_names(fields, "template_id", "name", "headers", "category", "text", "pe_id")
    text = fields.get("text")
    folded = {"text": fold(text) if isinstance(text, str) else text}
    return Template(
        dlt_template_id=_string(fields, "template_id", _TEMPLATE_ID),
        name=_string(fields, "name", _NAME),
        headers=_headers(fields),
        category=_category("category", fields.get("category")),
        text=_with_known_variables(_string(folded, "text", _TEXT, trim=False)),
        pe_id=_string(fields, "pe_id", _PE_ID),
    )


def callback_of(fields: Fields) -> CallbackEndpoint:
    """Return a callback: `id`, `name`, `url`, `format`. Whether the URL is allowed is not asked."""
    _check_names(fields, "id", "name", "url", "format")
    form = fields.get("format", "clevertap")
    if form not in _FORMATS:
        raise FieldRefused("format", f"one of {', '.join(_FORMATS)}")
    return CallbackEndpoint(
        id=_string(fields, "id", _CALLBACK_ID),
        name=_string(fields, "name", _NAME),
        url=_string(fields, "url", _URL),
        format=form,
    )


def name_of(part: Part) -> str:
    """Return what a part is known by among those of its kind in an account."""
    return str(getattr(part, KINDS[type(part)].attribute))


def fields_of(part: Part) -> dict[str, Any]:
    """Return a part's fields as its maker takes them."""
    if isinstance(part, CallbackEndpoint):
        return part.model_dump(mode="json", include={"id", "name", "url", "format"})
    fields = part.model_dump(mode="json")
    if isinstance(part, Template):
        fields = {"template_id": fields.pop("dlt_template_id"), **fields}
    return fields


def _check_names(fields: Fields, *names: str) -> None:
    if not fields.keys() <= set(names):
        # The name that is wrong is not repeated: it may be anything.
        raise FieldRefused("unknown field", f"there are {', '.join(names)}")


def _string(fields: Fields, name: str, pattern: _Pattern, *, trim: bool = True) -> str:
    value = fields.get(name)
    if value is None:
        value = ""
    expression, rule = pattern
    if isinstance(value, str):
        value = value.strip() if trim else value
        if expression.fullmatch(value):
            return value
    raise FieldRefused(name, rule)


def _strings(fields: Fields, name: str, rule: str) -> list[str]:
    values = fields.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise FieldRefused(name, rule)
    return values


def _headers(fields: Fields) -> tuple[str, ...]:
    expression, rule = _HEADER
    rule = f"up to {HEADER_COUNT_LIMIT} headers, each {rule}"
    headers = [each.strip() for each in _strings(fields, "headers", rule)]
    if len(headers) > HEADER_COUNT_LIMIT or not all(map(expression.fullmatch, headers)):
        raise FieldRefused("headers", rule)
    return tuple(dict.fromkeys(headers))


def _categories(fields: Fields) -> tuple[Category, ...]:
    words = _strings(fields, "categories", f"a list of {_CATEGORIES}")
    if not words:
        raise FieldRefused("categories", f"at least one of {_CATEGORIES}")
    return tuple(dict.fromkeys(_category("categories", word) for word in words))


def _category(field: str, word: Any) -> Category:
    if word not in tuple(Category):
        raise FieldRefused(field, f"one of {_CATEGORIES}")
    return Category(word)


def _with_known_variables(text: str) -> str:
    """A variable of another spelling would be fixed text, and nothing would ever match it."""
    count = len(kinds(text))
    if text.count("{#") != count or text.count("#}") != count:
        raise FieldRefused(
            "text",
            "a variable is one of {#var#}, {#numeric#}, {#alphanumeric#}, {#url#},"
            " {#urlott#}, {#cbn#}, {#email#}",
        )
    return text


class Kind(NamedTuple):
    """How a kind of part is made, and which of its fields is its name: in JSON, and here."""

    make: Callable[[Fields], Part]
    name_field: str
    attribute: str


KINDS: dict[type[Part], Kind] = {
    Sender: Kind(sender_of, "header", "header"),
    Template: Kind(template_of, "template_id", "dlt_template_id"),
    CallbackEndpoint: Kind(callback_of, "id", "id"),
}
