"""Short links: whether texts get them, how long they last, and what to register with DLT."""

from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.links.codec import base_of

SCREENS = Screens()
BASE = "/console/links"


@SCREENS.get(BASE)
def show(visit: Visit) -> Answer:
    """Show the account's settings of links, and the entries for DLT's portal."""
    domain = visit.account.short_domain
    values = {"domain": domain, "base": base_of(domain) if domain else ""}
    return View("links.html", values)
