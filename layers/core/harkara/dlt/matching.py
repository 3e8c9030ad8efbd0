"""Match a text against a template, and render a template with values.

Matching takes time that grows only with the lengths of both.

The quick way searches each fixed text from the end of the one before it. So it finds each at its
earliest possible place, and if one is not found, the text does not match. But a variable's value
may then be too long or invalid, although a later place of a fixed text would give a valid value: in
that case all ways are followed at once, as sets of positions.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from harkara.base.errors import VariableRefused
from harkara.dlt.positions import Positions, fits, is_alphanumeric
from harkara.dlt.templates import (
    ANY_MARKS,
    DEFAULT_RULES,
    Kind,
    Rules,
    fold,
    holds_placeholder,
    parse,
    rule_of,
)

Gap = tuple[Kind, ...]
"""The kinds of one or more variables with no fixed text between them."""

Takes = Callable[[str], bool]


class Matcher:
    """A template, ready to be compared with texts."""

    __slots__ = ("_ends", "_longest", "_middle", "gaps", "literals", "rules")

    def __init__(self, content: str, rules: Rules = DEFAULT_RULES) -> None:
        self.rules = rules
        # literals[0] gaps[0] literals[1] ... literals[-1]: only the first and last may be empty.
        self.literals, self.gaps = _join(parse(content))
        prefix, suffix = self.literals[0], self.literals[-1]
        ranges = [self._range(gap) for gap in self.gaps] or [(0, 0, None)]
        # For each inner fixed text: the text; its length plus the minimum length of the next value
        # (the search for the next fixed text starts there); by how much the value before it may
        # exceed its minimum; the check of that value; that minimum.
        self._middle = [
            (literal, len(literal) + after[0], high - low, takes, low)
            for literal, (low, high, takes), after in zip(
                self.literals[1:-1], ranges, ranges[1:], strict=False
            )
        ]
        low, high, takes = ranges[-1]
        self._ends = prefix, len(prefix) + ranges[0][0], suffix, high - low, takes, low
        self._longest = sum(map(len, self.literals)) + sum(high for _, high, _ in ranges)

    def matches(self, text: str) -> bool:
        """Return whether the text is this template with values that its variables allow."""
        if "\r" in text:
            text = fold(text)
        verdict = self.quick(text)
        return self.walk(text) if verdict is None else verdict

    def quick(self, text: str) -> bool | None:
        """Return whether a folded text matches, by the quick way; None if that cannot tell."""
        if not self.gaps:
            return text == self.literals[0]
        prefix, start, suffix, last_slack, last_takes, last_low = self._ends
        if not text.startswith(prefix) or not text.endswith(suffix):
            return False
        for literal, step, slack, takes, low in self._middle:
            position = text.find(literal, start)
            if position < 0:
                return False
            if position - start > slack or (takes and not takes(text[start - low : position])):
                return None
            start = position + step
        end = len(text) - len(suffix)
        if end < start:
            return False
        if end - start > last_slack or (
            last_takes and not last_takes(text[start - last_low : end])
        ):
            return None
        return True

    def walk(self, text: str) -> bool:
        """Return whether a folded text matches, by following all ways at once."""
        if len(text) > self._longest:
            return False
        positions = Positions(text)
        at = positions.fixed(1, self.literals[0])
        for gap, literal in zip(self.gaps, self.literals[1:], strict=True):
            at = positions.fixed(self.read(positions, at, gap), literal)
            if not at:
                return False
        return bool(at & positions.end)

    def read(self, positions: Positions, at: int, gap: Gap) -> int:
        """Return the positions where the variables of a gap can end."""
        if _is_plain(gap):
            return positions.gap(at, len(gap), len(gap) * self.rules.var_limit)
        for kind in gap:
            at = positions.variable(at, kind, self.rules)
        return at

    def _range(self, gap: Gap) -> tuple[int, int, Takes | None]:
        """Return a gap's minimum and maximum length, and the check of its value, if any."""
        if _is_plain(gap):
            return len(gap), len(gap) * self.rules.var_limit, None
        limits = {
            Kind.VAR: self.rules.var_limit,
            Kind.NUMERIC: self.rules.numeric_limit,
            Kind.ALPHANUMERIC: self.rules.alphanumeric_limit,
        }
        if limits.keys() >= set(gap):
            # A value that passes the check of the strictest kind fits every kind of the gap: then
            # only its length matters.
            takes: Takes | None = partial(is_alphanumeric, rules=self.rules)
            if Kind.NUMERIC in gap:
                takes = _is_number
            elif self.rules.alphanumeric_marks == ANY_MARKS:
                takes = None
            return len(gap), sum(map(limits.__getitem__, gap)), takes
        if len(gap) == 1:
            return 1, sys.maxsize, partial(fits, kind=gap[0], rules=self.rules)
        return len(gap), sys.maxsize, _never


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _never(_: str) -> bool:
    return False


def _is_plain(gap: Gap) -> bool:
    return all(kind is Kind.VAR for kind in gap)


def _join(parts: list[str]) -> tuple[list[str], list[Gap]]:
    """Return fixed texts and gaps; variables with no fixed text between them form one gap."""
    literals, gaps = [parts[0]], list[Gap]()
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        if gaps and not literals[-1]:
            gaps[-1] += (Kind(name),)
            literals[-1] = literal
        else:
            gaps.append((Kind(name),))
            literals.append(literal)
    return literals, gaps


def render(
    content: str, values: Sequence[str] | Mapping[str, str], rules: Rules = DEFAULT_RULES
) -> str:
    """Return the text of a template with these values for its variables, in order or by name.

    In a mapping the first variable is named `1` or `var1`. The text matches the template. Raises
    VariableRefused, which names the variable and its rule and never the value.
    """
    parts = parse(content)
    chosen = _in_order(values, count=len(parts) // 2)
    for number, (name, value) in enumerate(zip(parts[1::2], chosen, strict=True), 1):
        kind = Kind(name)
        if not value:
            raise VariableRefused(number, "is empty")
        if holds_placeholder(value):
            raise VariableRefused(number, "holds a placeholder that nothing was put in place of")
        if not fits(value, kind, rules):
            raise VariableRefused(number, f"({{#{kind}#}}) takes {rule_of(kind, rules)}")
    parts[1::2] = chosen
    return "".join(parts)


def _in_order(values: Sequence[str] | Mapping[str, str], count: int) -> list[str]:
    if isinstance(values, Mapping):
        values_by_name = {name.removeprefix("var"): value for name, value in values.items()}
        chosen = [values_by_name.pop(str(number), None) for number in range(1, count + 1)]
        extra = len(values_by_name)
    else:
        chosen = [*values[:count], *[None] * (count - len(values))]
        extra = max(0, len(values) - count)
    present = [fold(value) for value in chosen if value is not None]
    if len(present) < count:
        raise VariableRefused(chosen.index(None) + 1, "has no value")
    if extra:
        raise VariableRefused(count + 1, f"is not in the template, which has {count}")
    return present
