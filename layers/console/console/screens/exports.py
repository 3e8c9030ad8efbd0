"""Exports: a file of messages, begun with the filters of their list; its progress and its link."""

from urllib.parse import quote, unquote

from console import pages
from console.pages import View
from console.screens.messages import FILTERS
from console.site import Answer, Screens, Visit
from harkara.activity.exports import ExportState
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/exports"
_UNDER_WAY = (ExportState.QUEUED, ExportState.RUNNING)


@SCREENS.post(BASE, Role.VIEWER)
def create(visit: Visit) -> Answer:
    """Begin an export of the messages that a list shows."""
    filters = {name: value for name in FILTERS if (value := visit.form.text(name))}
    export_id = visit.services.manage.exports.create(visit.account, filters)["id"]
    visit.record("export.create", export_id)
    return pages.redirect(f"{BASE}/{quote(export_id, safe='')}")


@SCREENS.get(f"{BASE}/<export_id>")
def show(visit: Visit, export_id: str) -> Answer:
    """Show how far an export is; the page asks again until it has ended."""
    export = visit.services.manage.exports.read(visit.account, unquote(export_id))
    return View("export.html", {"export": export, "is_under_way": export["state"] in _UNDER_WAY})
