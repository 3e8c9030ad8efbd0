"""All routes of the console: who may call them, whose things they find, what they leave in the log.

The routes are read from the function, so that a new one is held to the same.
"""

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from console.screens import SCREENS
from console.site import Route
from harkara.manage.credentials import mark_of
from harkara.manage.proofs import STEP_S, totp
from harkara.model.people import Role
from tests.functions.handlers import CREDENTIAL, Gateway
from tests.functions.visiting_console import (
    ADMIN,
    CAMPAIGN,
    EXPORT_ID,
    MID,
    OPERATOR,
    SURE,
    TEMPLATE_ID,
    operating,
    put_samples,
    signed_in,
    visit,
)
from tests.support.people import COMMAND

OPERATORS = [route for route in SCREENS if route.role is Role.OPERATOR]
POSTS = [route for route in SCREENS if route.method == "POST"]
NAMES = {
    "templates": TEMPLATE_ID,
    "senders": "UNUSED",
    "callbacks": "signed",
    "messages": MID,
    "campaigns": CAMPAIGN,
    "exports": EXPORT_ID,
    "credentials": CREDENTIAL.username,
    "answers": "help",
    "carriers": "sim",
    "queues": "submit",
}
VIEWER = "viewer@sandbox.example"
SEND = {"from": "ACMEBK", "text": "Hello", "action": "send"}
TEMPLATE = {"template_id": "42", "category": "otp", "text": "{#numeric#} is your code. HARKARA"}
CALLBACK = {"id": "mine", "url": "https://in1.api.clevertap.com/dlr", "format": "clevertap"}
ANSWER = {"header": "SAMPLE", "category": "service_implicit", "text": "Hello HARKARA"}
CONSENT = {"number": "9876543210", "header": "SAMPLE", "source": "dca"}
SEEN = {"seen": mark_of(CREDENTIAL)}
FILE = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
    b"Template ID,Header,Name,Text,Type\n77,SAMPLE,N,Hi {#var#},OTP\r\n--b--\r\n"
)
Fields = dict[str, Any] | bytes


