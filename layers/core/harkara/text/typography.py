"""Replace typographic characters that force a text into UCS-2 by plain ones of GSM 7-bit.

A text of 160 characters takes one segment in GSM 03.38 and three in UCS-2: a single curly quote
makes the difference. Letters are never replaced: that would be transliteration.
"""

import unicodedata

from harkara.text.segments import Encoding, measure

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
