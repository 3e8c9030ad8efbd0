"""Callbacks: where final states are posted; try one, see its health, post dead letters again."""

import asyncio
from typing import Any
from urllib.parse import unquote

from console.forms import Form
from console.pages import View
from console.screens.resources import Resource
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.resources import fields_of
from harkara.model.callback_settings import FORMAT_NAMES
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import State
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/callbacks"
PARKED_SHOWN = 20


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
        "after": after,
        "next": page.next_name,
        "default": visit.services.manage.registry.registry.default_callback(visit.account.id),
    }
    return View("callbacks.html", values)


@SCREENS.post(f"{BASE}/<name>/test", Role.ADMIN)
def test(visit: Visit, name: str) -> Answer:
    """Post a sample, and show the endpoint's answer."""
    callback_id = unquote(name)
    tried = asyncio.run(visit.services.manage.endpoints.test(visit.account, callback_id))
    visit.record("callback.test", callback_id)
    return _shown(visit, name, tried=tried)


@SCREENS.post(f"{BASE}/<name>/replay", Role.ADMIN)
def replay(visit: Visit, name: str) -> Answer:
    """Post dead letters again: the chosen ones, or all."""
    callback_id, ids = unquote(name), visit.form.all("ids")
    fields: dict[str, Any] = {"ids": ids} if ids else {"all": True}
    if not ids and visit.form.text("all") != "true":
        return _shown(visit, name, RequestRefused(Code.INVALID_REQUEST, "(tick one at least)"))
    done = visit.services.manage.endpoints.replay(
        visit.account, callback_id, fields, visit.deadline
    )
    if ids and done["complete"] and not done["replayed"]:
        raise RequestRefused(Code.NOT_FOUND, "(parked callbacks)")
    visit.record("callback.replay", f"{callback_id} {done['replayed']}")
    return _shown(visit, name, replayed=done)


def _read(form: Form) -> dict[str, Any]:
    return {
        **{name: form.text(name) for name in ("id", "name", "url", "format")},
        "states": form.all("states"),
    }


def _values(visit: Visit, callback: CallbackEndpoint | None) -> dict[str, Any]:
    values: dict[str, Any] = {"formats": FORMAT_NAMES, "states": [*State]}
    if callback is None:
        return values
    endpoints, after = visit.services.manage.endpoints, visit.query("after")
    page = {"after": after} if after else {}
    return {
        **values,
        "health": endpoints.health(visit.account, callback.id),
        "parked": endpoints.dead_letter_page(visit.account, callback.id, page, PARKED_SHOWN),
        "after": after,
        "tried": None,
        "replayed": None,
    }


CALLBACKS = Resource(CallbackEndpoint, "callback", Role.ADMIN, _read, _values)
CALLBACKS.add_to(SCREENS)


def _shown(visit: Visit, name: str, refused: RequestRefused | None = None, **shown: Any) -> View:
    callback = CALLBACKS.get(visit, name)
    return CALLBACKS.view(visit, fields_of(callback), callback, refused, **shown)