def _begin(gateway: Gateway, cookie: str) -> str:
    session = gateway.people.person(cookie)
    assert session is not None
    uri = gateway.people.begin_totp(session)
    (secret,) = parse_qs(urlsplit(uri).query)["secret"]
    return totp(base64.b32decode(secret), int(gateway.now) // STEP_S)


def _code(gateway: Gateway, cookie: str) -> Fields:
    return {"code": _begin(gateway, cookie)}


def _last_code(gateway: Gateway, cookie: str) -> Fields:
    session = gateway.people.person(cookie)
    assert session is not None
    uri = gateway.people.begin_totp(session)
    (secret,) = parse_qs(urlsplit(uri).query)["secret"]
    key, step = base64.b32decode(secret), int(gateway.now) // STEP_S
    gateway.people.confirm_totp(session, totp(key, step))
    gateway.now += STEP_S
    return {"code": totp(key, step + 1)}


def _consent(gateway: Gateway, cookie: str) -> Fields:
    assert visit(gateway, "POST", "/console/consents", fields=CONSENT, cookie=cookie)
    return {**CONSENT, **SURE}


def _name(gateway: Gateway, cookie: str) -> Fields:
    page = visit(gateway, "GET", "/console/settings", cookie=cookie)["body"]
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    return {"name": "New name", "seen": seen}


def _redriving(gateway: Gateway, cookie: str) -> Fields:
    gateway.services("console").queues.redrive("submit")  # type: ignore[attr-defined]
    return {}


# What each route that changes something is sent, and the action that is then in the log.
CHANGES: dict[str, tuple[Fields | Callable[[Gateway, str], Fields], str]] = {
    "/console/templates": (TEMPLATE, "template.create"),
    "/console/templates/upload": (FILE, "template.import"),
    "/console/templates/<name>": (TEMPLATE, "template.put"),
    "/console/templates/<name>/remove": (SURE, "template.remove"),
    "/console/senders": ({"header": "NEWHDR", "categories": ["otp"]}, "sender.create"),
    "/console/senders/<name>": ({"categories": ["otp"]}, "sender.put"),
    "/console/senders/<name>/remove": (SURE, "sender.remove"),
    "/console/send": ({**SEND, "pasted": "919876543210"}, "campaign.send"),
    "/console/send/slice": (
        {**SEND, "rows": "to\n919876543210", "key": f"{'ab' * 32}-0"},
        "campaign.send",
    ),
    "/console/test": ({**SEND, "to": "919876543210", "key": "k"}, "message.test"),
    "/console/messages/<mid>/cancel": ({}, "message.cancel"),
    "/console/callbacks": (CALLBACK, "callback.create"),
    "/console/callbacks/<name>": (CALLBACK, "callback.put"),
    "/console/callbacks/<name>/test": ({}, "callback.test"),
    "/console/callbacks/<name>/replay": ({"all": "true"}, "callback.replay"),
    "/console/callbacks/<name>/remove": (SURE, "callback.remove"),
    "/console/links": ({"on": "true"}, "links.on"),
    "/console/campaigns/<campaign_id>": ({"paused": "true"}, "campaign.pause"),
    "/console/exports": ({"state": "failed"}, "export.create"),
    "/console/suppressions": ({"number": "9876543210", "source": "dnd"}, "suppression.put"),
    "/console/suppressions/remove": (
        {"number": "+91 98765 43214", "source": "opt_out", **SURE},
        "suppression.remove",
    ),
    "/console/consents": (CONSENT, "consent.put"),
    "/console/consents/remove": (_consent, "consent.remove"),
    "/console/credentials": ({"username": "new", "scopes": "send"}, "credential.create"),
    "/console/credentials/<name>": ({"scopes": "send"}, "credential.put"),
    "/console/credentials/<name>/rotate": ({"overlap": "day", **SEEN}, "credential.rotate"),
    "/console/credentials/<name>/end": (SEEN, "credential.end"),
    "/console/credentials/<name>/revoke": (
        {"sure": "revoke", **SEEN},
        "credential.revoke",
    ),
    "/console/answers": ({**ANSWER, "keyword": "stop"}, "answer.create"),
    "/console/answers/<name>": (ANSWER, "answer.put"),
    "/console/answers/<name>/remove": (SURE, "answer.remove"),
    "/console/settings": (_name, "settings.put"),
    "/console/users": ({"email": "new@sandbox.example", "role": "viewer"}, "user.invite"),
    "/console/users/change": ({"email": VIEWER, "act": "disable"}, "user.disable"),
    "/console/code/confirm": (_code, "user.totp_on"),
    "/console/code/remove": (_last_code, "user.totp_off"),
    "/console/carriers/<name>": ({"act": "pause", "sure": "pause"}, "carrier.pause"),
    "/console/queues/<name>/redrive": ({"rate": "20", "sure": "redrive"}, "queue.redrive"),
    "/console/queues/<name>/cancel": (_redriving, "queue.cancel"),
}
# These change nothing that counts: the key of an app does so once a code of it confirms it.
UNCHANGING = {
    *("/console/templates/try", "/console/code"),
    *("/console/suppressions/find", "/console/consents/find"),
}


def path_of(route: Route, name: str = "") -> str:
    """Return a path of a route; its name is by default that of a thing of the account."""
    head, opened, rest = route.path.partition("<")
    if not opened:
        return route.path
    own = quote(NAMES[head.split("/")[2]], safe="")
    return head + (name or own) + rest.partition(">")[2]


def visit_as_needed(
    gateway: Gateway, route: Route, cookie: str, fields: Any = None, **options: Any
) -> Any:
    """Visit a route: an operator's in the name of one, any other with the cookie."""
    cookies: str | dict[str, str] = cookie
    if route.role is Role.OPERATOR:
        cookies = operating(gateway)
        fields = {**fields, "account": "sandbox"} if isinstance(fields, dict) else fields
    return visit(gateway, route.method, path_of(route), fields=fields, cookie=cookies, **options)


def label(value: object) -> str | None:
    return f"{value.method} {value.path}" if isinstance(value, Route) else None


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    put_samples(gateway)
    signed_in(gateway, "viewer")
    return signed_in(gateway)


def state(gateway: Gateway, account_id: str = "sandbox") -> Any:
    """Return what a request might have changed."""
    users = gateway.people.users(account_id)
    routing = gateway.routing.rules(account_id)
    waiting = [each.body for each in gateway.queues.waiting if account_id in each.body]
    account, credentials = gateway.accounts.accounts[account_id], dict(gateway.accounts.credentials)
    moves, carriers = len(gateway.dead_letters.tasks), dict(gateway.accounts.carriers)
    return account, users, credentials, routing, waiting, carriers, moves


def test_the_rows_above_name_all_routes_that_post() -> None:
    assert CHANGES.keys() | UNCHANGING == {route.path for route in POSTS}


@pytest.mark.parametrize("route", [each for each in POSTS if each.path in CHANGES], ids=label)
def test_every_change_is_in_the_audit_log(route: Route, gateway: Gateway, cookie: str) -> None:
    fields, action = CHANGES[route.path]
    given_fields = fields(gateway, cookie) if callable(fields) else fields
    kind = {"content_type": "multipart/form-data; boundary=b"} if fields is FILE else {}
    log, email = (None, OPERATOR) if route.role is Role.OPERATOR else ("sandbox", ADMIN)
    operating(gateway)  # a new operator stands in the log as well, and each sign-in
    before = len(gateway.people.audit(log).entries)
    answer = visit_as_needed(gateway, route, cookie, given_fields, **kind)
    assert answer["statusCode"] in (200, 303), answer["body"]
    first, *_ = entries = gateway.people.audit(log).entries
    assert len(entries) == before + 1 + (log is None)
    assert (first.action, first.email, first.address) == (action, email, "203.0.113.10")
    assert "9876543210" not in str(first)
    assert "Hello" not in str(first)


@pytest.mark.parametrize("route", SCREENS, ids=label)
def test_a_session_that_is_none_gets_nowhere(route: Route, gateway: Gateway, cookie: str) -> None:
    """Forged, changed, of another purpose, or ended."""
    invited = gateway.people.invite(VIEWER, "sandbox", Role.VIEWER, COMMAND)
    linked = gateway.people.sign_in_link("sandbox")
    ended = signed_in(gateway)
    gateway.people.sign_out(ended)
    before = state(gateway)
    changed = ("A" if cookie[-1] != "A" else "B").join((cookie[:-1], ""))
    for each in ("", "forged", changed, cookie[:-1], invited, linked, ended, "x" * 5000):
        answer = visit(gateway, route.method, path_of(route), cookie=each)
        assert (answer["statusCode"], answer["body"]) == (303, "")
        assert answer["headers"]["Location"].startswith("/console/sign-in")
        assert answer["headers"]["Cache-Control"] == "no-store"
    part = visit(gateway, route.method, path_of(route), hx_request="true")
    assert part["headers"]["HX-Redirect"].startswith("/console/sign-in")
    assert state(gateway) == before


@pytest.mark.parametrize("route", POSTS, ids=label)
def test_what_another_site_sends_to_any_route_changes_nothing(
    route: Route, gateway: Gateway, cookie: str
) -> None:
    fields, _ = CHANGES.get(route.path, ({}, ""))
    before = state(gateway)
    for site, origin in (("cross-site", ""), ("same-site", ""), ("", "https://evil.example")):
        answer = visit_as_needed(
            gateway,
            route,
            cookie,
            None if callable(fields) else fields,
            sec_fetch_site=site,
            origin=origin,
        )
        assert answer["statusCode"] == 403
    assert state(gateway) == before


@pytest.mark.parametrize("route", POSTS, ids=label)
def test_what_is_too_large_is_refused_with_its_limit(
    route: Route, gateway: Gateway, cookie: str
) -> None:
    before = state(gateway)
    answer = visit_as_needed(gateway, route, cookie, "x" * 5_000_000)
    assert answer["statusCode"] == 413
    assert "4 MB" in answer["body"]
    assert state(gateway) == before


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.OPERATOR])
@pytest.mark.parametrize(
    "route", [each for each in SCREENS if each.role is Role.OPERATOR], ids=label
)
def test_to_others_no_page_of_operators_exists(
    route: Route, role: Role, gateway: Gateway, cookie: str
) -> None:
    own = signed_in(gateway, role)
    before = state(gateway)
    answer = visit(gateway, route.method, path_of(route), fields={}, cookie=own)
    assert answer["statusCode"] == 404
    assert gateway.people.audit("sandbox").entries[0].action == "refused.not_found"
    assert state(gateway) == before
