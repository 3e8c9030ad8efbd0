"""Whether the URLs of a text are registered with DLT."""

import re

from harkara.dlt.positions import fits
from harkara.dlt.templates import Kind, Rules

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# What ends a sentence or a bracket behind a URL is not of it.
_BEHIND = ".,;:!?)]}>'\""


def are_registered(text: str, fixed_text: str, rules: Rules) -> bool:
    """Whether each URL of a text is registered, or stands so in its template's fixed text."""
    return all(
        url in fixed_text or fits(url, Kind.URL, rules)
        for url in (match[0].rstrip(_BEHIND) for match in _URL.finditer(text))
    )
