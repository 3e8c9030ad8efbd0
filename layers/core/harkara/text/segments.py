"""Encodings and segments of a text, and the plain characters that keep it in GSM 7-bit.

Sources: 3GPP TS 23.038 section 6.2.1, TS 23.040 section 9.2.3.24.

A text is sent in the GSM 7-bit default alphabet if that has all its characters, otherwise in UCS-2.
One segment holds 160 septets or 70 UTF-16 code units; a longer text is split into segments of 153
or 67, because each then carries a header. The two septets of an extension character, or the two
code units of a surrogate pair, stay in one segment, so the number of segments is not a division.

A text of 160 characters takes one segment in GSM 7-bit and three in UCS-2, and a single curly quote
makes the difference. Accounts may therefore have such typographic characters replaced by plain
ones. Letters are never replaced: that would be transliteration.
"""

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"

_ASCII_BASIC = "".join(filter(str.isascii, GSM_BASIC)).encode()
_EXTENSION = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_OUTSIDE_GSM = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")
_ESCAPE = "\x1b"


class Encoding(StrEnum):
    """The character encoding of a text on the radio link."""

    GSM7 = "GSM7"
    UCS2 = "UCS2"


_SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_SENDER_LIMIT = 11
_CONCATENATED = {Encoding.GSM7: 153, Encoding.UCS2: 67}
_PLAIN_SINGLE, _PLAIN_CONCATENATED = _SINGLE[Encoding.GSM7], _CONCATENATED[Encoding.GSM7]


class Measure(NamedTuple):
    """A text's encoding, its length in units (septets or UTF-16 code units), its segments."""

    encoding: Encoding
    unit_count: int
    segment_count: int


def measure(text: str) -> Measure:
    """Return a text's encoding, length and segments; the empty text takes one segment."""
    if is_plain(text):
        # Each character is one septet and there are no pairs: only then is a division right.
        length = len(text)
        count = 1 if length <= _PLAIN_SINGLE else -(-length // _PLAIN_CONCATENATED)
        return Measure(Encoding.GSM7, length, count)
    if _OUTSIDE_GSM.search(text) is None:
        return _measure(Encoding.GSM7, _EXTENSION.sub(_escaped, text))
    return _measure(Encoding.UCS2, _utf16(text))


def is_sender(text: str) -> bool:
    """Return whether a text can be an alphanumeric sender, 11 septets (3GPP TS 23.040, 9.1.2.5)."""
    if not text.strip() or not text.isprintable():
        return False
    encoding, septets, _ = measure(text)
    return encoding is Encoding.GSM7 and septets <= _SENDER_LIMIT


def is_plain(text: str) -> bool:
    """Return whether each character is one of ASCII that takes one septet."""
    return text.isascii() and not text.encode().translate(None, _ASCII_BASIC)


def first_outside_gsm(text: str) -> int | None:
    """Return the index of the first character that needs UCS-2; None if no character does."""
    found = _OUTSIDE_GSM.search(text)
    return found.start() if found else None


def split(text: str) -> list[str]:
    """Return the segments' texts in order; joined they equal the text."""
    encoding = measure(text).encoding
    if encoding is Encoding.GSM7:
        units = _EXTENSION.sub(_escaped, text)
        return [part.replace(_ESCAPE, "") for part in _cut(encoding, units)]
    return [
        part.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
        for part in _cut(encoding, _utf16(text))
    ]


def _measure(encoding: Encoding, units: str) -> Measure:
    if len(units) <= _SINGLE[encoding]:
        return Measure(encoding, len(units), 1)
    return Measure(encoding, len(units), len(_cut(encoding, units)))


def _cut(encoding: Encoding, units: str) -> list[str]:
    if len(units) <= _SINGLE[encoding]:
        return [units]
    step, parts, start = _CONCATENATED[encoding], [], 0
    while start < len(units):
        end = start + step
        if end < len(units) and _opens_a_pair(encoding, units[end - 1]):
            end -= 1
        parts.append(units[start:end])
        start = end
    return parts


def _opens_a_pair(encoding: Encoding, unit: str) -> bool:
    return unit == _ESCAPE if encoding is Encoding.GSM7 else "\ud800" <= unit <= "\udbff"


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPE + match[0]


def _utf16(text: str) -> str:
    """Return the text with one character for each UTF-16 code unit (two for a surrogate pair)."""
    if max(text) <= "\uffff":
        return text
    code_units = text.encode("utf-16-be", "surrogatepass")
    return "".join(
        chr(int.from_bytes(code_units[at : at + 2], "big")) for at in range(0, len(code_units), 2)
    )


_PLAIN = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u02bc\u0060\u00b4",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    "_": "\u2017",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u202f\u205f\u3000\t",
    "...": "\u2026",
    "*": "\u2022",
    "\n": "\u000b\u0085\u2028\u2029",
    # Invisible: joiners, direction marks, and remains of terminals and hyphenation.
    "": "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e"
    "\u2066\u2067\u2068\u2069\u0000\u0007\u00ad",
}
_TABLE = {ord(character): plain for plain, group in _PLAIN.items() for character in group}


def plainly(text: str) -> str:
    """Return the text with plain quotes, dashes and spaces, if it then fits into GSM 7-bit.

    A text that still needs UCS-2, or never did, stays as it is. So joiners between Hindi letters or
    emoji are kept: no text with such letters fits into GSM 7-bit.
    """
    if measure(text).encoding is Encoding.GSM7:
        return text
    # A letter and its accent may be two characters here and one in GSM 7-bit: compose them.
    plain = unicodedata.normalize("NFC", text).translate(_TABLE)
    return plain if measure(plain).encoding is Encoding.GSM7 else text
