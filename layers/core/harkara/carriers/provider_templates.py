"""Templates stored at a provider, which takes their id and the values of their variables.

A message has its whole text, so the values are extracted from it: `##name##` in the provider's
template stands for any text. If several sets of values fit, each renders the same text, and the one
with the shortest first value is used.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

_VARIABLE = re.compile(r"##([A-Za-z0-9_]{1,64})##")


def pieces(template: str) -> Sequence[str]:
    """Return a template's fixed texts and, between them, its variables' names.

    Raises ValueError if two variables are adjacent: their values could not be told apart.
    """
    parts = _VARIABLE.split(template)
    if "" in parts[2:-1:2]:
        raise ValueError("two variables stand side by side")
    return parts


def values_in(text: str, template: str) -> Mapping[str, str] | None:
    """Return the values of a template's variables in a text; None if it does not match."""
    parts = _cut(template)
    fixed, names = parts[::2], parts[1::2]
    if not names:
        return {} if text == template else None
    first, last = fixed[0], fixed[-1]
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < len(first):
        return None
    found: list[str] = []
    start = len(first)
    for each in fixed[1:-1]:
        at = text.find(each, start, end)
        if at < 0:
            return None
        found.append(text[start:at])
        start = at + len(each)
    found.append(text[start:end])
    values = dict(zip(names, found, strict=True))
    same = all(values[name] == value for name, value in zip(names, found, strict=True))
    return values if same else None


@lru_cache(maxsize=1_000)
def _cut(template: str) -> Sequence[str]:
    return pieces(template)
