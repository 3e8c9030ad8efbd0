"""Senders: the headers of an account, with entity, categories and callback."""

from typing import Any
from urllib.parse import quote, unquote

from console import pages
from console.forms import Form, problem_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.manage.resources import advice_on
from harkara.model.accounts import Sender
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import name_of
from harkara.model.messages import Category
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/senders"
_FIELDS = {Code.ALREADY_EXISTS: "header"}


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """List the headers, a page at a time."""
    after = visit.query("after")[:64]
    page = visit.services.manage.registry.page(visit.account, Sender, after, 100)
    values = {
        "rows": [{"sender": each, "advice": advice_on(each)} for each in page.parts],
        "next_name": page.next_name,
        "done": visit.query("done"),
    }
    return View("senders.html", values)


@SCREENS.get(f"{BASE}/new", Role.MARKETER)
def new(visit: Visit) -> Answer:
    """Show an empty form."""
    return _form(visit, _fields_of(Form()), None)


@SCREENS.post(BASE, Role.MARKETER)
def create(visit: Visit) -> Answer:
    """Register a header."""
    fields = _fields_of(visit.form)
    try:
        part = visit.services.manage.registry.create(visit.account, Sender, fields)
    except RequestRefused as refused:
        return _form(visit, fields, None, refused)
    visit.record("sender.create", name_of(part))
    return pages.redirect(f"{BASE}?done=created")


@SCREENS.get(f"{BASE}/<name>")
def show(visit: Visit, name: str) -> Answer:
    """Show a header in its form."""
    part = visit.services.manage.registry.get(visit.account, Sender, unquote(name))
    return _form(visit, part.model_dump(mode="json"), part)


@SCREENS.post(f"{BASE}/<name>", Role.MARKETER)
def replace(visit: Visit, name: str) -> Answer:
    """Change a header's entity, categories and callback."""
    registry, header = visit.services.manage.registry, unquote(name)
    part = registry.get(visit.account, Sender, header)
    fields = {**_fields_of(visit.form), "header": header}
    try:
        registry.replace(visit.account, Sender, header, fields)
    except RequestRefused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _form(visit, fields, part, refused)
    visit.record("sender.put", header)
    return pages.redirect(f"{BASE}/{quote(header, safe='')}?done=changed")


@SCREENS.post(f"{BASE}/<name>/remove", Role.MARKETER)
def remove(visit: Visit, name: str) -> Answer:
    """Remove a header."""
    visit.services.manage.registry.remove(visit.account, Sender, unquote(name))
    visit.record("sender.remove", unquote(name))
    return pages.redirect(f"{BASE}?done=removed")


def _fields_of(form: Form) -> dict[str, Any]:
    return {
        "header": form.text("header"),
        "pe_id": form.text("pe_id"),
        "categories": form.all("categories"),
        "callback": form.text("callback"),
    }


def _form(
    visit: Visit, given: dict[str, Any], part: Sender | None, refused: RequestRefused | None = None
) -> View:
    callbacks = visit.services.manage.registry.page(visit.account, CallbackEndpoint).parts
    values = {
        "given": given,
        "sender": part,
        "advice": advice_on(part) if part else [],
        "categories": [*Category],
        "callbacks": [each.id for each in callbacks],
        "problem": problem_of(refused, _FIELDS) if refused else None,
        "done": visit.query("done"),
    }
    return View("sender.html", values, MEANINGS[refused.code].http_status if refused else 200)
