"""Tell the kind of a template's variables by the values that recent messages had there."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harkara.dlt.registered import numbers_in
from harkara.dlt.templates import Kind, fold, parse
from harkara.text.urls import LINKED_BY_PHONES, find_urls

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_DIGITS = re.compile(r"[0-9]+")


class SeenValues(NamedTuple):
    """The values of each variable in so many messages, which nobody is shown."""

    message_count: int
    by_variable: Sequence[Sequence[str]]


def seen_in(content: str, texts: Iterable[str]) -> SeenValues | None:
    """Return the values of a template's variables in texts of it; None if no text tells them."""
    literals = parse(content)[::2]
    rows = [row for text in texts if (row := _values(literals, fold(text)))]
    return SeenValues(len(rows), [*zip(*rows, strict=True)]) if rows else None


def kind_of(values: Sequence[str], by_place: Kind) -> Kind:
    """Return the kind that all values of a variable have; its place decides between numbers."""
    if all(next(find_urls(each, LINKED_BY_PHONES), None) == (0, each) for each in values):
        return Kind.URL
    if all(map(_EMAIL.fullmatch, values)):
        return Kind.EMAIL
    are_digits = all(map(_DIGITS.fullmatch, values))
    if are_digits and by_place in (Kind.NUMERIC, Kind.CBN):
        return by_place
    if all(map(_is_phone_number, values)):
        return Kind.CBN
    return Kind.NUMERIC if are_digits else Kind.ALPHANUMERIC


def _values(literals: Sequence[str], text: str) -> list[str]:
    """Return the values between fixed texts, each at its earliest; [] if that is not clear."""
    first, last = literals[0], literals[-1]
    if not text.startswith(first) or not text.endswith(last) or not all(literals[1:-1]):
        return []
    values, at = list[str](), len(first)
    for literal in literals[1:-1]:
        end = text.find(literal, at + 1)
        if end < 0:
            return []
        values.append(text[at:end])
        at = end + len(literal)
    end = len(text) - len(last)
    return [*values, text[at:end]] if end > at else []


def _is_phone_number(value: str) -> bool:
    return [*numbers_in(value)] == [value]
