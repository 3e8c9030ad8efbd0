"""Opens pages of the console."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx


@contextmanager
def signed_in(link: str) -> Iterator[httpx.Client]:
    """Open a browser that a link signs in."""
    base, _, _ = link.partition("/console")
    with httpx.Client(follow_redirects=True, timeout=60, base_url=base) as browser:
        browser.get(link)
        yield browser


def open_link(link: str) -> httpx.Response:
    """Follow a link that signs in to the console, as a browser does."""
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        return browser.get(link)
