"""Take an excerpt of a platform's answer to a callback."""

import unicodedata

EXCERPT_LENGTH = 200


def excerpt_of(body: bytes) -> str:
    """Return the beginning of a body as one line of text. It may hold personal data."""
    # A character has four bytes at most; the other half is room for characters left out.
    text = body[: 8 * EXCERPT_LENGTH].decode(errors="replace")
    shown = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    return " ".join(shown.split())[:EXCERPT_LENGTH]
