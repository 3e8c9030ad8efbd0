"""Opens pages of the console."""

import httpx


def open_link(link: str) -> httpx.Response:
    """Follow a link that signs in to the console, as a browser does."""
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        return browser.get(link)
