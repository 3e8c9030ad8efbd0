"""Compare URLs and call-back numbers of texts with those that an account registered with DLT.

A URL is registered by its beginning, which TRAI calls the static part: as `https://acme.in/p?`,
`https://hk.example/ACMEFD/`, `acme.in/p/{#var#}`. A call-back number may be spelled in any usual
way.
"""

import re
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Table for `str.translate` to lower-case ASCII: `str.lower` may change a text's length."""

_SCHEMES = ("https://", "http://", "")
_URL = re.compile(r"((?:https?://)?)([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
# The beginning of the part of a URL that differs from message to message.
_DYNAMIC = re.compile(r"\{#|\*")
_BELOW = "/?#"
_NUMBER = re.compile(r"\+?[0-9](?:[ ().-]{0,2}[0-9])*")
_ALONE = re.compile(rf"(?<![\w.,/-]){_NUMBER.pattern}(?![\w/])")
_NO_DIGITS = re.compile("[^0-9]+")
# An Indian number, toll-free ones included, perhaps with the country code or a trunk zero.
_INDIAN = re.compile(r"(?:0{0,2}91|0)?([1-9][0-9]{9}|18[0-9]{8,9})")
_INDIAN_PREFIXES = ("", "0", "91", "091", "0091")


class UrlBeginning(NamedTuple):
    """A registered beginning on a host: the allowed schemes, the path and the next characters.

    `follows` are the characters that may follow the path, "" for any.
    """

    schemes: Sequence[str]
    path: str
    follows: str


@lru_cache(maxsize=100)
def by_host(urls: tuple[str, ...]) -> Mapping[str, Sequence[UrlBeginning]]:
    """Return the beginnings of registered URLs, by their hosts in lower case."""
    found: dict[str, list[UrlBeginning]] = {}
    for url in urls:
        static = _DYNAMIC.split(url.strip())[0]
        scheme, host, rest = split_url(static)
        # A text may omit the scheme, but not name another one.
        schemes = (scheme, "") if scheme else _SCHEMES
        path_and_follows = _path_and_follows(rest, goes_on=static != url.strip())
        found.setdefault(host, []).append(UrlBeginning(schemes, *path_and_follows))
    return found


def split_url(url: str) -> tuple[str, str, str]:
    """Return a URL's scheme (with its slashes) and host, both in lower case, and the rest."""
    match = _URL.fullmatch(url)
    scheme, host, rest = match.groups() if match else ("", "", url)
    return scheme.translate(TO_LOWER), host.translate(TO_LOWER), rest


def tails(url: str, urls: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the URL's tail after each matching registered beginning, with its `follows`.

    The tail may begin only with a character of `follows`, "" for any.
    """
    scheme, host, rest = split_url(url)
    return [
        (rest[len(path) :], follows)
        for schemes, path, follows in by_host(urls).get(host, ())
        if scheme in schemes and rest.startswith(path)
    ]


def is_registered_number(value: str, numbers: tuple[str, ...]) -> bool:
    """Return whether a value is one of the registered numbers, in any spelling."""
    return _NUMBER.fullmatch(value) is not None and _number(value) in _numbers(numbers)


def numbers_in(text: str) -> list[str]:
    """Return the Indian phone numbers of a text, as they are spelled there."""
    found = (match[0] for match in _ALONE.finditer(text))
    return [each for each in found if _INDIAN.fullmatch(_NO_DIGITS.sub("", each))]


def occurrences(text: str, numbers: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return (begin, end) of each registered number in a text, in any spelling."""
    positions = [position for position, character in enumerate(text) if character in string.digits]
    digits = "".join(text[position] for position in positions)
    # lefts[i]: how many of the steps between the first i + 1 digits cannot lie within one number.
    left, lefts = 0, [0]
    for position, following in zip(positions, positions[1:], strict=False):
        left += not _NUMBER.fullmatch(text[position : following + 1])
        lefts.append(left)
    found = []
    for spelling in _spellings(numbers):
        first = digits.find(spelling)
        while first >= 0:
            last = first + len(spelling) - 1
            if lefts[first] == lefts[last]:
                begin, end = positions[first], positions[last] + 1
                found.append((begin, end))
                if text[:begin].endswith("+"):
                    found.append((begin - 1, end))
            first = digits.find(spelling, first + 1)
    return found


def _path_and_follows(static: str, *, goes_on: bool) -> tuple[str, str]:
    if static and (goes_on or static.endswith(("=", "&", "#"))):
        return static, ""
    if static.endswith("?"):
        return static[:-1], "?"
    if static.endswith("/") and static.strip("/"):
        return static.rstrip("/"), "/"
    return static.rstrip("/"), _BELOW


def _number(text: str) -> str:
    digits = _NO_DIGITS.sub("", text)
    match = _INDIAN.fullmatch(digits)
    return match[1] if match else digits


@lru_cache(maxsize=100)
def _numbers(numbers: tuple[str, ...]) -> frozenset[str]:
    return frozenset(filter(None, map(_number, numbers)))


@lru_cache(maxsize=100)
def _spellings(numbers: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        prefix + number
        for number in _numbers(numbers)
        for prefix in _INDIAN_PREFIXES
        if _number(prefix + number) == number
    )
