"""Callbacks: where final states are posted; try one, see its health, post dead letters again."""

import asyncio
from typing import Any
from urllib.parse import quote, unquote

from console import pages
from console.forms import Form, problem_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.manage.callbacks import Replayed
from harkara.manage.dead_letter_fields import CallbackResult
from harkara.manage.resources import fields_of
from harkara.model.callback_settings import FORMAT_NAMES
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import State
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/callbacks"
PARKED_SHOWN = 20
_FIELDS = {Code.ALREADY_EXISTS: "id"}


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """List the callbacks with their health."""
    after = visit.query("after")[:64]
    page = visit.services.manage.registry.page(visit.account, CallbackEndpoint, after, 50)
    endpoints = visit.services.manage.endpoints
    values = {
        "rows": [
            {"callback": each, "health": endpoints.health(visit.account, each.id)}
            for each in page.parts
        ],
        "next_name": page.next_name,
        "default": visit.services.manage.registry.registry.default_callback(visit.account.id),
        "done": visit.query("done"),
    }
    return View("callbacks.html", values)


@SCREENS.get(f"{BASE}/new", Role.ADMIN)
def new(visit: Visit) -> Answer:
    """Show an empty form."""
    return _form(visit, _fields_of(Form()))


@SCREENS.post(BASE, Role.ADMIN)
def create(visit: Visit) -> Answer:
    """Register a URL for callbacks."""
    fields = _fields_of(visit.form)
    try:
        visit.services.manage.registry.create(visit.account, CallbackEndpoint, fields)
    except RequestRefused as refused:
        return _form(visit, fields, refused=refused)
    visit.record("callback.create", fields["id"])
    return pages.redirect(f"{BASE}/{quote(fields['id'], safe='')}?done=created")


@SCREENS.get(f"{BASE}/<name>")
def show(visit: Visit, name: str) -> Answer:
    """Show a callback: its health, its dead letters, its form."""
    return _shown(visit, unquote(name))


@SCREENS.post(f"{BASE}/<name>", Role.ADMIN)
def replace(visit: Visit, name: str) -> Answer:
    """Change a callback. Its secrets, and what this form does not have, stay."""
    registry, callback_id = visit.services.manage.registry, unquote(name)
    part = registry.get(visit.account, CallbackEndpoint, callback_id)
    fields = {**fields_of(part), **_fields_of(visit.form), "id": callback_id}
    try:
        registry.replace(visit.account, CallbackEndpoint, callback_id, fields)
    except RequestRefused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(visit, callback_id, fields, refused)
    visit.record("callback.put", callback_id)
    return pages.redirect(f"{BASE}/{name}?done=changed")


@SCREENS.post(f"{BASE}/<name>/test", Role.ADMIN)
def test(visit: Visit, name: str) -> Answer:
    """Post a sample, and show the endpoint's answer."""
    callback_id = unquote(name)
    tried = asyncio.run(visit.services.manage.endpoints.test(visit.account, callback_id))
    visit.record("callback.test", callback_id)
    return _shown(visit, callback_id, tried=tried)


@SCREENS.post(f"{BASE}/<name>/replay", Role.ADMIN)
def replay(visit: Visit, name: str) -> Answer:
    """Post dead letters again: the chosen ones, or all."""
    callback_id, ids = unquote(name), visit.form.all("ids")
    fields: dict[str, Any] = {"ids": ids} if ids else {"all": True}
    if not ids and visit.form.text("all") != "true":
        return _shown(visit, callback_id, refused=RequestRefused(Code.INVALID_REQUEST))
    done = visit.services.manage.endpoints.replay(
        visit.account, callback_id, fields, visit.deadline
    )
    if ids and done["complete"] and not done["replayed"]:
        raise RequestRefused(Code.NOT_FOUND, "(parked callbacks)")
    visit.record("callback.replay", f"{callback_id} {done['replayed']}")
    return _shown(visit, callback_id, replayed=done)


@SCREENS.post(f"{BASE}/<name>/remove", Role.ADMIN)
def remove(visit: Visit, name: str) -> Answer:
    """Remove a callback that nothing names."""
    callback_id = unquote(name)
    try:
        visit.services.manage.registry.remove(visit.account, CallbackEndpoint, callback_id)
    except RequestRefused as refused:
        if refused.code is not Code.IN_USE:
            raise
        return _shown(visit, callback_id, refused=refused)
    visit.record("callback.remove", callback_id)
    return pages.redirect(f"{BASE}?done=removed")


def _fields_of(form: Form) -> dict[str, Any]:
    return {
        "id": form.text("id"),
        "name": form.text("name"),
        "url": form.text("url"),
        "format": form.text("format"),
        "states": form.all("states"),
    }


def _form(
    visit: Visit,
    given: dict[str, Any],
    refused: RequestRefused | None = None,
    **shown: Any,
) -> View:
    values: dict[str, Any] = {
        "given": given,
        "callback": None,
        "formats": FORMAT_NAMES,
        "states": [*State],
        "problem": problem_of(refused, _FIELDS) if refused else None,
        "done": visit.query("done"),
        **shown,
    }
    return View("callback.html", values, MEANINGS[refused.code].http_status if refused else 200)


def _shown(
    visit: Visit,
    callback_id: str,
    given: dict[str, Any] | None = None,
    refused: RequestRefused | None = None,
    *,
    tried: CallbackResult | None = None,
    replayed: Replayed | None = None,
) -> View:
    services = visit.services.manage
    part = services.registry.get(visit.account, CallbackEndpoint, callback_id)
    after = {"after": each} if (each := visit.query("after")) else {}
    return _form(
        visit,
        given or fields_of(part),
        refused,
        callback=part,
        health=services.endpoints.health(visit.account, callback_id),
        parked=services.endpoints.dead_letter_page(visit.account, callback_id, after, PARKED_SHOWN),
        tried=tried,
        replayed=replayed,
    )
