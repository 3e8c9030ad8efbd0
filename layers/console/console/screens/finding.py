"""The box that finds a thing by its name: a message, a template, a header, a callback."""

from urllib.parse import quote

from console import pages
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part

SCREENS = Screens()
NAME_LIMIT = 64
_PLACES: tuple[tuple[type[Part], str], ...] = (
    (Template, "templates"),
    (Sender, "senders"),
    (CallbackEndpoint, "callbacks"),
)


@SCREENS.get("/console/find")
def find(visit: Visit) -> Answer:
    """Go to the thing of a name; show a page if there is none."""
    name = visit.query("q")[:NAME_LIMIT]
    registry = visit.services.manage.registry.registry
    for kind, place in _PLACES if name else ():
        if registry.get(visit.account.id, kind, name):
            return pages.redirect(f"/console/{place}/{quote(name, safe='')}")
    try:
        visit.services.manage.history.message(visit.account, name)
    except RequestRefused as refused:
        if refused.code is not Code.NOT_FOUND:
            raise
        return View("not_found.html", {"name": name}, 404)
    return pages.redirect(f"/console/messages/{quote(name, safe='')}")
