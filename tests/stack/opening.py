"""Opens pages of the console."""

import httpx


def signed_in(link: str) -> httpx.Client:
    """Return a browser that a link has signed in."""
    browser = httpx.Client(
        follow_redirects=True, timeout=60, base_url=link.partition("/console")[0]
    )
    browser.get(link)
    return browser


def open_link(link: str) -> httpx.Response:
    """Follow a link that signs in to the console, as a browser does."""
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        return browser.get(link)
