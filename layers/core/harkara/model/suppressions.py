"""Suppressions: numbers that must not get messages of some categories from an account.

An *opt-out* is a person's request to the account. It lists the categories that it blocks, by
default all but OTP and transactional messages. Where the person asked the carrier, which says so as
it refuses a message, its source is *carrier*. A *DND* entry holds the preferences of the person's
registration (TCCCPR 2018): 0 blocks all promotion, 1 to 8 that of banking, property, education,
health, goods, broadcasting, tourism and food. It blocks only promotional messages; if the account
does not specify the category of its promotions, any preference blocks them. A number may have one
entry of each kind.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.model.fields import Fields, OperatorRecord, Rule, read, unique
from harkara.model.messages import Category
from harkara.text.phone_numbers import normalise

EVERY_CATEGORY = "*"
EVERY_PROMOTION = 0
OPT_OUT_CATEGORIES = (
    Category.SERVICE_IMPLICIT,
    Category.SERVICE_EXPLICIT,
    Category.PROMOTIONAL,
)
"""The categories that an opt-out blocks by default."""

SINCE_RULE = "a time that is past, as in 2026-01-31T18:30:00+05:30"

Preference = Annotated[int, Field(ge=0, le=8)]


class Source(StrEnum):
    """The source of an entry: the person's request to the account, or to the carrier, or DND."""

    OPT_OUT = "opt_out"
    DND = "dnd"
    CARRIER = "carrier"

    @property
    def code(self) -> Code:
        """The code of messages that an entry of this source blocks."""
        return Code.DND if self is Source.DND else Code.OPTED_OUT


def _msisdn(number: str) -> str:
    try:
        return normalise(number)[0]
    except RequestRefused:
        raise ValueError from None


def _categories(words: tuple[str, ...]) -> tuple[str, ...]:
    if words == (EVERY_CATEGORY,):
        return tuple(Category)
    if EVERY_CATEGORY in words:
        raise ValueError
    return unique(words)


def since_s(value: Any) -> int:
    """Return a time of a request in Unix seconds. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = datetime.min
    if moment.tzinfo is None or moment.timestamp() <= 0:
        raise ValueError(SINCE_RULE)
    return int(moment.timestamp())


Since = Annotated[
    int | SkipJsonSchema[None],
    BeforeValidator(since_s),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time of a request; None for the present."""


def past_s(since: int | None, now_s: int) -> int:
    """Return a request's time in Unix seconds. Raises FieldRefused for one in the future."""
    if since is not None and since > now_s:
        raise FieldRefused("since", SINCE_RULE)
    return now_s if since is None else since


def since_text(at_s: int) -> str:
    """Return Unix seconds as answers show them."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Number(OperatorRecord):
    """A phone number in a request."""

    number: Annotated[
        str,
        Field(description="The phone number: digits with country code.", examples=["919876543210"]),
        Rule("a mobile number with its country code", check=_msisdn),
    ]


class Entry(Number):
    """What a request and a stored entry have in common."""

    source: Annotated[
        Source,
        Field(description="Who asks for it."),
        Rule(f"one of {', '.join(Source)}"),
    ] = Source.OPT_OUT
    preferences: Annotated[
        tuple[Preference, ...],
        Field(description="The promotion that an entry of DND blocks; 0: all of it."),
        Rule("a list of numbers from 0 to 8", check=unique),
    ] = ()


class SuppressionRequest(Entry):
    """The fields of an entry in a request."""

    categories: Annotated[
        tuple[Category | Literal["*"], ...],
        Field(
            description="The categories that an opt-out blocks: all but otp and transactional, if"
            f" absent; `{EVERY_CATEGORY}` alone stands for all.",
            examples=[["promotional"]],
        ),
        Rule(f"a list of {', '.join(Category)}, or of {EVERY_CATEGORY} alone", check=_categories),
    ] = OPT_OUT_CATEGORIES
    since: Annotated[
        Since, Field(description="Since when, a time that is past; now, if absent.")
    ] = None


class Suppression(Entry):
    """A number's entry of one source, valid since `since_s` (Unix seconds).

    An opt-out has `categories`, a DND entry has `preferences`.
    """

    categories: Annotated[
        tuple[Category, ...], Field(description="The categories that an opt-out blocks.")
    ] = ()
    since_s: int

    @property
    def attribute(self) -> str:
        """The name under which it is stored with its number."""
        return self.source

    def blocks(self, category: Category, promotion: int) -> bool:
        """Return whether the entry blocks a message of this category.

        `promotion` is the DND preference category of the account's promotions, 0 if not specified.
        """
        if self.source is not Source.DND:
            return category in self.categories
        required = {EVERY_PROMOTION, promotion} if promotion else set(self.preferences)
        return category is Category.PROMOTIONAL and not required.isdisjoint(self.preferences)


class SuppressionEntry(TypedDict):
    """An entry as answers show it; an opt-out has categories, a DND entry has preferences."""

    number: Annotated[str, Field(description="Digits with country code.")]
    source: Source
    categories: NotRequired[list[Category]]
    preferences: NotRequired[list[Preference]]
    since: Annotated[str, Field(description="UTC.", json_schema_extra={"format": "date-time"})]


class SuppressionEntries(TypedDict):
    """The entries of a number, one for each source that has one."""

    suppressions: list[SuppressionEntry]


class SuppressionPage(SuppressionEntries):
    """A page of entries."""

    next: Annotated[
        str | None, Field(description="The `after` of the next page; null if there is none.")
    ]


def opt_out(number: str, since_s: int, source: Source = Source.OPT_OUT) -> Suppression:
    """Return an opt-out with the default categories, for a person who only asked to stop."""
    return Suppression(number=number, source=source, categories=OPT_OUT_CATEGORIES, since_s=since_s)


def suppression_of(fields: Fields, now_s: int) -> Suppression:
    """Return the entry of a request's fields, in which an empty list counts as absent.

    Raises FieldRefused.
    """
    values = {name: value for name, value in fields.items() if value not in (None, [])}
    request = read(SuppressionRequest, values)
    is_opt_out = request.source is not Source.DND
    of_other = "preferences" if is_opt_out else "categories"
    if of_other in values:
        raise FieldRefused(of_other, f"an entry of source {request.source} has none")
    return Suppression(
        number=request.number,
        source=request.source,
        categories=tuple(map(Category, request.categories)) if is_opt_out else (),
        preferences=() if is_opt_out else request.preferences or (EVERY_PROMOTION,),
        since_s=past_s(request.since, now_s),
    )


def fields_of(entry: Suppression) -> SuppressionEntry:
    """Return an entry's fields in the form that `suppression_of` reads."""
    number, source, since = entry.number, entry.source, since_text(entry.since_s)
    if source is not Source.DND:
        categories = list(entry.categories)
        return {"number": number, "source": source, "categories": categories, "since": since}
    preferences = list(entry.preferences)
    return {"number": number, "source": source, "preferences": preferences, "since": since}


def number_of(text: str) -> str:
    """Return a number as an msisdn. Raises FieldRefused."""
    return read(Number, {"number": text}).number
