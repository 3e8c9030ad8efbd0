"""A person's own second factor: set it up with an authenticator app, or take it away."""

from urllib.parse import parse_qs, urlsplit

from console import forms, pages
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/code"
_SHOWN_BESIDE_CODE = (Code.UNAUTHORIZED, Code.RATE_LIMITED)


@SCREENS.get(BASE)
def show(visit: Visit) -> Answer:
    """Show whether the person signs in with a code."""
    return _shown(visit)


@SCREENS.post(BASE, Role.VIEWER)
def begin(visit: Visit) -> Answer:
    """Show a new key for an app; it counts once a code of it was given."""
    uri = visit.services.people.begin_totp(visit.session)
    return _shown(visit, uri=uri)


@SCREENS.post(f"{BASE}/confirm", Role.VIEWER)
def confirm(visit: Visit) -> Answer:
    """Ask for a code at each sign-in from now on."""
    try:
        visit.services.people.confirm_totp(
            visit.session, visit.form.text("code"), visit.request.source_ip
        )
    except RequestRefused as refused:
        return _refused(visit, refused, is_begun=True)
    return pages.redirect(f"{BASE}?done=changed")


@SCREENS.post(f"{BASE}/remove", Role.VIEWER)
def remove(visit: Visit) -> Answer:
    """Ask for no code any more, by a last one."""
    try:
        visit.services.people.remove_totp(
            visit.session, visit.form.text("code"), visit.request.source_ip
        )
    except RequestRefused as refused:
        return _refused(visit, refused)
    return pages.redirect(f"{BASE}?done=removed")


def _refused(visit: Visit, refused: RequestRefused, *, is_begun: bool = False) -> View:
    if refused.code not in _SHOWN_BESIDE_CODE:
        raise refused
    return _shown(visit, refused, is_begun=is_begun)


def _shown(
    visit: Visit, refused: RequestRefused | None = None, uri: str = "", *, is_begun: bool = False
) -> View:
    (key,) = parse_qs(urlsplit(uri).query).get("secret", [""])
    problem = None
    if refused:
        wrong = refused.code is Code.UNAUTHORIZED
        message = pages.text("code.wrong") if wrong else refused.message
        problem = forms.Problem("code", message)
    values = {
        "has_code": visit.services.people.has_totp(visit.session),
        "is_begun": is_begun or bool(uri),
        "uri": uri,
        "key": " ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        "problem": problem,
    }
    return View("code.html", values, forms.status_of(refused))
