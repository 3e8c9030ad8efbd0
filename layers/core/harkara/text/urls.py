"""Find URLs in a text: where each begins, and where it ends and the sentence continues.

A URL is ASCII (RFC 3986), but people write addresses in their own script. So Latin letters beyond
ASCII may appear anywhere in a URL, and letters of another script only after a mark such as `/` or
`=`: directly after an ASCII letter or digit they are the next word, with its blank missing.
Brackets belong to a URL only in pairs.
"""

import re
from collections.abc import Iterator
from unicodedata import category, name

_SCHEME = r"(?i:https?://|(?<![A-Za-z0-9])www\.)"
# Phones link a domain without a scheme if a path follows. A top-level domain in mixed case must be
# a common one, because of texts such as Dr.Rao/Dr.Das. A domain after @ is in an e-mail address.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_END = r"(?:[a-z]{2,63}|[A-Z]{2,63}|(?i:xn--[a-z0-9-]{1,59}|com|net|org|info|in|co|io|ly|me))"
_BARE = rf"(?<![A-Za-z0-9_@./:-])(?:(?:{_LABEL}\.)+{_END}|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}})"
WITH_SCHEME = re.compile(_SCHEME)
LINKED_BY_PHONES = re.compile(rf"{_SCHEME}|{_BARE}(?=(?::[0-9]{{1,5}})?/)")
"""Patterns of a URL's beginning, for `find_urls`: URLs that we shorten; URLs that phones link."""

# The expressions below match a text's outline, in which this letter replaces all beyond Latin.
_BEYOND_LATIN = "\u0905"
_JOINERS = "\u200c\u200d"
# The beginning of another URL ends this one, unless it is a parameter: ?u=https://... Quotes, <>,
# |, \, ^ and ` are excluded, as RFC 3986 does not allow them.
_ONE = (
    r"(?:(?!(?<!=)[Hh][Tt][Tt][Pp][Ss]?://)[!#$%&'*+,\-./0-9:;=?@A-Z_a-z~]"
    rf"|(?<![0-9A-Za-z]){_BEYOND_LATIN})"
)


def _with_brackets(inside: str) -> str:
    return rf"(?:{inside}|\({inside}*\)|\[{inside}*\]|\{{{inside}*\}})"


_HOST = rf"(?:\[[0-9A-Fa-f:.]*\])?(?:(?![/?#]){_ONE})*"
_REST = re.compile(f"{_HOST}(?:(?=[/?#]){_with_brackets(_with_brackets(_ONE))}*)?")
# Marks that, at the end, belong to the sentence and not to the URL. Marks beyond ASCII never belong
# to a URL.
_BEHIND = ".,;:!?*'" + _JOINERS
# Marks for italics or strikethrough: at the end of a URL they belong to it, unless the same mark
# stands before it.
_AROUND = "_~-"


def find_urls(text: str, beginning: re.Pattern[str] = WITH_SCHEME) -> Iterator[tuple[int, str]]:
    """Yield each URL's index in the text and the URL; `beginning` matches how URLs begin."""
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
    """A table for `str.translate` from characters to their outlines, filled on demand."""

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
