"""The console's handler: sessions, roles, requests of other sites, other accounts."""

from collections.abc import Callable

import pytest

from console.guard import SESSION_COOKIE
from harkara.model.people import SESSION_S, Role
from tests.functions.handlers import Gateway
from tests.functions.invoking import Logs
from tests.functions.visiting_console import (
    ADMIN,
    HOST,
    MID,
    OPERATORS_PAGES,
    PAGES,
    SURE,
    TEMPLATE_ID,
    Page,
    operating,
    put_samples,
    signed_in,
    visit,
)
from tests.support.people import COMMAND, PASSWORD, changes

THINGS = (
    *(("templates", TEMPLATE_ID), ("senders", "SAMPLE")),
    *(("callbacks", "signed"), ("messages", MID)),
)
CHANGES = (
    *(f"/console/templates/{TEMPLATE_ID}{act}" for act in ("", "/remove")),
    *(f"/console/senders/SAMPLE{act}" for act in ("", "/remove")),
    *(f"/console/callbacks/signed{act}" for act in ("", "/test", "/remove", "/replay")),
    f"/console/messages/{MID}/cancel",
)


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    put_samples(gateway)
    return signed_in(gateway)


@pytest.mark.parametrize("path", [*PAGES, *OPERATORS_PAGES])
def test_a_page_is_private_and_holds_its_browser_to_its_own_files(
    path: str, gateway: Gateway, cookie: str
) -> None:
    person = operating(gateway) if path in OPERATORS_PAGES else cookie
    answer = visit(gateway, "GET", path, cookie=person)
    assert answer["statusCode"] == (404 if path == "/console/find" else 200)
    headers = answer["headers"]
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    for tag, attributes in Page(answer["body"]).tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or str(attributes["src"]).startswith("/console/static/")


def test_a_session_begins_with_a_password_and_ends_on_both_sides(
    gateway: Gateway, cookie: str
) -> None:
    form = {"email": ADMIN, "password": PASSWORD, "next": "/console/senders"}
    answer = visit(gateway, "POST", "/console/sign-in", fields=form)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, "/console/senders")
    (set_cookie,) = answer["cookies"]
    value, *attributes = set_cookie.split("; ")
    name, _, own = value.partition("=")
    assert name == SESSION_COOKIE
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=43200"} == set(attributes)
    assert visit(gateway, "GET", "/console/senders", cookie=own)["statusCode"] == 200
    gone = visit(gateway, "POST", "/console/sign-out", cookie=own)
    assert gone["headers"]["Location"] == "/console/sign-in"
    assert "Max-Age=0" in gone["cookies"][0]
    assert visit(gateway, "GET", "/console/senders", cookie=own)["statusCode"] == 303
    assert visit(gateway, "GET", "/console/senders", cookie=cookie)["statusCode"] == 200
    entries = gateway.people.audit("sandbox").entries
    assert [entry.action for entry in entries[:2]] == ["user.sign_out", "user.sign_in"]
    assert {entry.address for entry in entries[:2]} == {"203.0.113.10"}


ENDINGS: dict[str, Callable[[Gateway, str], object]] = {
    "twelve hours": lambda gateway, _: setattr(gateway, "now", gateway.now + SESSION_S),
    "revoked": lambda gateway, _: gateway.people.revoke_all(ADMIN, COMMAND),
    "disabled": lambda gateway, _: gateway.people.disable(ADMIN, COMMAND),
    "removed": lambda gateway, _: gateway.people.remove(ADMIN, COMMAND),
    "another role": lambda gateway, _: gateway.people.change_role(ADMIN, Role.VIEWER, COMMAND),
    "another password": lambda gateway, _: gateway.people.accept_invitation(
        gateway.people.invite(ADMIN, "sandbox", Role.ADMIN, COMMAND), PASSWORD[::-1]
    ),
    "signed out": lambda gateway, cookie: gateway.people.sign_out(cookie),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_session_that_has_ended_shows_and_changes_nothing(
    ending: Callable[[Gateway, str], object], gateway: Gateway, cookie: str
) -> None:
    assert visit(gateway, "GET", "/console/senders", cookie=cookie)["statusCode"] == 200
    ending(gateway, cookie)
    before = gateway.accounts.accounts["sandbox"]
    for method, path in (("GET", "/console/senders"), ("POST", "/console/senders/UNUSED/remove")):
        answer = visit(gateway, method, path, cookie=cookie)
        assert (answer["statusCode"], answer["body"]) == (303, "")
        assert answer["headers"]["Location"].startswith("/console/sign-in")
    assert gateway.accounts.accounts["sandbox"] == before


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example", "/\\evil", "/v1/messages", ""]
)
def test_signing_in_leads_to_no_other_place_than_the_console(
    next_page: str, gateway: Gateway, cookie: str
) -> None:
    form = {"email": ADMIN, "password": PASSWORD, "next": next_page}
    answer = visit(gateway, "POST", "/console/sign-in", fields=form)
    assert answer["headers"]["Location"] == "/console/today"


def test_a_wrong_password_and_an_unknown_person_get_one_page(
    gateway: Gateway, cookie: str, logs: Logs
) -> None:
    pages = {
        visit(gateway, "POST", "/console/sign-in", fields={"email": email, "password": "wrong"})[
            "body"
        ].replace(email, "")
        for email in (ADMIN, "nobody@sandbox.example")
    }
    assert len(pages) == 1
    assert "wrong" not in logs.own.getvalue()


