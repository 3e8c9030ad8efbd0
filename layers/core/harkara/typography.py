"""Typographic characters that would cost a text Unicode, and their plain forms in the GSM alphabet.

A text of 160 characters takes one segment in GSM 03.38 and three in UCS-2: a single curly quote
makes the difference. Letters are never touched: that would be transliteration.
"""

from harkara.segments import Encoding, measure

_PLAIN = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u02bc\u0060\u00b4",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u202f\u205f\u3000\t",
    "...": "\u2026",
    "*": "\u2022",
    "": "\u200b\u2060\ufeff",
}
_TABLE = {ord(character): plain for plain, group in _PLAIN.items() for character in group}


def plainly(text: str) -> str:
    """Return the text with plain quotes, dashes and spaces, if that lets it go out in GSM 7-bit.

    A text that needs Unicode all the same stays as it is, as does one that never did.
    """
    if measure(text).encoding is Encoding.GSM7:
        return text
    plain = text.translate(_TABLE)
    return plain if measure(plain).encoding is Encoding.GSM7 else text
