"""Short links: switch them on, see their clicks and days, and what to register with DLT."""

from collections.abc import Mapping

from console import pages
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.activity.filters import StatsQuery, last_days, query_of
from harkara.links.codec import bases_of
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/links"
COUNTED_DAYS = 30


@SCREENS.get(BASE)
def show(visit: Visit) -> Answer:
    """Show the account's settings of links, and the entries for DLT's portal."""
    account = visit.current_account()  # somebody may have pressed the switch a moment ago
    domain = account.short_domain
    values = {
        "links": account,
        "domain": domain,
        "bases": bases_of(domain, account.senders) if domain else (),
        "clicks": _clicks(visit) if domain else None,
    }
    return View("links.html", values)


@SCREENS.post(BASE, Role.ADMIN)
def switch(visit: Visit) -> Answer:
    """Switch short links on or off for all texts that say nothing else."""
    on = visit.form.text("on") == "true"
    visit.services.links.switch(visit.account, on=on)
    visit.record("links.on" if on else "links.off", visit.account.id)
    return pages.redirect(f"{BASE}?done=changed")


def _clicks(visit: Visit) -> Mapping[str, object]:
    """Return the first clicks of persons, by when their messages were accepted."""
    service = visit.services.manage.stats
    days = last_days(COUNTED_DAYS, int(service.clock() * 1000))
    stats = service.stats(visit.account, query_of(StatsQuery, days))
    today = sum(each["clicks"] for each in stats["groups"] if each["key"] == days["to"])
    return {"today": today, "all": stats["totals"]["clicks"], "as_of": stats["as_of"]}
