"""The queues, for operators: what waits, what failed for good, and its way back."""

import re

from console import pages
from console.forms import form_view
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import utc_text
from harkara.manage.queues import RATE_LIMIT
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/queues"


@SCREENS.get(BASE, Role.OPERATOR)
def show_all(visit: Visit) -> Answer:
    """List the queues of the deployment, with how many tasks wait or failed for good."""
    states = visit.services.queues.states()
    return View("queues.html", {"states": states, "as_of": _now(visit)})


@SCREENS.get(f"{BASE}/<name>", Role.OPERATOR)
def show(visit: Visit, name: str) -> Answer:
    """Show some dead letters of a queue, and its last redrives.

    While one is under way nobody looks at dead letters: SQS has them in its hands.
    """
    return _shown(visit, name)


@SCREENS.post(f"{BASE}/<name>/redrive", Role.OPERATOR)
def redrive(visit: Visit, name: str) -> Answer:
    """Let SQS move the dead letters of a queue back, once that is confirmed."""
    text = visit.form.text("rate")
    rate = int(text) if re.fullmatch("[0-9]{1,6}", text) else 0
    try:
        visit.confirm("redrive")
        visit.services.queues.redrive(name, rate if text else None)
    except RequestRefused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(visit, name, refused)
    visit.record("queue.redrive", name)
    return pages.redirect(f"{BASE}/{name}?done=redriven")


@SCREENS.post(f"{BASE}/<name>/cancel", Role.OPERATOR)
def cancel(visit: Visit, name: str) -> Answer:
    """Stop the redrive of a queue."""
    visit.services.queues.cancel(name)
    visit.record("queue.cancel", name)
    return pages.redirect(f"{BASE}/{name}?done=stopped")


def _shown(visit: Visit, name: str, refused: RequestRefused | None = None) -> View:
    service = visit.services.queues
    state, moves = service.state(name), service.moves(name)
    under_way = next((each for each in moves if each.is_under_way), None)
    values = {
        "state": state,
        "dead_letters": [] if under_way or not state.dead else service.dead_letters(name),
        "moves": moves,
        "under_way": under_way,
        "may_redrive": service.may_redrive(name),
        "rate": visit.form.text("rate"),
        "rate_limit": RATE_LIMIT,
        "as_of": _now(visit),
        "utc": utc_text,
    }
    return form_view("queue.html", values, refused)


def _now(visit: Visit) -> str:
    return utc_text(int(visit.services.people.clock() * 1000))
