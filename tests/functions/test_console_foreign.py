"""Things of another account: in every URL, form, query and export of the console.

Routes are read from the function, and forms from its pages, so that new ones are held to the same.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.screens import SCREENS
from console.site import Route
from harkara.accept.requests import Options, Record
from harkara.model.accounts import Sender
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Category
from harkara.model.tasks import QueueName
from local.samples import BATCH
from tests.functions.handlers import CREDENTIAL, SANDBOX, Gateway
from tests.functions.invoking import sqs_event
from tests.functions.test_console_activity import count, send
from tests.functions.test_console_routes import (
    NAMES,
    VIEWER,
    label,
    path_of,
    state,
)
from tests.functions.visiting_console import (
    ADMIN,
    CAMPAIGN,
    SURE,
    TEMPLATE_ID,
    Page,
    put_samples,
    signed_in,
    visit,
)

IDS = ("id", "ids", "template_id", "header", "email", "callback", "username")
SECRETS = ("Sample order", "Sample", "9191", "harkara.example", VIEWER)
"""What stands in the pages of the account whose things are tried."""


def disguised() -> Iterator[str]:
    """Yield names of things of an account as somebody might disguise them."""
    for name in (*NAMES.values(), "main", BATCH.id, ADMIN):
        yield from (f"{name} ", f"sandbox#{name}", f"../sandbox/{name}", f"{name}\x00")


TEXT = "Sample order 7 is on its way. HARKARA"
DEAD = "1767355200000.sample.0"
NEW = {
    "/console/users": ("email",),
    "/console/callbacks": ("id",),
    "/console/answers": ("keyword",),
    "/console/credentials": ("username",),
}
"""Fields that name what is made, by paths of forms."""
NUMBERS = {"/console/suppressions", "/console/consents"}
"""Paths of forms, with what is below them but /remove, whose number is anybody's."""
OWN = {"callbacks": "theirs", "senders": "THEIRS", "credentials": "THEIRS"}
"""What the account has that tries."""
# Fields that name something of the account, by paths, with what it does not have.
REFERENCES: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("/console/users/change", "email"): (VIEWER, {"act": "remove", **SURE}),
    ("/console/callbacks/theirs/replay", "ids"): (DEAD, {}),
    ("/console/senders", "callback"): (
        "signed",
        {"header": "NEWONE", "pe_id": "1101172974420810001", "categories": "otp"},
    ),
    ("/console/senders/THEIRS", "callback"): (
        "signed",
        {"pe_id": "1101172974420810001", "categories": "otp"},
    ),
    ("/console/credentials", "callback"): ("signed", {"username": "theirs", "scopes": "send"}),
    ("/console/credentials/THEIRS", "callback"): ("signed", {"scopes": "send"}),
    ("/console/settings", "default_callback"): ("signed", {"seen": ""}),
    ("/console/suppressions/remove", "number"): ("919876543224", {"source": "opt_out", **SURE}),
    ("/console/consents/remove", "number"): ("919876543234", {"header": "SAMPLE", **SURE}),
}
# Fields that name nothing of an account: DLT's names are many accounts' at once.
FREE = {
    *("account", "act", "action", "all", "category", "categories", "file", "format", "key"),
    *("name", "on", "paused", "pasted", "pe_id", "purpose", "role", "source", "states", "text"),
    *("to", "url", "variables", "from", "header", "headers", "template_id", "campaign_id"),
    *("code", "state", "country", "event", "seen", "sure", "overlap", "scopes", "networks"),
    *("expires_at_s", "default_category", "brands", "call_back_numbers", "duplicate_window_s"),
    *("link_days", "out_of_hours", "registered_urls", "smart_encoding", "stop_words"),
}
# Filters of what an export has: those of others find nothing.
EXPORTED = {"number", "client_ref", "campaign", "sender", "template"}


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    put_samples(gateway)
    signed_in(gateway, "viewer")
    return signed_in(gateway)


@pytest.fixture
def other(gateway: Gateway, cookie: str) -> str:
    """Return the cookie of an admin of an account with a callback and a sender of its own."""
    cookie = signed_in(gateway, "admin", "other")
    gateway.registry.put_all(
        "other",
        [
            CallbackEndpoint(
                id="theirs", url="https://in1.api.clevertap.com/dlr", format="clevertap"
            ),
            Sender(header="THEIRS", pe_id="1101172974420810001", categories=(Category.OTP,)),
        ],
    )
    gateway.accounts.credentials["THEIRS"] = CREDENTIAL.model_copy(
        update={"username": "THEIRS", "account_id": "other"}
    )
    return cookie


def check_refused(gateway: Gateway, answer: Any) -> None:
    """Check that a try was answered with 404 and is in the log of who tried."""
    assert answer["statusCode"] == 404
    entry, *_ = gateway.people.audit("other").entries
    assert (entry.action, entry.address) == ("refused.not_found", "203.0.113.10")


