"""Cookies, and the refusal of requests that another site made a browser send."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from harkara.api.request import Request

# A browser keeps a cookie with this prefix only if it is Secure, for the whole host and no other.
_PREFIX = "__Host-"
SESSION_COOKIE = f"{_PREFIX}harkara"
# The account that an operator works in. It opens nothing: it counts beside an operator's session.
ACCOUNT_COOKIE = f"{_PREFIX}harkara-account"
_LOOPBACK = ("127.0.0.1", "localhost")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # With `no-referrer` browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every page. What a page shows is private, and gone once one has signed out."""


def is_own(request: Request) -> bool:
    """Return whether a page of this host sent a request, as its browser says.

    All present browsers send Sec-Fetch-Site to where a connection is secure; older ones name the
    origin of a form.
    """
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin.lower() == request.headers.get("host", "").lower()


def cookie_in(event: Mapping[str, Any], name: str = SESSION_COOKIE) -> str:
    """Return a cookie of a request, "" for none.

    API Gateway has them in a list of their own, other senders of events only in the header.
    """
    headers = {key.lower(): value for key, value in (event.get("headers") or {}).items()}
    for text in event.get("cookies") or headers.get("cookie", "").split(";"):
        key, _, value = text.strip().partition("=")
        if key == name:
            return str(value)
    return ""


def is_loopback(request: Request) -> bool:
    """Return whether a browser asks its own machine, without TLS."""
    return request.headers.get("host", "").partition(":")[0] in _LOOPBACK


def plain(name: str) -> str:
    """Return the name of a cookie that is not Secure: Safari keeps no other without TLS."""
    return name.removeprefix(_PREFIX)


def cookie(name: str, value: str, max_age_s: int) -> Cookie:
    """Return a cookie for the browser to keep; an age of 0 removes it."""
    return Cookie(
        name,
        value,
        path="/",
        secure=name.startswith(_PREFIX),
        http_only=True,
        max_age=max_age_s,
        same_site=SameSite.LAX_MODE,
    )
