"""The URLs of a text: whether they are registered with DLT, and which become short links."""

import re
from collections.abc import Iterator

from harkara.codes import Code
from harkara.dlt.positions import fits
from harkara.dlt.templates import Kind, Rules
from harkara.errors import RequestRefused
from harkara.links import URL_LIMIT, URLS_PER_MESSAGE, Linked

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_WITH_HOST = re.compile(r"https?://[^/?#]", re.IGNORECASE)
# What ends a sentence or a bracket behind a URL is not of it.
_BEHIND = ".,;:!?)]}>'\""


def are_registered(text: str, fixed_text: str, rules: Rules) -> bool:
    """Whether each URL of a text is registered, or stands so in its template's fixed text."""
    return all(url in fixed_text or fits(url, Kind.URL, rules) for _, url in _urls(text))


def linked(text: str, fixed_text: str, base: str) -> Linked | None:
    """Return a text with links for its URLs; None where it has none that becomes a link.

    Those that stand so in its template's fixed text stay as they are, and so do links of ours,
    which begin with `base`. Raises RequestRefused(INVALID_RECORD) for too many, or too long ones.
    """
    parts, urls, behind = list[str](), list[str](), 0
    for at, url in _urls(text):
        if _WITH_HOST.match(url) and url not in fixed_text and not url.startswith(base + "/"):
            parts.append(text[behind:at])
            urls.append(url)
            behind = at + len(url)
    if not urls:
        return None
    if len(set(urls)) > URLS_PER_MESSAGE or max(map(len, urls)) > URL_LIMIT:
        rule = f"({URLS_PER_MESSAGE} different URLs at most, each of {URL_LIMIT:,} characters)"
        raise RequestRefused(Code.INVALID_RECORD, rule)
    return Linked([*parts, text[behind:]], urls)


def _urls(text: str) -> Iterator[tuple[int, str]]:
    """Yield each URL, and where it begins."""
    for match in _URL.finditer(text):
        yield match.start(), match[0].rstrip(_BEHIND)
