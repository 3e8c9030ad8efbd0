"""Where a text departs from a template, in words that show the template's text, never the other.

The template is read along all ways at once for as long as one is left. The part at which the last
one ends is where the text departs: a fixed text that is not there, or a variable whose value is
too long or of the wrong kind, or the end.
"""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from os.path import commonprefix

from harkara.dlt.matching import Matcher
from harkara.dlt.positions import Positions
from harkara.dlt.templates import rule_of

EXCERPT = 20
# How much of a fixed text is looked for in how much of a text: the comparison is quadratic.
_HEAD = 64
_WINDOW = 256


class Part(StrEnum):
    """At what part of a template a text departs from it."""

    FIXED = "fixed text"
    VARIABLE = "variable"
    END = "end"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a text departs from a template.

    `position` counts the text's characters from 0, a line's end as one. `expected` is a piece of
    the template's fixed text, or a variable's rule, empty where the variable has no value at all;
    `variable` the number of the variable, from 1.
    `agreement` (0 to 1) is how much of the template's fixed text stands before the position.
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


def departure(dlt_template_id: str, matcher: Matcher, text: str) -> Mismatch | None:
    """Return where a text departs from a template; None when it matches."""
    positions = Positions(text)
    length = sum(map(len, matcher.literals)) or 1
    passed, variable, before, reach = 0, 1, 1, 1
    for number, literal in enumerate(matcher.literals):
        last = number == len(matcher.literals) - 1
        if number:
            gap = matcher.gaps[number - 1]
            reach = matcher.read(positions, before, gap)
            if _is_skipped(positions, before, reach, literal, last=last):
                place = _lowest(before)
                agreement = passed / length
                return Mismatch(
                    dlt_template_id, Part.VARIABLE, place, "", variable, agreement=agreement
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
    """Whether a fixed text stands where the variable before it should, and nowhere behind that."""

    def stands(at: int) -> int:
        ends = positions.fixed(at, literal)
        return ends & positions.end if last else ends

    return bool(stands(before)) and not stands(reach)


def _stands_later(text: str, literal: str, start: int, last: bool, reach: int) -> bool:
    """Whether a fixed text is there, but only where the variable before it cannot end."""
    if last:
        place = len(text) - len(literal) if text.endswith(literal) else -1
        return place >= start and not reach >> place & 1
    place = text.find(literal, start)
    while 0 <= place < reach.bit_length():
        if reach >> place & 1:
            return False
        place = text.find(literal, place + 1)
    return place >= 0


def _align(text: str, reach: int, literal: str) -> tuple[int, int]:
    """Return where a fixed text that should begin in `reach` departs, and how much of it stood.

    It is laid where the longest piece of it stands, or as near to that as it may begin.
    """
    lowest = _lowest(reach)
    block = SequenceMatcher(
        None, literal[:_HEAD], text[lowest : lowest + _WINDOW], autojunk=False
    ).find_longest_match()
    wanted = max(lowest, lowest + block.b - block.a)
    start = (reach & ((2 << wanted) - 1)).bit_length() - 1
    matched = len(commonprefix([text[start:], literal]))
    return start + matched, matched


def _lowest(positions: int) -> int:
    return (positions & -positions).bit_length() - 1
