"""Whether a text matches a template, in time that grows with their lengths alone.

First the quick way: each fixed text is searched from where the one before it ended. Taken so,
each stands as early as it can, so one that is not found means that nothing matches. But a variable
may come out too long, or hold what it must not, where a later place of a fixed text would do:
then all the ways are walked at once, as sets of positions.
"""

import sys
from collections.abc import Callable
from functools import partial

from harkara.dlt.positions import Positions, fits
from harkara.dlt.templates import DEFAULT_RULES, Kind, Rules, fold, parse

Gap = tuple[Kind, ...]
"""Variables that follow each other with nothing between them."""

Takes = Callable[[str], bool]


class Matcher:
    """A template, ready to be compared with texts."""

    __slots__ = ("_ends", "_middle", "gaps", "literals", "rules")

    def __init__(self, content: str, rules: Rules = DEFAULT_RULES) -> None:
        self.rules = rules
        # literals[0] gaps[0] literals[1] ... literals[-1]: none is empty but the first and last.
        self.literals, self.gaps = _join(parse(content))
        prefix, suffix = self.literals[0], self.literals[-1]
        ranges = [self._range(gap) for gap in self.gaps]
        # A fixed text is searched from where the least value before it ends: what follows is the
        # length of it and of the next least value, and by how much its own value may be longer.
        self._middle = [
            (literal, len(literal) + after[0], before[1] - before[0], before[2])
            for literal, before, after in zip(self.literals[1:-1], ranges, ranges[1:], strict=False)
        ]
        low, high, takes = ranges[-1] if ranges else (0, 0, None)
        first = len(prefix) + (ranges[0][0] if ranges else 0)
        self._ends = prefix, first, suffix, len(suffix), high - low, takes

    def matches(self, text: str) -> bool:
        """Whether the text is this template with values that its variables allow."""
        if "\r" in text:
            text = fold(text)
        prefix, start, suffix, size, last_slack, last_takes = self._ends
        if not self.gaps:
            return text == prefix
        if not text.startswith(prefix) or not text.endswith(suffix):
            return False
        for literal, step, slack, takes in self._middle:
            place = text.find(literal, start)
            if place < 0:
                return False
            # Only a gap of one variable has `takes`: its value began a character before `start`.
            if place - start > slack or (takes and not takes(text[start - 1 : place])):
                return self._walk(text)
            start = place + step
        end = len(text) - size
        if end < start:
            return False
        if end - start > last_slack or (last_takes and not last_takes(text[start - 1 : end])):
            return self._walk(text)
        return True

    def read(self, positions: Positions, at: int, gap: Gap) -> int:
        """Return where the variables of a gap can end."""
        if _is_plain(gap):
            return positions.gap(at, len(gap), len(gap) * self.rules.var_limit)
        for kind in gap:
            at = positions.variable(at, kind, self.rules)
        return at

    def _walk(self, text: str) -> bool:
        positions = Positions(text)
        at = positions.fixed(1, self.literals[0])
        for gap, literal in zip(self.gaps, self.literals[1:], strict=True):
            at = positions.fixed(self.read(positions, at, gap), literal)
            if not at:
                return False
        return bool(at & positions.end)

    def _range(self, gap: Gap) -> tuple[int, int, Takes | None]:
        """Return a gap's least and greatest length, and what asks about its value."""
        if _is_plain(gap):
            return len(gap), len(gap) * self.rules.var_limit, None
        if len(gap) > 1:
            return len(gap), -1, None  # no length will do: left to the walk
        match gap[0]:
            case Kind.NUMERIC:
                return 1, self.rules.numeric_limit, _is_number
            case Kind.ALPHANUMERIC:
                return 1, self.rules.alphanumeric_limit, str.isalnum
            case kind:
                return 1, sys.maxsize, partial(fits, kind=kind, rules=self.rules)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _is_plain(gap: Gap) -> bool:
    return all(kind is Kind.VAR for kind in gap)


def _join(parts: list[str]) -> tuple[list[str], list[Gap]]:
    """Return fixed texts and gaps; variables with nothing between them make one gap."""
    literals, gaps = [parts[0]], list[Gap]()
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        if gaps and not literals[-1]:
            gaps[-1] += (Kind(name),)
            literals[-1] = literal
        else:
            gaps.append((Kind(name),))
            literals.append(literal)
    return literals, gaps
