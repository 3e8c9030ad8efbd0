"""The box that finds a thing by its name, and messages by number, smsgid or campaign."""

from urllib.parse import quote

from console import pages
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.activity.filters import DAYS_LIMIT, MessageFilter, last_days, query_of
from harkara.activity.search import MessagePage
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part

SCREENS = Screens()
NAME_LIMIT = 200
# The first that finds something is listed.
FILTERS = ("number", "client_ref", "campaign")
_PLACES: tuple[tuple[type[Part], str], ...] = (
    (Template, "templates"),
    (Sender, "senders"),
    (CallbackEndpoint, "callbacks"),
)


@SCREENS.get("/console/find")
def find(visit: Visit) -> Answer:
    """Go to the thing of a name, else list messages; show a page if there is none."""
    name, by = visit.query("q")[:NAME_LIMIT], visit.query("by")
    if name and by not in FILTERS and (place := _place_of(visit, name)):
        return pages.redirect(f"/console/{place}/{quote(name, safe='')}")
    for each in ((by,) if by in FILTERS else FILTERS) if name else ():
        page = _page(visit, each, name)
        if page and (page["messages"] or page["next"]):
            return View("found.html", {"name": name, "by": each, "page": page})
    return View("not_found.html", {"name": name}, 404)


def _place_of(visit: Visit, name: str) -> str:
    """Return under which path a thing of this name has its page, "" if there is none."""
    registry = visit.services.manage.registry.registry
    for kind, place in _PLACES:
        if registry.get(visit.account.id, kind, name):
            return place
    try:
        visit.services.manage.history.message(visit.account, name)
    except RequestRefused as refused:
        if refused.code is not Code.NOT_FOUND:
            raise
        return ""
    return "messages"


def _page(visit: Visit, by: str, name: str) -> MessagePage | None:
    """Return a page of the last days' messages, None if the name is no phone number."""
    service = visit.services.manage.search
    days = last_days(DAYS_LIMIT, int(service.clock() * 1000))
    query = query_of(MessageFilter, {**days, by: name, "after": visit.query("after")})
    try:
        return service.page(visit.account, query)
    except RequestRefused as refused:
        if refused.code is not Code.INVALID_NUMBER:
            raise
        return None
