"""Whether a text matches a template, in time that grows with their lengths alone.

First the quick way: each fixed text is searched from where the one before it ended. Taken so,
each stands as early as it can, so one that is not found means that nothing matches. But a variable
may come out too long, or hold what it must not, where a later place of a fixed text would do:
then all the ways are walked at once, as sets of positions.
"""

import sys

from harkara.dlt.positions import Positions, fits
from harkara.dlt.templates import DEFAULT_RULES, Kind, Rules, fold, parse

Gap = tuple[Kind, ...]
"""Variables that follow each other with nothing between them."""


class Matcher:
    """A template, ready to be compared with texts."""

    __slots__ = ("_last", "_least", "_middle", "_prefix", "_suffix", "gaps", "literals", "rules")

    def __init__(self, content: str, rules: Rules = DEFAULT_RULES) -> None:
        self.rules = rules
        # literals[0] gaps[0] literals[1] ... literals[-1]: none is empty but the first and last.
        self.literals, self.gaps = _join(parse(content))
        self._least = sum(map(len, self.literals)) + sum(map(len, self.gaps))
        self._prefix, self._suffix = self.literals[0], self.literals[-1]
        self._middle = [
            (literal, *self._quick(gap))
            for literal, gap in zip(self.literals[1:-1], self.gaps, strict=False)
        ]
        self._last = self._quick(self.gaps[-1]) if self.gaps else None

    def matches(self, text: str) -> bool:
        """Whether the text is this template with values that its variables allow."""
        text = fold(text)
        if self._last is None:
            return text == self._prefix
        if (
            len(text) < self._least
            or not text.startswith(self._prefix)
            or not text.endswith(self._suffix)
        ):
            return False
        start, end = len(self._prefix), len(text) - len(self._suffix)
        for literal, low, high, kind in self._middle:
            place = text.find(literal, start + low, end)
            if place < 0:
                return False
            if place - start > high or (kind and not self._takes(kind, text[start:place])):
                return self._walk(text)
            start = place + len(literal)
        low, high, kind = self._last
        if end - start < low:
            return False
        if end - start > high or (kind and not self._takes(kind, text[start:end])):
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
        at = positions.fixed(1, self._prefix)
        for gap, literal in zip(self.gaps, self.literals[1:], strict=True):
            at = positions.fixed(self.read(positions, at, gap), literal)
            if not at:
                return False
        return bool(at & positions.end)

    def _quick(self, gap: Gap) -> tuple[int, int, Kind | None]:
        """Return what the quick way needs: least and greatest length, and the kind to look at."""
        if _is_plain(gap):
            return len(gap), len(gap) * self.rules.var_limit, None
        # Without a greatest length a gap of several kinds is left to the walk.
        return (1, self._limit(gap[0]), gap[0]) if len(gap) == 1 else (len(gap), 0, None)

    def _limit(self, kind: Kind) -> int:
        if kind is Kind.NUMERIC:
            return self.rules.numeric_limit
        return self.rules.alphanumeric_limit if kind is Kind.ALPHANUMERIC else sys.maxsize

    def _takes(self, kind: Kind, value: str) -> bool:
        if kind is Kind.NUMERIC:
            return value.isascii() and value.isdigit()
        return value.isalnum() if kind is Kind.ALPHANUMERIC else fits(value, kind, self.rules)


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