def test_an_invited_person_chooses_a_password_once(gateway: Gateway) -> None:
    token = gateway.people.invite(ADMIN, "sandbox", Role.ADMIN, COMMAND)
    visible = visit(gateway, "GET", "/console/invitation", query={"token": token})
    assert token in visible["body"]
    path = "/console/invitation"
    for fields, status in (
        ({"token": token, "password": "short"}, 400),
        ({"token": "forged", "password": PASSWORD}, 404),
        ({"token": token, "password": PASSWORD}, 303),
        ({"token": token, "password": PASSWORD}, 404),
    ):
        assert visit(gateway, "POST", path, fields=fields)["statusCode"] == status


@pytest.mark.parametrize(
    "path",
    ["/console/sign-in", "/console/sign-out", "/console/invitation", "/console/accounts"]
    + ["/console/senders/UNUSED/remove"],
)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": "null"},
        {"sec_fetch_site": "", "origin": ""},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_what_another_site_sends_changes_nothing(
    path: str, headers: dict[str, str], gateway: Gateway, cookie: str
) -> None:
    before = gateway.accounts.accounts["sandbox"]
    form = {"email": ADMIN, "password": PASSWORD}
    answer = visit(gateway, "POST", path, fields=form, cookie=cookie, **headers)
    assert answer["statusCode"] == 403
    assert "did not come from a page of the console" in answer["body"]
    assert gateway.accounts.accounts["sandbox"] == before
    assert gateway.people.person(cookie)
    assert not answer.get("cookies")


def test_an_older_browser_names_the_origin_of_its_form(gateway: Gateway, cookie: str) -> None:
    headers = {"sec_fetch_site": "", "origin": f"https://{HOST}"}
    path = "/console/senders/UNUSED/remove"
    answer = visit(gateway, "POST", path, fields=SURE, cookie=cookie, **headers)
    assert answer["statusCode"] == 303


@pytest.mark.parametrize(("kind", "name"), THINGS)
def test_another_accounts_things_are_not_found_and_the_attempt_is_in_the_audit_log(
    kind: str, name: str, gateway: Gateway, cookie: str
) -> None:
    other = signed_in(gateway, "admin", "other")
    before = gateway.accounts.accounts["sandbox"]
    path = f"/console/{kind}/{name}"
    assert visit(gateway, "GET", path, cookie=cookie)["statusCode"] == 200
    posts = [("POST", each) for each in CHANGES if each.startswith(path)]
    tried = [("GET", path), *posts, ("GET", "/console/find")]
    for method, each in tried:
        fields = {"template_id": TEMPLATE_ID, "header": "SAMPLE", "id": "signed", "all": "true"}
        answer = visit(gateway, method, each, fields=fields, query={"q": name}, cookie=other)
        assert answer["statusCode"] == 404, each
    assert gateway.accounts.accounts["sandbox"] == before
    refused = changes(gateway.people, "other")
    assert {entry.action for entry in refused} == {"refused.not_found"}
    assert [entry.subject for entry in refused] == [each for _, each in tried]
    assert {entry.email for entry in refused} == {"admin@other.example"}


@pytest.mark.parametrize(
    ("path", "role"),
    [
        *((path, Role.ADMIN) for path in CHANGES if "callbacks" in path),
        *((path, Role.MARKETER) for path in CHANGES if "callbacks" not in path),
        ("/console/templates", Role.MARKETER),
        ("/console/templates/upload", Role.MARKETER),
        ("/console/test", Role.MARKETER),
        ("/console/send", Role.MARKETER),
        ("/console/send/slice", Role.MARKETER),
        ("/console/callbacks", Role.ADMIN),
        ("/console/links", Role.ADMIN),
        ("/console/users", Role.ADMIN),
        ("/console/users/change", Role.ADMIN),
    ],
)
def test_a_role_below_the_needed_one_changes_nothing(
    path: str, role: Role, gateway: Gateway, cookie: str
) -> None:
    below = [*Role][[*Role].index(role) - 1]
    person = signed_in(gateway, below)
    answer = visit(gateway, "POST", path, fields={"all": "true"}, cookie=person)
    assert answer["statusCode"] == 403
    assert changes(gateway.people)[-1].action == "refused.scope_missing"
    enough = visit(gateway, "POST", path, fields={"all": "true"}, cookie=signed_in(gateway, role))
    assert enough["statusCode"] != 403


def test_an_admin_reads_who_changed_what_in_the_account(gateway: Gateway, cookie: str) -> None:
    visit(gateway, "POST", "/console/senders/UNUSED/remove", fields=SURE, cookie=cookie)
    other = signed_in(gateway, "admin", "other")
    visit(gateway, "POST", "/console/senders/SAMPLE/remove", fields=SURE, cookie=other)
    page = visit(gateway, "GET", "/console/audit", cookie=cookie)
    assert "Sender removed" in page["body"]
    assert ADMIN in page["body"]
    assert "other.example" not in page["body"]
    marketer = signed_in(gateway, Role.MARKETER)
    assert visit(gateway, "GET", "/console/audit", cookie=marketer)["statusCode"] == 403


def test_an_admin_switches_short_links_where_there_is_a_domain(
    gateway: Gateway, cookie: str
) -> None:
    for on, expected in (("true", True), ("false", False), ("", False)):
        answer = visit(gateway, "POST", "/console/links", fields={"on": on}, cookie=cookie)
        assert answer["statusCode"] == 303
        assert gateway.accounts.accounts["sandbox"].shorten_urls is expected
    other = signed_in(gateway, "admin", "other")
    answer = visit(gateway, "POST", "/console/links", fields={"on": "true"}, cookie=other)
    assert answer["statusCode"] == 400
    assert not gateway.accounts.accounts["other"].shorten_urls
    actions = [entry.action for entry in changes(gateway.people)]
    assert actions == ["links.on", "links.off", "links.off"]
