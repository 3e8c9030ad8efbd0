"""Sign in with e-mail, password and perhaps a code; accept an invitation; sign out."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import forms, guard, pages
from console.pages import View
from console.site import SIGN_IN, Answer, Site, safe_next
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.model.people import SESSION_S

# One more than the longest: what is cut must be refused.
PASSWORD_LIMIT = 1_001


def add_to(site: Site) -> None:
    """Register the pages of people who are not signed in."""
    site.add_open("GET", "/console", lambda _: pages.redirect(safe_next("")))
    site.add_open("GET", SIGN_IN, form)
    site.add_open("POST", SIGN_IN, sign_in)
    site.add_open("POST", "/console/sign-out", sign_out)
    site.add_open("GET", "/console/invitation", invitation)
    site.add_open("POST", "/console/invitation", accept)
    site.add_open("GET", "/console/link", by_link)


def form(site: Site) -> Answer:
    """Show the form; who is signed in goes on."""
    to = safe_next(site.api.client_request.query.get("next", ""))
    if site.people.person(site.cookie()):
        return pages.redirect(to)
    return _form(to)


def sign_in(site: Site) -> Answer:
    """Begin a session. A wrong password and an unknown person get one answer."""
    request = site.api.client_request
    given = forms.read(request)
    to = safe_next(given.text("next"))
    email, password = given.text("email"), given.raw("password")[:PASSWORD_LIMIT]
    try:
        cookie = site.people.sign_in(email, password, given.text("code"), request.source_ip)
    except RequestRefused as refused:
        return _form(to, email, refused)
    return _begun(site, to, cookie)


def sign_out(site: Site) -> Answer:
    """End the session, on this side and in the browser."""
    if cookie := site.cookie():
        site.people.sign_out(cookie, site.api.client_request.source_ip)
    names = (guard.SESSION_COOKIE, guard.ACCOUNT_COOKIE)
    return pages.redirect(SIGN_IN, [site.new_cookie(name, "", 0) for name in names])


def invitation(site: Site) -> Answer:
    """Show the form in which an invited person chooses a password."""
    token = site.api.client_request.query.get("token", "")
    if site.people.invitation(token) is None:
        raise RequestRefused(Code.NOT_FOUND, "(the link was used, or has ended: ask for another)")
    return View("invitation.html", _invited(site, token))


def accept(site: Site) -> Answer:
    """Set the password of an invited person, and begin a session."""
    request = site.api.client_request
    given = forms.read(request)
    token, password = given.text("token"), given.raw("password")[:PASSWORD_LIMIT]
    try:
        cookie = site.people.accept_invitation(
            token, password, request.source_ip, given.text("code")
        )
    except RequestRefused as refused:
        values = _invited(site, token, forms.problem_of(refused))
        return View("invitation.html", values, MEANINGS[refused.code].http_status)
    return _begun(site, safe_next(""), cookie)


def by_link(site: Site) -> Answer:
    """Begin a session by a one-time link, which only the stack on one machine prints."""
    request = site.api.client_request
    cookie = site.people.sign_in_by_link(request.query.get("token", ""), request.source_ip)
    return _begun(site, safe_next(request.query.get("next", "")), cookie)


def _begun(site: Site, to: str, cookie: str) -> Response[Any]:
    return pages.redirect(to, [site.new_cookie(guard.SESSION_COOKIE, cookie, SESSION_S)])


def _form(to: str, email: str = "", refused: RequestRefused | None = None) -> View:
    problem = forms.problem_of(refused) if refused else None
    values = {"next": to, "given": {"email": email}, "problem": problem}
    return View("sign_in.html", values, MEANINGS[refused.code].http_status if refused else 200)


def _invited(site: Site, token: str, problem: forms.Problem | None = None) -> dict[str, Any]:
    user = site.people.invitation(token)
    return {"token": token, "problem": problem, "has_code": user is not None and user.has_totp}
