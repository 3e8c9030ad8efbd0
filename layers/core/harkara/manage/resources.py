"""Read and write the resources of an account: senders, DLT templates and callbacks.

Each is made of the fields of its JSON form and checked; `fields_of` is the way back. The functions
that make a resource raise FieldRefused for a wrong field.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from harkara.base.errors import FieldRefused
from harkara.base.fields import NAME, STRAY, Fields, Pattern, check_names, string, strings
from harkara.callbacks import registration
from harkara.callbacks.registration import CALLBACK_ID, callback_of
from harkara.dlt.placeholders import looks_like_variable
from harkara.dlt.templates import KINDS as VARIABLE_NAMES
from harkara.dlt.templates import fold, kinds
from harkara.model.accounts import INDIAN_HEADER, NUMBER, TEMPLATE_ID, Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Category
from harkara.model.operator_records import Part

HEADER_COUNT_LIMIT = 100
TEXT_LIMIT = 2_000

# Outside India: an alphanumeric sender of up to 11 characters, or a number (3GPP TS 23.040,
# 9.1.2.5). Registered headers hold no character that separates headers in a file or parts of a URL.
_OF_HEADER = "A-Za-z0-9ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùü._&'+!@*()-"
ANY_HEADER = re.compile(rf"[{_OF_HEADER}][ {_OF_HEADER}]{{0,10}}|{NUMBER.pattern}")

# Phones show operator and area in front, and the category behind (TRAI).
_SHOWN_HEADER = re.compile(
    r"[A-Za-z]{2}-([A-Za-z0-9]{3,6})(?:-[PSTGpstg])?|([A-Za-z0-9]{3,6})-[PSTGpstg]"
)
# Line breaks in the files of portals.
_LINE_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)
# Damage to texts in files: HTML entities; UTF-8 that was read as Windows-1252 (a quote, or Hindi
# and related scripts); escaped line ends.
_WRITTEN_OUT = (
    (re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{2,5});|</?(?:p|b|i|u|div|span)>"), "HTML"),
    (
        re.compile("\u00e2\u20ac|\u00e0[\u00a4-\u00b5]|\u00c2[\u00a0-\u00bf]"),
        "UTF-8 read as another encoding",
    ),
    (re.compile(r"\\[nrt]|_x000[DdAa]_"), "a line's end in letters"),
)
# A spreadsheet keeps 15 digits of a number.
_ROUNDED_ID = re.compile(r"[0-9]{15}0{1,4}")

_HEADER: Pattern = (
    ANY_HEADER,
    "a header of up to 11 letters, digits and marks, or a number of up to 15 digits",
)
_PE_ID: Pattern = re.compile(r"(?:[0-9]{12,19})?"), "12 to 19 digits, as text"
_TEMPLATE_ID: Pattern = TEMPLATE_ID, "1 to 19 digits, as text"
_CALLBACK: Pattern = re.compile(f"(?:{CALLBACK_ID.pattern})?"), "the id of a registered callback"
_TEXT: Pattern = (
    re.compile(rf"(?=[^{STRAY}]*\S)[^{STRAY}]{{1,{TEXT_LIMIT}}}"),
    f"1 to {TEXT_LIMIT:,} characters in UTF-8, no control characters",
)
_CATEGORIES = ", ".join(Category)


def sender_of(fields: Fields) -> Sender:
    """Return a sender made of `header`, `categories`, `pe_id` and `callback` (an id)."""
    check_names(fields, "header", "categories", "pe_id", "callback")
    return Sender(
        header=string(fields, "header", _HEADER),
        categories=_categories(fields),
        pe_id=string(fields, "pe_id", _PE_ID),
        callback=string(fields, "callback", _CALLBACK),
    )


def template_of(fields: Fields) -> Template:
    """Return a template made of `template_id`, `name`, `headers`, `category`, `text` and `pe_id`.

    Operators' additions to a header are removed, and `<br/>` in the text becomes a line break.
    """
    check_names(fields, "template_id", "name", "headers", "category", "text", "pe_id")
    text = fields.get("text")
    folded = {"text": fold(_LINE_BREAK.sub("\n", text)) if isinstance(text, str) else text}
    return Template(
        dlt_template_id=string(fields, "template_id", _TEMPLATE_ID),
        name=string(fields, "name", NAME),
        headers=_headers(fields),
        category=_category("category", fields.get("category")),
        text=_with_known_variables(string(folded, "text", _TEXT, trim=False)),
        pe_id=string(fields, "pe_id", _PE_ID),
    )


def advice_on(part: Part) -> list[str]:
    """Return warnings about a resource that is valid but may be wrong."""
    advice = []
    headers = part.headers if isinstance(part, Template) else ()
    headers = (part.header,) if isinstance(part, Sender) else headers
    if any(map(bare_header, headers)):
        advice.append("a header is DLT's own, without what operators put around it: ACMEFD")
    elif any(INDIAN_HEADER.fullmatch(each) and each != each.upper() for each in headers):
        advice.append("a header has small letters: case counts, and DLT's are mostly capitals")
    ids = [part.pe_id] if isinstance(part, Sender | Template) else []
    if isinstance(part, Template):
        ids.append(part.dlt_template_id)
        if (place := looks_like_variable(part.text)) is not None:
            advice.append(
                f"character {place + 1} of the text begins what looks like a variable and is"
                " fixed text: a variable is {#var#}, {#numeric#}, ..."
            )
        if "???" in part.text:
            advice.append("letters may have been lost to the question marks in the text")
        for pattern, name in _WRITTEN_OUT:
            if match := pattern.search(part.text):
                advice.append(
                    f"character {match.start() + 1} of the text begins what looks like {name}:"
                    " compare it with the portal's"
                )
    if any(map(_ROUNDED_ID.fullmatch, ids)):
        advice.append("an id ends in zeros, as spreadsheets round it: compare it with the portal's")
    return advice


def bare_header(header: str) -> str:
    """Return the header without operators' additions, as in VM-ACMEFD-S; "" if it has none."""
    match = _SHOWN_HEADER.fullmatch(header)
    return (match[1] or match[2] or "") if match else ""


