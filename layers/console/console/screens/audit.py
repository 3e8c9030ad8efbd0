"""The audit log of an account: who changed what, when and from where."""

from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.time import utc_text
from harkara.model.people import Role

SCREENS = Screens()
CURSOR_LIMIT = 500


@SCREENS.get("/console/audit", Role.ADMIN)
def show(visit: Visit) -> Answer:
    """List the changes, newest first, a page at a time."""
    page = visit.services.people.audit(visit.account.id, visit.query("after")[:CURSOR_LIMIT])
    rows = [{"entry": each, "at": utc_text(each.at_ms)} for each in page.entries]
    return View("audit.html", {"rows": rows, "cursor": page.cursor})