def check_foreign(gateway: Gateway, other: str, route: Route, name: str) -> None:
    """Try a name of another account on a route: in the path, the query and the form."""
    before = state(gateway)
    answer = visit(
        gateway,
        route.method,
        path_of(route, quote(name, safe="")),
        fields={**dict.fromkeys(IDS, name), "act": "remove", "all": "true", **SURE},
        query={"q": name, "after": name, "header": name, "template_id": name},
        cookie=other,
    )
    assert answer["statusCode"] < 500
    if "<" in route.path or route.path == "/console/find":
        check_refused(gateway, answer)
    for secret in SECRETS:
        assert secret not in answer["body"].replace(name, "")
    assert state(gateway) == before


@pytest.mark.parametrize("route", SCREENS, ids=label)
def test_another_accounts_things_are_found_on_no_route(
    route: Route, gateway: Gateway, cookie: str
) -> None:
    other = signed_in(gateway, "admin", "other")
    for name in (*NAMES.values(), VIEWER):
        check_foreign(gateway, other, route, name)


@given(
    route=st.sampled_from([each for each in SCREENS if "<" in each.path]),
    name=st.one_of(st.sampled_from([*disguised()]), st.text(min_size=1, max_size=80)),
)
def test_nor_are_they_under_any_other_name(route: Route, name: str) -> None:
    assume(name not in ("new", "upload", "try", "file"))  # pages of their own
    gateway = Gateway()
    put_samples(gateway)
    check_foreign(gateway, signed_in(gateway, "admin", "other"), route, name)


@pytest.mark.parametrize(("path", "field"), REFERENCES)
def test_a_form_that_names_a_thing_of_another_account_is_refused(
    path: str, field: str, gateway: Gateway, other: str
) -> None:
    name, more = REFERENCES[path, field]
    if "seen" in more:
        page = visit(gateway, "GET", path, cookie=other)["body"]
        more = {"seen": re.findall(r'name="seen" value="(\w+)"', page)[0]}
    before, own = state(gateway), state(gateway, "other")
    answer = visit(gateway, "POST", path, fields={**more, field: name}, cookie=other)
    check_refused(gateway, answer)
    assert not any(secret in answer["body"] for secret in SECRETS)
    assert (state(gateway), state(gateway, "other")) == (before, own)


def test_the_rows_above_have_all_fields_of_all_forms(gateway: Gateway, cookie: str) -> None:
    found = {
        (path, field)
        for route in SCREENS
        if route.method == "GET"
        for path, field in fields_of(visit(gateway, "GET", path_of(route), cookie=cookie)["body"])
        if field not in FREE
    }
    for kind, own in OWN.items():
        names = f"/{kind}/{NAMES[kind]}", f"/{kind}/{own}"
        found = {(path.replace(*names), field) for path, field in found}
    known = {
        *REFERENCES,
        *((path, field) for path, fields in NEW.items() for field in fields),
        *((path, "number") for path in NUMBERS),
        *((f"{path}/find", "searched") for path in NUMBERS),
    }
    assert found <= known | {("/console/exports", field) for field in EXPORTED}
    assert known <= found


def fields_of(html: str) -> Iterator[tuple[str, str]]:
    """Yield path and name of each field of a page's forms that post."""
    path = ""
    for tag, attributes in Page(html).tags:
        if tag == "form":
            is_post = (attributes.get("method") or "").lower() == "post"
            path = unquote(attributes.get("action") or "") if is_post else ""
        name = attributes.get("name")
        if path and name and tag in ("input", "select", "textarea", "button"):
            yield path, name


@pytest.mark.parametrize("field", sorted(EXPORTED))
def test_a_filter_finds_nothing_of_another_account(
    field: str, gateway: Gateway, cookie: str, other: str
) -> None:
    """In lists, in reports and in exports, whose file has its head alone."""
    options = Options(campaign_id=CAMPAIGN)
    record = Record(
        "919876500001", "SAMPLE", TEXT, "order 4711", dlt_template_id=TEMPLATE_ID, options=options
    )
    (mid,) = send(gateway, SANDBOX, record)
    count(gateway)
    gateway.now += 1
    value = {
        "campaign": CAMPAIGN,
        "sender": "SAMPLE",
        "template": TEMPLATE_ID,
        "client_ref": "order 4711",
        "number": "919876500001",
    }[field]
    for session, finds in ((cookie, True), (other, False)):
        listed = visit(gateway, "GET", "/console/messages", cookie=session, query={field: value})
        assert (mid in unquote(listed["body"]), listed["statusCode"]) == (finds, 200)
    gateway.queues.waiting.clear()
    answer = visit(gateway, "POST", "/console/exports", fields={field: value}, cookie=other)
    assert answer["statusCode"] == 303
    (task,) = gateway.bodies(QueueName.EXPORT)
    gateway.call("files", sqs_event(task))
    page = visit(gateway, "GET", answer["headers"]["Location"], cookie=other)["body"]
    (link,) = [
        attributes["href"] or ""
        for tag, attributes in Page(page).tags
        if tag == "a" and "X-Amz" in (attributes.get("href") or "")
    ]
    assert len(gateway.bucket.opened(link).decode().splitlines()) == 1
