"""The users of an account, for its admins: invite, change roles, let in no more, read the log."""

from collections.abc import Callable

from console import pages
from console.forms import form_view, problem_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import utc_text
from harkara.manage.people import People
from harkara.model.people import Role, Session

SCREENS = Screens()
BASE = "/console/users"
CURSOR_LIMIT = 500
ROLES = [each for each in Role if each is not Role.OPERATOR]
ACTS: dict[str, Callable[[People, str, Session, str], None]] = {
    "disable": People.disable,
    "enable": People.enable,
    "remove": People.remove,
    "sign_out": People.revoke_all,
    "reset_code": People.reset_totp,
}


@SCREENS.get(BASE, Role.ADMIN)
def show(visit: Visit) -> Answer:
    """List the users."""
    return _shown(visit)


@SCREENS.post(BASE, Role.ADMIN)
def invite(visit: Visit) -> Answer:
    """Invite a user, and show the link, which is shown this once."""
    people, email = visit.services.people, visit.form.text("email")
    try:
        token = people.invite(
            email, visit.account.id, _role(visit), visit.session, visit.request.source_ip
        )
    except RequestRefused as refused:
        return _shown(visit, refused)
    return _shown(visit, link=f"{visit.origin}/console/invitation?token={token}")


@SCREENS.post(f"{BASE}/change", Role.ADMIN)
def change(visit: Visit) -> Answer:
    """Change a user of the account. To an admin no others exist."""
    people, email = visit.services.people, visit.form.text("email")
    act, address = visit.form.text("act"), visit.request.source_ip
    try:
        if act == "role":
            people.change_role(email, _role(visit), visit.session, address)
        elif act in ACTS:
            if act == "remove":
                visit.confirm(act)
            ACTS[act](people, email, visit.session, address)
        else:
            raise RequestRefused(Code.INVALID_REQUEST, "(act)")
    except RequestRefused as refused:
        if refused.code is not Code.INVALID_REQUEST:
            raise
        return _shown(visit, refused)
    return pages.redirect(f"{BASE}?done=changed")


@SCREENS.get("/console/audit", Role.ADMIN)
def audit(visit: Visit) -> Answer:
    """List who changed what, when and from where, newest first, a page at a time."""
    after = visit.query("after")[:CURSOR_LIMIT]
    page = visit.services.people.audit(visit.account.id, after)
    rows = [{"entry": each, "at": utc_text(each.at_ms)} for each in page.entries]
    return View("audit.html", {"rows": rows, "after": after, "next": page.cursor})


def _role(visit: Visit) -> Role:
    role = visit.form.text("role")
    if role not in ROLES:
        raise RequestRefused(Code.INVALID_REQUEST, "(role)")
    return Role(role)


def _shown(visit: Visit, refused: RequestRefused | None = None, link: str = "") -> View:
    problem = problem_of(refused, {Code.ALREADY_EXISTS: "email"}) if refused else None
    if problem and visit.form.text("act"):  # its fields are in the list, without words beside them
        problem = problem._replace(field="")
    values = {
        "users": visit.services.people.users(visit.account.id),
        "roles": ROLES,
        "given": {name: visit.form.text(name) for name in ("email", "role")},
        "link": link,
        "problem": problem,
    }
    return form_view("users.html", values, refused)
