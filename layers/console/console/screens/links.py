"""Short links: switch them on, see how long they last, and what to register with DLT."""

from console import pages
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.links.codec import bases_of
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/links"


@SCREENS.get(BASE)
def show(visit: Visit) -> Answer:
    """Show the account's settings of links, and the entries for DLT's portal."""
    accounts = visit.services.manage.authenticator.accounts
    # Read anew: somebody may have pressed the switch a moment ago.
    account = accounts.account(visit.account.id, lambda _: False)
    if account is None:
        raise RequestRefused(Code.NOT_FOUND)
    domain = account.short_domain
    values = {
        "links": account,
        "domain": domain,
        "bases": bases_of(domain, account.senders) if domain else (),
        "done": visit.query("done"),
    }
    return View("links.html", values)


@SCREENS.post(BASE, Role.ADMIN)
def switch(visit: Visit) -> Answer:
    """Switch short links on or off for all texts that say nothing else."""
    on = visit.form.text("on") == "true"
    visit.services.links.switch(visit.account, on=on)
    visit.record("links.on" if on else "links.off", visit.account.id)
    return pages.redirect(f"{BASE}?done=changed")
