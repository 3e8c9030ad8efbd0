"""Suppressions: numbers that must not get messages of some categories from an account.

An *opt-out* is a person's request to the account. It lists the categories that it blocks, by
default all but OTP and transactional messages. A *DND* entry holds the preferences of the person's
registration (TCCCPR 2018): 0 blocks all promotion, 1 to 8 that of banking, property, education,
health, goods, broadcasting, tourism and food. It blocks only promotional messages; if the account
does not specify the category of its promotions, any preference blocks them. A number may have one
entry of each kind.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.model.messages import Category
from harkara.model.operator_records import OperatorRecord
from harkara.text.phone_numbers import normalise

EVERY_CATEGORY = "*"
EVERY_PROMOTION = 0
OPT_OUT_CATEGORIES = (
    Category.SERVICE_IMPLICIT,
    Category.SERVICE_EXPLICIT,
    Category.PROMOTIONAL,
)
"""The categories that an opt-out blocks by default."""

Preference = Annotated[int, Field(ge=0, le=8)]


class Source(StrEnum):
    """The source of an entry: the person's request to the account, or the DND register."""

    OPT_OUT = "opt_out"
    DND = "dnd"

    @property
    def code(self) -> Code:
        """The code of messages that an entry of this source blocks."""
        return Code.DND if self is Source.DND else Code.OPTED_OUT


class Suppression(OperatorRecord):
    """A number's entry of one source, valid since `since_s` (Unix seconds).

    An opt-out has `categories`, a DND entry has `preferences`.
    """

    number: str
    source: Source
    categories: tuple[Category, ...] = ()
    preferences: tuple[Preference, ...] = ()
    since_s: int

    def blocks(self, category: Category, promotion: int) -> bool:
        """Return whether the entry blocks a message of this category.

        `promotion` is the DND preference category of the account's promotions, 0 if not specified.
        """
        if self.source is Source.OPT_OUT:
            return category in self.categories
        wanted = {EVERY_PROMOTION, promotion} if promotion else set(self.preferences)
        return category is Category.PROMOTIONAL and not wanted.isdisjoint(self.preferences)


def opt_out(number: str, since_s: int) -> Suppression:
    """Return an opt-out with the default categories, for a person who only asked to stop."""
    return Suppression(
        number=number, source=Source.OPT_OUT, categories=OPT_OUT_CATEGORIES, since_s=since_s
    )


def suppression_of(fields: Mapping[str, Any], now_s: int) -> Suppression:
    """Return an entry from `number`, `source`, `categories` or `preferences`, `since` (ISO 8601).

    Only the number is required. Raises FieldRefused.
    """
    known = ("number", "source", "categories", "preferences", "since")
    if not fields.keys() <= set(known):
        # The wrong name is not repeated in the error: it may hold a secret or a number.
        raise FieldRefused("unknown field", f"there are {', '.join(known)}")
    given = {name: value for name, value in fields.items() if value not in (None, [])}
    source = given.get("source", Source.OPT_OUT)
    if source not in tuple(Source):
        raise FieldRefused("source", f"one of {', '.join(Source)}")
    of_other = "preferences" if source == Source.OPT_OUT else "categories"
    if of_other in given:
        raise FieldRefused(of_other, f"an entry of source {source} has none")
    return Suppression(
        number=number_of(given.get("number")),
        source=Source(source),
        categories=_categories(given) if source == Source.OPT_OUT else (),
        preferences=_preferences(given) if source == Source.DND else (),
        since_s=_since_s(given.get("since"), now_s),
    )


def fields_of(entry: Suppression) -> dict[str, Any]:
    """Return an entry's fields in the form that `suppression_of` reads."""
    since = datetime.fromtimestamp(entry.since_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lists = (
        {"categories": list(entry.categories)}
        if entry.source is Source.OPT_OUT
        else {"preferences": list(entry.preferences)}
    )
    return {"number": entry.number, "source": entry.source, **lists, "since": since}


def number_of(value: Any) -> str:
    """Return a number as an msisdn. Raises FieldRefused."""
    try:
        return normalise(value)[0] if isinstance(value, str) else normalise("")[0]
    except RequestRefused as error:
        raise FieldRefused("number", "a mobile number with its country code") from error


def _categories(given: Mapping[str, Any]) -> tuple[Category, ...]:
    words = given.get("categories", OPT_OUT_CATEGORIES)
    if words == [EVERY_CATEGORY]:
        return tuple(Category)
    if not isinstance(words, list | tuple) or not all(word in tuple(Category) for word in words):
        rule = f"a list of {', '.join(Category)}, or of {EVERY_CATEGORY} alone"
        raise FieldRefused("categories", rule)
    return tuple(dict.fromkeys(map(Category, words)))


def _preferences(given: Mapping[str, Any]) -> tuple[int, ...]:
    numbers = given.get("preferences", [EVERY_PROMOTION])
    # `isinstance` would accept true and false, which are ints in Python.
    if not isinstance(numbers, list) or not all(
        type(number) is int and 0 <= number <= 8 for number in numbers
    ):
        raise FieldRefused("preferences", "a list of numbers from 0 to 8")
    return tuple(dict.fromkeys(numbers))


def _since_s(value: Any, now_s: int) -> int:
    if value is None:
        return now_s
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = datetime.min
    if moment.tzinfo is None or not 0 < moment.timestamp() <= now_s:
        raise FieldRefused("since", "a time that is past, as in 2026-01-31T18:30:00+05:30")
    return int(moment.timestamp())
