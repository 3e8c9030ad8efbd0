"""Find where a text differs from a template; the report shows the template's text only.

All ways of matching are followed at once for as long as one is left. The text differs at the part
of the template where the last way ends: a missing fixed text, a variable whose value is too long or
of the wrong kind, or the end.
"""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from os.path import commonprefix

from harkara.dlt.matching import Matcher
from harkara.dlt.positions import Positions
from harkara.dlt.templates import rule_of

EXCERPT = 20
# Characters of a fixed text, and of the text, that are compared: the comparison is quadratic.
_HEAD = 64
_WINDOW = 256


class Part(StrEnum):
    """The part of a template at which a text differs from it."""

    FIXED = "fixed text"
    VARIABLE = "variable"
    END = "end"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The place where a text differs from a template.

    `position` counts the text's characters from 0, a line ending as one. `expected` is a piece of
    the template's fixed text, or a variable's rule; it is empty if the variable has no value.
    `variable` is the variable's number, from 1. `agreement` (0 to 1) is the share of the template's
    fixed text that was found before the position.
    """

    dlt_template_id: str
    part: Part
    position: int
    expected: str = ""
    variable: int = 0
    agreement: float = 0.0

    def __str__(self) -> str:
        where = f"Template {self.dlt_template_id} at character {self.position + 1}"
        match self.part:
            case Part.FIXED:
                return f'{where}: expected the fixed text "{self.expected}".'
            case Part.VARIABLE:
                rule = f"takes {self.expected}" if self.expected else "is empty"
                return f"{where}: variable {self.variable} {rule}."
            case Part.END:
                return f"{where}: expected the end."


def diff(dlt_template_id: str, matcher: Matcher, text: str) -> Mismatch | None:
    """Return where a text differs from a template; None if it matches."""
    positions = Positions(text)
    length = sum(map(len, matcher.literals)) or 1
    passed, variable, before, reach = 0, 1, 1, 1
    for number, literal in enumerate(matcher.literals):
        last = number == len(matcher.literals) - 1
        if number:
            gap = matcher.gaps[number - 1]
            reach = matcher.read(positions, before, gap)
            if _is_skipped(positions, before, reach, literal, last=last):
                at = _lowest(before)
                agreement = passed / length
                return Mismatch(
                    dlt_template_id, Part.VARIABLE, at, "", variable, agreement=agreement
                )
            if not reach or _stands_later(text, literal, _lowest(before) + len(gap), last, reach):
                rules = dict.fromkeys(rule_of(kind, matcher.rules) for kind in gap)
                return Mismatch(
                    dlt_template_id,
                    Part.VARIABLE,
                    _lowest(before),
                    ", ".join(rules),
                    variable,
                    passed / length,
                )
            variable += len(gap)
        ends = positions.fixed(reach, literal)
        if not ends or (last and not ends & positions.end):
            position, matched = _align(text, reach, literal)
            expected = literal[matched : matched + EXCERPT]
            return Mismatch(
                dlt_template_id,
                Part.FIXED if expected else Part.END,
                position,
                expected,
                agreement=(passed + matched) / length,
            )
        passed += len(literal)
        before = ends
    return None


def _is_skipped(positions: Positions, before: int, reach: int, literal: str, *, last: bool) -> bool:
    """Return whether a fixed text stands in place of the variable before it, and not after it."""

    def stands(at: int) -> int:
        ends = positions.fixed(at, literal)
        return ends & positions.end if last else ends

    return bool(stands(before)) and not stands(reach)


def _stands_later(text: str, literal: str, start: int, last: bool, reach: int) -> bool:
    """Return whether a fixed text occurs, but only where the variable before it cannot end."""
    if last:
        at = len(text) - len(literal) if text.endswith(literal) else -1
        return at >= start and not reach >> at & 1
    at = text.find(literal, start)
    while 0 <= at < reach.bit_length():
        if reach >> at & 1:
            return False
        at = text.find(literal, at + 1)
    return at >= 0


def _align(text: str, reach: int, literal: str) -> tuple[int, int]:
    """Return where the text first differs from a fixed text, and the length found before that.

    The fixed text may begin at the positions in `reach`. It is aligned with the longest piece of it
    that the text contains, as closely as these positions allow.
    """
    lowest = _lowest(reach)
    block = SequenceMatcher(
        None, literal[:_HEAD], text[lowest : lowest + _WINDOW], autojunk=False
    ).find_longest_match()
    target = max(lowest, lowest + block.b - block.a)
    start = (reach & ((2 << target) - 1)).bit_length() - 1
    matched = len(commonprefix([text[start:], literal]))
    return start + matched, matched


def _lowest(positions: int) -> int:
    return (positions & -positions).bit_length() - 1
