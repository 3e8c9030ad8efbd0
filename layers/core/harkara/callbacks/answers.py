"""What any platform's answer to a callback says: its beginning, and when to come again."""

import unicodedata
from datetime import UTC
from email.utils import parsedate_to_datetime

EXCERPT_LENGTH = 200
RETRY_AFTER_LIMIT_S = 86_400


def excerpt_of(body: bytes) -> str:
    """Return the beginning of a body as one line of text. It may hold personal data."""
    # Four bytes are the longest character; the rest of the room is for what is left out.
    text = body[: 8 * EXCERPT_LENGTH].decode(errors="replace")
    shown = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    return " ".join(shown.split())[:EXCERPT_LENGTH]


def retry_after_s(value: str, now_s: float) -> int:
    """Return the seconds that a Retry-After header asks for, at most a day; 0 for none."""
    if value.isdecimal():
        return min(int(value[:9]), RETRY_AFTER_LIMIT_S)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, ArithmeticError, LookupError, TypeError):
        # An e-mail's date has more forms than HTTP's, and not all that is none is a ValueError.
        return 0
    # "-0000" and a date without a zone come back naive, and mean UTC.
    at_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return int(min(max(0.0, at_s - now_s), RETRY_AFTER_LIMIT_S))
