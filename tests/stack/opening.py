"""Opens pages of the console."""

import httpx


def open_link(link: str) -> httpx.Response:
    """Follow a link that signs in to the console, as a browser does."""
    answer = httpx.get(link, timeout=60)
    if answer.status_code != httpx.codes.SEE_OTHER:
        return answer
    # The cookie is Secure: httpx would not send it without TLS, a browser does to this machine.
    cookie = answer.headers["set-cookie"].partition(";")[0]
    page = answer.url.join(answer.headers["location"])
    return httpx.get(page, headers={"cookie": cookie}, timeout=60)
