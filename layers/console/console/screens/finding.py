"""The box that finds a thing by its name, and messages by number or smsgid."""

from urllib.parse import quote

from console import pages
from console.pages import View
from console.screens import messages
from console.site import Answer, Screens, Visit
from harkara.activity.filters import DAYS_LIMIT, last_days
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part

SCREENS = Screens()
NAME_LIMIT = 512
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
    name = visit.query("q")[:NAME_LIMIT]
    if name and (place := _place_of(visit, name)):
        return pages.redirect(f"/console/{place}/{quote(name, safe='')}")
    days = last_days(DAYS_LIMIT, int(visit.services.manage.search.clock() * 1000))
    is_number = False
    for each in FILTERS if name else ():
        view = messages.listing(visit, {each: name, **days})
        page = view.values["page"]  # None: the name is no phone number
        is_number |= each == "number" and page is not None
        if page and (page["messages"] or page["next"]):
            return view
    if name and not is_number:  # perhaps of another account
        visit.record(f"refused.{Code.NOT_FOUND.lower()}", visit.request.path)
    return View("not_found.html", {"name": name}, 404)


def _place_of(visit: Visit, name: str) -> str:
    """Return under which path a thing of this name has its page, "" if there is none."""
    services, account = visit.services.manage, visit.account
    for kind, place in _PLACES:
        if services.registry.registry.get(account.id, kind, name):
            return place
    for place, read in (
        ("messages", services.history.message),
        ("campaigns", services.stats.campaign),
    ):
        try:
            read(account, name)
        except RequestRefused as refused:
            if refused.code is not Code.NOT_FOUND:
                raise
        else:
            return place
    return ""
