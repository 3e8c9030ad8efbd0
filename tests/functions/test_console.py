"""The console's handler: sessions, roles, requests of other sites, other accounts."""

import pytest

from console.guard import SESSION_COOKIE
from console.people import Role
from tests.fake_people import PASSWORD, TOKEN
from tests.functions.handlers import Gateway
from tests.functions.invoking import Logs
from tests.functions.visiting_console import (
    ADMIN,
    HOST,
    MID,
    PAGES,
    TEMPLATE_ID,
    Page,
    signed_in,
    visit,
)

THINGS = (
    ("templates", TEMPLATE_ID),
    ("senders", "SAMPLE"),
    ("callbacks", "signed"),
    ("messages", MID),
)
CHANGES = (
    *(f"/console/templates/{TEMPLATE_ID}{act}" for act in ("", "/remove")),
    *(f"/console/senders/SAMPLE{act}" for act in ("", "/remove")),
    *(f"/console/callbacks/signed{act}" for act in ("", "/test", "/remove", "/replay")),
    f"/console/messages/{MID}/cancel",
)


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.put_samples()
    return signed_in(gateway)


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_session(path: str, gateway: Gateway) -> None:
    gateway.put_samples()
    for cookie in ("", "forged", f"{ADMIN}x", "x" * 5000):
        answer = visit(gateway, "GET", path, cookie=cookie)
        assert (answer["statusCode"], answer["body"]) == (303, "")
        assert answer["headers"]["Location"].startswith("/console/sign-in")
    part = visit(gateway, "GET", path, hx_request="true")
    assert part["headers"]["HX-Redirect"].startswith("/console/sign-in")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_private_and_holds_its_browser_to_its_own_files(
    path: str, gateway: Gateway, cookie: str
) -> None:
    answer = visit(gateway, "GET", path, cookie=cookie)
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


def test_a_session_begins_with_a_password_and_ends_on_both_sides(gateway: Gateway) -> None:
    form = {"email": ADMIN, "password": PASSWORD, "next": "/console/senders"}
    answer = visit(gateway, "POST", "/console/sign-in", fields=form)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, "/console/senders")
    (set_cookie,) = answer["cookies"]
    value, *attributes = set_cookie.split("; ")
    assert value == f"{SESSION_COOKIE}={ADMIN}"
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=43200"} == set(attributes)
    assert visit(gateway, "GET", "/console/senders", cookie=ADMIN)["statusCode"] == 200
    gone = visit(gateway, "POST", "/console/sign-out", cookie=ADMIN)
    assert gone["headers"]["Location"] == "/console/sign-in"
    assert "Max-Age=0" in gone["cookies"][0]
    assert visit(gateway, "GET", "/console/senders", cookie=ADMIN)["statusCode"] == 303


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example", "/\\evil", "/v1/messages", ""]
)
def test_signing_in_leads_to_no_other_place_than_the_console(
    next_page: str, gateway: Gateway
) -> None:
    form = {"email": ADMIN, "password": PASSWORD, "next": next_page}
    answer = visit(gateway, "POST", "/console/sign-in", fields=form)
    assert answer["headers"]["Location"] == "/console/templates"


def test_a_wrong_password_and_an_unknown_person_get_one_page(gateway: Gateway, logs: Logs) -> None:
    pages = {
        visit(gateway, "POST", "/console/sign-in", fields={"email": email, "password": "wrong"})[
            "body"
        ].replace(email, "")
        for email in (ADMIN, "nobody@sandbox.example")
    }
    assert len(pages) == 1
    assert "wrong" not in logs.own.getvalue()


def test_an_invited_person_chooses_a_password_once(gateway: Gateway) -> None:
    visible = visit(gateway, "GET", "/console/invitation", query={"token": TOKEN})
    assert TOKEN in visible["body"]
    path = "/console/invitation"
    for fields, status in (
        ({"token": TOKEN, "password": "short"}, 400),
        ({"token": "forged", "password": PASSWORD}, 404),
        ({"token": TOKEN, "password": PASSWORD}, 303),
    ):
        assert visit(gateway, "POST", path, fields=fields)["statusCode"] == status


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/sign-out", *CHANGES])
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
    answer = visit(gateway, "POST", path, cookie=cookie, **headers)
    assert answer["statusCode"] == 303


@pytest.mark.parametrize(("kind", "name"), THINGS)
def test_another_accounts_things_are_not_found_and_the_attempt_is_in_the_audit_log(
    kind: str, name: str, gateway: Gateway, cookie: str
) -> None:
    other = signed_in(gateway, "admin", "other")
    before = gateway.accounts.accounts["sandbox"]
    path = f"/console/{kind}/{name}"
    assert visit(gateway, "GET", path, cookie=cookie)["statusCode"] == 200
    tried = [("GET", path), *(("POST", each) for each in CHANGES if each.startswith(path))]
    for method, each in tried:
        fields = {"template_id": TEMPLATE_ID, "header": "SAMPLE", "id": "signed", "all": "true"}
        answer = visit(gateway, method, each, fields=fields, cookie=other)
        assert answer["statusCode"] == 404, each
    found = visit(gateway, "GET", "/console/find", cookie=other, query={"q": name})
    assert found["statusCode"] == 404
    assert gateway.accounts.accounts["sandbox"] == before
    refused = [entry for entry in gateway.people.log if entry.action == "refused.not_found"]
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
    ],
)
def test_a_role_below_the_needed_one_changes_nothing(
    path: str, role: Role, gateway: Gateway, cookie: str
) -> None:
    below = [*Role][[*Role].index(role) - 1]
    person = signed_in(gateway, below)
    answer = visit(gateway, "POST", path, fields={"all": "true"}, cookie=person)
    assert answer["statusCode"] == 403
    assert gateway.people.log[-1].action == "refused.scope_missing"
    enough = visit(gateway, "POST", path, fields={"all": "true"}, cookie=signed_in(gateway, role))
    assert enough["statusCode"] != 403


def test_an_admin_reads_who_changed_what_in_the_account(gateway: Gateway, cookie: str) -> None:
    visit(gateway, "POST", "/console/senders/UNUSED/remove", cookie=cookie)
    other = signed_in(gateway, "admin", "other")
    visit(gateway, "POST", "/console/senders/SAMPLE/remove", cookie=other)
    page = visit(gateway, "GET", "/console/audit", cookie=cookie)
    assert "Sender removed" in page["body"]
    assert ADMIN in page["body"]
    assert "other.example" not in page["body"]
    marketer = signed_in(gateway, Role.MARKETER)
    assert visit(gateway, "GET", "/console/audit", cookie=marketer)["statusCode"] == 403


def test_a_link_of_the_local_stack_signs_in_and_opens_a_page(gateway: Gateway) -> None:
    query = {"token": TOKEN, "next": f"/console/messages/{MID}"}
    answer = visit(gateway, "GET", "/console/link", query=query)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, query["next"])
    assert answer["cookies"]
    wrong = visit(gateway, "GET", "/console/link", query={"token": "forged"})
    assert (wrong["statusCode"], wrong["cookies"]) == (404, [])


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
    actions = [entry.action for entry in gateway.people.log]
    assert actions == ["links.on", "links.off", "links.off"]
