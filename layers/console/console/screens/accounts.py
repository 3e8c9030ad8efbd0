"""The accounts, for operators: they have none of their own, and choose the one to work in."""

from console import forms, guard, pages
from console.pages import View
from console.site import ACCOUNTS, Answer, Site, safe_next
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.people import SESSION_S, Role, Session


def add_to(site: Site) -> None:
    """Register the pages, which need no account."""
    site.add_open("GET", ACCOUNTS, show)
    site.add_open("POST", ACCOUNTS, choose)


def show(site: Site) -> Answer:
    """List all accounts."""
    _operator(site)
    return View("accounts.html", {"accounts": site.services().accounts()})


def choose(site: Site) -> Answer:
    """Work in an account from now on, in this browser."""
    session, request = _operator(site), site.api.client_request
    given = forms.read(request)
    account_id = given.text("id")
    if not site.people.has_account(account_id):
        raise RequestRefused(Code.NOT_FOUND, "(account)")
    site.people.record(session, "account.open", account_id, request.source_ip, account_id)
    return pages.redirect(
        safe_next(given.text("next")),
        [site.new_cookie(guard.ACCOUNT_COOKIE, account_id, SESSION_S)],
    )


def _operator(site: Site) -> Session:
    """Return the session of an operator; to others there is no such page."""
    session = site.people.person(site.cookie())
    if session is None or not session.may(Role.OPERATOR):
        raise RequestRefused(Code.NOT_FOUND)
    return session
