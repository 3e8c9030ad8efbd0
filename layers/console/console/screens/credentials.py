"""Credentials of an account, for its admins: their rights, their secrets and their end."""

from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from console import pages
from console.forms import Form, form_view
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import DAY_S, IST_OFFSET_S, utc_text
from harkara.manage.audit import refusals
from harkara.manage.credentials import IssuedSecret, hook_url, mark_of
from harkara.model.accounts import Credential, Scope, has_expired
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Fields
from harkara.model.messages import Category
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/credentials"
PAGE_SIZE = 50
OVERLAPS_S = {"none": 0, "hour": 3600, "day": DAY_S, "week": 7 * DAY_S}
_FIELDS = {Code.ALREADY_EXISTS: "username"}
_IST = timezone(timedelta(seconds=IST_OFFSET_S))


@SCREENS.get(BASE, Role.ADMIN)
def listed(visit: Visit) -> Answer:
    """List the credentials, a page at a time."""
    registry = visit.services.manage.registry.registry
    after = visit.query("after")[:64]
    found = registry.credentials(visit.account.id, after, PAGE_SIZE + 1)
    rows = found[:PAGE_SIZE]
    values = {
        "rows": [_row(visit, each) for each in rows],
        "after": after,
        "next": rows[-1].username if len(found) > PAGE_SIZE else None,
    }
    return View("credentials.html", values)


@SCREENS.get(f"{BASE}/~new", Role.ADMIN)  # no user name has a ~
def new(visit: Visit) -> Answer:
    """Show an empty form."""
    return _form(visit, {**_given(Form()), "scopes": [Scope.SEND]})


@SCREENS.post(BASE, Role.ADMIN)
def create(visit: Visit) -> Answer:
    """Create a credential, and show its secret, which is shown this once."""
    given, username = _given(visit.form), visit.form.text("username")
    try:
        issued = visit.services.credentials.create(visit.account.id, username, _fields(given))
    except RequestRefused as refused:
        return _form(visit, given, refused)
    visit.record("credential.create", username)
    return _shown(visit, username, issued=issued)


@SCREENS.get(f"{BASE}/<name>", Role.ADMIN)
def show(visit: Visit, name: str) -> Answer:
    """Show a credential with its form."""
    return _shown(visit, unquote(name))


@SCREENS.post(f"{BASE}/<name>", Role.ADMIN)
def change(visit: Visit, name: str) -> Answer:
    """Change what a credential may do. Its secrets stay."""
    username, given = unquote(name), _given(visit.form)
    try:
        visit.services.credentials.change(visit.account.id, username, _fields(given))
    except RequestRefused as refused:
        return _shown(visit, username, given, refused)
    visit.record("credential.put", username)
    return pages.redirect(f"{BASE}/{name}?done=changed")


@SCREENS.post(f"{BASE}/<name>/rotate", Role.ADMIN)
def rotate(visit: Visit, name: str) -> Answer:
    """Make a new secret, and show it, this once. A form that is sent again makes no other."""
    username, overlap = unquote(name), visit.form.text("overlap")
    try:
        with refusals():
            if overlap not in OVERLAPS_S:
                raise FieldRefused("overlap", f"one of {', '.join(OVERLAPS_S)}")
        issued = visit.services.credentials.rotate(
            visit.account.id, username, OVERLAPS_S[overlap], visit.form.text("seen")
        )
    except RequestRefused as refused:
        return _shown(visit, username, refused=refused)
    visit.record("credential.rotate", username)
    return _shown(visit, username, issued=issued)


@SCREENS.post(f"{BASE}/<name>/end", Role.ADMIN)
def end_old_secrets(visit: Visit, name: str) -> Answer:
    """End all secrets but the newest."""
    username, seen = unquote(name), visit.form.text("seen")
    try:
        visit.services.credentials.end_old_secrets(visit.account.id, username, seen)
    except RequestRefused as refused:
        return _shown(visit, username, refused=refused)
    visit.record("credential.end", username)
    return pages.redirect(f"{BASE}/{name}?done=changed")


@SCREENS.post(f"{BASE}/<name>/revoke", Role.ADMIN)
def revoke(visit: Visit, name: str) -> Answer:
    """Remove a credential, once that is confirmed."""
    username, seen = unquote(name), visit.form.text("seen")
    try:
        visit.confirm("revoke")
        visit.services.credentials.revoke(visit.account.id, username, seen)
    except RequestRefused as refused:
        return _shown(visit, username, refused=refused)
    visit.record("credential.revoke", username)
    return pages.redirect(f"{BASE}?done=removed")


def _given(form: Form) -> dict[str, Any]:
    """Return what a form says, as it is shown again."""
    names = ("username", "networks", "callback", "default_category", "expires_at_s")
    return {**{name: form.text(name) for name in names}, "scopes": form.all("scopes")}


def _fields(given: Fields) -> Fields:
    """Return the fields of a request. Raises RequestRefused."""
    with refusals():
        return {
            "scopes": given["scopes"],
            "networks": given["networks"].replace(",", " ").split(),
            "callback": given["callback"],
            "default_category": given["default_category"] or None,
            "expires_at_s": _time_s(given["expires_at_s"]),
        }


def _time_s(text: str) -> int | None:
    """Return the Unix seconds of a time in IST, None for an empty text. Raises FieldRefused."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FieldRefused("expires_at_s", "a day and time, such as 2027-01-31T18:30") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=_IST)).timestamp())


def _given_of(credential: Credential) -> dict[str, Any]:
    at_s = credential.expires_at_s
    expires = datetime.fromtimestamp(at_s, _IST).replace(tzinfo=None).isoformat() if at_s else ""
    return {
        "scopes": credential.scopes,
        "networks": "\n".join(credential.networks),
        "callback": credential.callback,
        "default_category": credential.default_category or "",
        "expires_at_s": expires,
    }


def _row(visit: Visit, credential: Credential) -> dict[str, Any]:
    """Return what a page says of a credential: the times are in ISO 8601."""
    now_s, ends_s = visit.services.credentials.clock(), credential.expires_at_s
    old = [each.expires_at_s for each in credential.secrets[1:]]
    return {
        "credential": credential,
        "expires_at": utc_text(ends_s * 1000) if ends_s else "",
        "has_expired": has_expired(ends_s, now_s),
        "old": [utc_text(each * 1000) for each in old if not has_expired(each, now_s)],
    }


def _form(visit: Visit, given: Fields, refused: RequestRefused | None = None, **shown: Any) -> View:
    values: dict[str, Any] = {
        "given": given,
        "row": None,
        "issued": None,
        "scopes": [*Scope],
        "categories": [*Category],
        "callbacks": visit.names(CallbackEndpoint),
        **shown,
    }
    return form_view("credential.html", values, refused, _FIELDS)


def _shown(
    visit: Visit,
    username: str,
    given: Fields | None = None,
    refused: RequestRefused | None = None,
    issued: IssuedSecret | None = None,
) -> View:
    """Show a credential. Raises RequestRefused (NOT_FOUND)."""
    credential = visit.services.credentials.get(visit.account.id, username)
    return _form(
        visit,
        given or _given_of(credential),
        refused,
        row=_row(visit, credential),
        seen=mark_of(credential),
        overlaps=[*OVERLAPS_S],
        issued=issued,
        hook_url=hook_url(visit.origin, username) if Scope.SEND in credential.scopes else "",
    )
