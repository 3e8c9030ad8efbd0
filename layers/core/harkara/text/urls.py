"""URLs in a text: where each begins, and where the sentence around it goes on.

A URL is ASCII (RFC 3986), but people write addresses in their own script: letters of Latin may
stand anywhere, those of another script only behind a mark, such as `/` or `=`. Directly behind a
letter or digit of ASCII they are a word that lost its blank. Brackets belong to it in pairs.
"""

import re
from collections.abc import Iterator
from unicodedata import category, name

_SCHEME = r"(?i:https?://|(?<![A-Za-z0-9])www\.)"
# A domain without a scheme is a link to phones where a path follows; of a capital in its end, as in
# Dr.Rao/Dr.Das, only where that is a usual one. What stands behind an @ is an address's.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_END = r"(?:[a-z]{2,63}|[A-Z]{2,63}|(?i:xn--[a-z0-9-]{1,59}|com|net|org|info|in|co|io|ly|me))"
_BARE = rf"(?<![A-Za-z0-9_@./:-])(?:(?:{_LABEL}\.)+{_END}|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}})"
WITH_SCHEME = re.compile(_SCHEME)
LINKED_BY_PHONES = re.compile(rf"{_SCHEME}|{_BARE}(?=(?::[0-9]{{1,5}})?/)")
"""How a URL begins, for `find_urls`: those that we shorten, and those that phones link."""

# The expressions read a text's outline, in which one letter stands for all beyond Latin.
_BEYOND_LATIN = "\u0905"
_JOINERS = "\u200c\u200d"
# Another URL ends this one, unless it is a parameter: ?u=https://... No quotes, <>, |, \, ^ and `:
# RFC 3986 has no place for them.
_ONE = (
    r"(?:(?!(?<!=)[Hh][Tt][Tt][Pp][Ss]?://)[!#$%&'*+,\-./0-9:;=?@A-Z_a-z~]"
    rf"|(?<![0-9A-Za-z]){_BEYOND_LATIN})"
)


def _with_brackets(inside: str) -> str:
    return rf"(?:{inside}|\({inside}*\)|\[{inside}*\]|\{{{inside}*\}})"


_HOST = rf"(?:\[[0-9A-Fa-f:.]*\])?(?:(?![/?#]){_ONE})*"
_REST = re.compile(f"{_HOST}(?:(?=[/?#]){_with_brackets(_with_brackets(_ONE))}*)?")
# What ends a sentence rather than a URL. Marks beyond ASCII never belong to one.
_BEHIND = ".,;:!?*'" + _JOINERS
# What is set around a URL, in italics or struck out, belongs to it only where it stands alone.
_AROUND = "_~-"


def find_urls(text: str, beginning: re.Pattern[str] = WITH_SCHEME) -> Iterator[tuple[int, str]]:
    """Yield where each URL begins, and the URL; `beginning` says how one can begin."""
    found = beginning.search(text)
    outline = text if found is None or text.isascii() else text.translate(_OUTLINE)
    while found:
        rest = _REST.match(outline, found.end())
        end = rest.end() if rest else found.end()
        url = text[found.start() : end].rstrip(_BEHIND)
        before = text[found.start() - 1 : found.start()]
        if before and before in _AROUND:
            url = url.removesuffix(before).rstrip(_BEHIND)
        if len(url) > len(found[0]):
            yield found.start(), url
        found = beginning.search(text, max(found.end(), found.start() + len(url)))


class _Outline(dict[int, str]):
    """What stands for a character in an outline, as `str.translate` asks for it."""

    def __missing__(self, code: int) -> str:
        self[code] = outlined = _outlined(chr(code))
        return outlined


def _outlined(character: str) -> str:
    if character.isascii():
        return character
    if category(character)[0] not in "LMN" and character not in _JOINERS:
        return " "
    is_latin = name(character, "").startswith(("LATIN ", "COMBINING "))
    return "a" if is_latin else _BEYOND_LATIN


_OUTLINE = _Outline()