def name_of(part: Part) -> str:
    """Return the name of a resource, unique among those of its kind in an account."""
    return str(getattr(part, KINDS[type(part)].attribute))


def fields_of(part: Part) -> dict[str, Any]:
    """Return a resource's fields in the form from which it is made."""
    if isinstance(part, CallbackEndpoint):
        return registration.fields_of(part)
    fields = part.model_dump(mode="json")
    if isinstance(part, Template):
        fields = {"template_id": fields.pop("dlt_template_id"), **fields}
    return fields


def fields_with_warning(part: Part) -> dict[str, Any]:
    """Return a resource's fields, and a `warning` if something may be wrong with it."""
    advice = "; ".join(advice_on(part))
    return {**fields_of(part), **({"warning": advice} if advice else {})}


def _headers(fields: Fields) -> tuple[str, ...]:
    expression, rule = _HEADER
    rule = f"up to {HEADER_COUNT_LIMIT} headers, each {rule}"
    given = [each.strip() for each in strings(fields, "headers", rule)]
    headers = [bare_header(each) or each for each in given]
    if len(headers) > HEADER_COUNT_LIMIT or not all(map(expression.fullmatch, headers)):
        raise FieldRefused("headers", rule)
    return tuple(dict.fromkeys(headers))


def _categories(fields: Fields) -> tuple[Category, ...]:
    words = strings(fields, "categories", f"a list of {_CATEGORIES}")
    if not words:
        raise FieldRefused("categories", f"at least one of {_CATEGORIES}")
    return tuple(dict.fromkeys(_category("categories", word) for word in words))


def _category(field: str, word: Any) -> Category:
    if word not in tuple(Category):
        raise FieldRefused(field, f"one of {_CATEGORIES}")
    return Category(word)


def _with_known_variables(text: str) -> str:
    """Return the text; refuse misspelled variables, which would be fixed text and never match."""
    count = len(kinds(text))
    if text.count("{#") != count or text.count("#}") != count:
        raise FieldRefused(
            "text",
            f"a variable is one of {', '.join(f'{{#{name}#}}' for name in VARIABLE_NAMES)}",
        )
    return text


class Kind(NamedTuple):
    """The maker of a kind of resource, and its name field: in JSON, and as an attribute."""

    make: Callable[[Fields], Part]
    name_field: str
    attribute: str


KINDS: dict[type[Part], Kind] = {
    Sender: Kind(sender_of, "header", "header"),
    Template: Kind(template_of, "template_id", "dlt_template_id"),
    CallbackEndpoint: Kind(callback_of, "id", "id"),
}
