"""The URLs of a text: whether they are registered with DLT, and which become short links."""

import re
from collections.abc import Iterator

from harkara.codes import Code
from harkara.dlt.positions import fits
from harkara.dlt.templates import Kind, Rules
from harkara.errors import RequestRefused
from harkara.links import URL_LIMIT, URLS_PER_MESSAGE, Linked

# A domain without a scheme is a link to phones where a path follows; of a capital in its end, as in
# Dr.Rao/Dr.Das, only where that is a usual one. What stands behind an @ is an address's.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_END = r"(?:[a-z]{2,63}|[A-Z]{2,63}|(?i:xn--[a-z0-9-]{1,59}|com|net|org|info|in|co|io|ly|me))"
_BARE = rf"(?<![A-Za-z0-9_@./:-])(?:(?:{_LABEL}\.)+{_END}|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}})"
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_LINKED_BY_PHONES = re.compile(rf"(?i:https?://|www\.)\S+|{_BARE}(?::[0-9]{{1,5}})?/\S*")
_WITH_HOST = re.compile(r"https?://[^/?#]", re.IGNORECASE)
# What ends a sentence or a bracket behind a URL is not of it.
_BEHIND = ".,;:!?)]}>'\""


def are_registered(text: str, fixed_text: str, rules: Rules) -> bool:
    """Whether each URL of a text is registered, or stands so in its template's fixed text."""
    return all(
        url in fixed_text or fits(url, Kind.URL, rules) for _, url in _urls(text, _LINKED_BY_PHONES)
    )


def linked(text: str, fixed_text: str, base: str) -> Linked | None:
    """Return a text with links for its URLs; None where it has none that becomes a link.

    Those that stand so in its template's fixed text stay as they are, and so do links of ours,
    which begin with `base`. Raises RequestRefused(INVALID_RECORD) for too many, or too long ones.
    """
    parts, urls, behind = list[str](), list[str](), 0
    for at, url in _urls(text, _URL):
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


def _urls(text: str, expression: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield each URL, and where it begins."""
    for match in expression.finditer(text):
        yield match.start(), match[0].rstrip(_BEHIND)
