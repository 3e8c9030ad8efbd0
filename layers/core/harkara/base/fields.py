"""Read the fields of a resource to register, one by one; a wrong one raises FieldRefused.

A field that is null counts as absent.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from harkara.base.errors import FieldRefused

Fields = Mapping[str, Any]
Pattern = tuple[re.Pattern[str], str]
"""An expression that the whole string must match, and the rule in words."""

NAME_LIMIT = 200
# Control and other characters, except tab and line feed: signs of text read in a wrong encoding.
STRAY = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd"
NAME: Pattern = (
    re.compile(rf"[^\t\n{STRAY}]{{0,{NAME_LIMIT}}}"),
    f"up to {NAME_LIMIT} characters in one line",
)


def check_names(fields: Fields, *names: str) -> None:
    """Refuse fields with other names than these."""
    if not fields.keys() <= set(names):
        # The wrong name is not repeated in the error: it may hold a secret or a number.
        raise FieldRefused("unknown field", f"there are {', '.join(names)}")


def string(fields: Fields, name: str, pattern: Pattern, *, trim: bool = True) -> str:
    """Return a string that matches the pattern; an absent one is matched as ""."""
    value = fields.get(name)
    if value is None:
        value = ""
    expression, rule = pattern
    if isinstance(value, str):
        value = value.strip() if trim else value
        if expression.fullmatch(value):
            return value
    raise FieldRefused(name, rule)


def strings(fields: Fields, name: str, rule: str) -> list[str]:
    """Return a list of strings."""
    values = fields.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise FieldRefused(name, rule)
    return values


def some_of(fields: Fields, name: str, words: Collection[str]) -> tuple[str, ...]:
    """Return a list of some of these words, each once."""
    rule = f"a list of {', '.join(words)}"
    given = strings(fields, name, rule)
    if not set(given) <= set(words):
        raise FieldRefused(name, rule)
    return tuple(dict.fromkeys(given))


def texts(fields: Fields, name: str, rule: str) -> dict[str, str]:
    """Return an object of strings."""
    values = fields.get(name)
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise FieldRefused(name, rule)
    return values


def flag(fields: Fields, name: str) -> bool:
    """Return true or false; false if absent."""
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise FieldRefused(name, "true or false")
    return bool(value)


def whole(fields: Fields, name: str, most: int, default: int = 0) -> int:
    """Return a whole number from 0 to `most`."""
    value = fields.get(name)
    if value is None:
        return default
    # `isinstance` would accept a bool, which is an int in Python.
    if type(value) is not int or not 0 <= value <= most:
        raise FieldRefused(name, f"a whole number from 0 to {most:,}")
    return value


def number(fields: Fields, name: str, most: int) -> float:
    """Return a number from 0 to `most`; 0 if absent."""
    value = fields.get(name)
    if value is None:
        return 0
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise FieldRefused(name, f"a number from 0 to {most:,}")
    return float(value)
