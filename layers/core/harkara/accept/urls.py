"""Check a text's URLs: whether they are registered with DLT, and which become short links."""

import re

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.dlt.positions import fits
from harkara.dlt.templates import Kind, Rules
from harkara.links.codec import URL_LIMIT, URLS_PER_MESSAGE, Linked
from harkara.text.urls import LINKED_BY_PHONES, find_urls

_WITH_HOST = re.compile(r"https?://[^/?#]", re.IGNORECASE)


def are_registered(text: str, fixed_text: str, rules: Rules) -> bool:
    """Whether each URL of a text is registered, or is in its template's fixed text."""
    found = find_urls(text, LINKED_BY_PHONES)
    return all(url in fixed_text or fits(url, Kind.URL, rules) for _, url in found)


def linked(text: str, fixed_text: str, base: str) -> Linked | None:
    """Return a text with links for its URLs; None if none of them becomes a link.

    URLs in its template's fixed text stay as they are, and so do our own links, which begin with
    `base`. Raises RequestRefused(INVALID_RECORD) for too many URLs, or too long ones.
    """
    parts, urls, behind = list[str](), list[str](), 0
    for at, url in find_urls(text):
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
