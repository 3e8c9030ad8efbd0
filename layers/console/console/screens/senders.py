"""Senders: the headers of an account, with entity, categories and callback."""

from typing import Any

from console.forms import Form
from console.pages import View
from console.screens.resources import Resource
from console.site import Answer, Screens, Visit
from harkara.manage.resources import advice_on
from harkara.model.accounts import Sender
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Category
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/senders"


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """List the headers, a page at a time."""
    after = visit.query("after")[:64]
    page = visit.services.manage.registry.page(visit.account, Sender, after, 100)
    values = {
        "rows": [{"sender": each, "advice": advice_on(each)} for each in page.parts],
        "after": after,
        "next": page.next_name,
    }
    return View("senders.html", values)


def _read(form: Form) -> dict[str, Any]:
    return {
        "header": form.text("header"),
        "pe_id": form.text("pe_id"),
        "categories": form.all("categories"),
        "callback": form.text("callback"),
    }


def _values(visit: Visit, sender: Sender | None) -> dict[str, Any]:
    return {
        "advice": advice_on(sender) if sender else [],
        "categories": [*Category],
        "callbacks": visit.names(CallbackEndpoint),
    }


Resource(Sender, "sender", Role.MARKETER, _read, _values).add_to(SCREENS)
