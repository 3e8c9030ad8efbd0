"""Credentials in the console: created, renewed and revoked by admins, their secrets shown once."""

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screens.credentials import OVERLAPS_S, PAGE_SIZE
from harkara.manage.credentials import mark_of
from harkara.model.accounts import Scope
from tests.functions.handlers import CREDENTIAL, Gateway
from tests.functions.invoking import NOW, Logs
from tests.functions.managing import request
from tests.functions.test_integrations_supabase import call
from tests.functions.visiting_console import ADMIN, HOST, Page, signed_in, visit
from tests.support.people import changes

BASE = "/console/credentials"
NEW = f"{BASE}/backend"
FIELDS: dict[str, Any] = {
    "username": "backend",
    "scopes": ["send", "read"],
    "networks": "203.0.113.0/24, 198.51.100.7\r\n2001:db8::/32",
    "callback": "main",
    "default_category": "otp",
    "expires_at_s": "2026-12-31T18:30",
}


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.put_samples()
    return signed_in(gateway)


def post(gateway: Gateway, cookie: str, path: str = BASE, **fields: Any) -> Any:
    return visit(gateway, "POST", path, fields=fields, cookie=cookie)


def show(gateway: Gateway, cookie: str, path: str = BASE) -> str:
    answer = visit(gateway, "GET", path, cookie=cookie)
    assert answer["statusCode"] == 200
    return str(answer["body"])


def shown_once(page: str) -> dict[str, str]:
    """Return what a page shows of a new secret, by the ids of its elements."""
    return dict(re.findall(r'<pre id="([\w-]+)"[^>]*>([^<]+)</pre>', page))


def created(gateway: Gateway, cookie: str, **fields: Any) -> str:
    """Return the API key of a new credential."""
    answer = post(gateway, cookie, **{"username": "backend", "scopes": ["read"], **fields})
    assert answer["statusCode"] == 200, answer["body"]
    return shown_once(answer["body"])["api-key"]


def rotated(gateway: Gateway, cookie: str, overlap: str = "day", path: str = NEW) -> Any:
    """Send the form of a credential's page, and return the answer."""
    return post(gateway, cookie, f"{path}/rotate", overlap=overlap, seen=seen(gateway, path))


def seen(gateway: Gateway, path: str = NEW) -> str:
    return mark_of(gateway.accounts.credentials[path.rpartition("/")[2]])


def works(gateway: Gateway, key: str) -> bool:
    """Return whether the API takes a key."""
    answer = gateway.call("manage", request("GET", "/v1/senders", key=key))
    return int(answer["statusCode"]) == 200


def test_a_credential_is_what_its_form_says_and_its_secret_is_shown_once(
    gateway: Gateway, cookie: str, logs: Logs
) -> None:
    answer = post(gateway, cookie, **FIELDS)
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (200, "no-store")
    visible = shown_once(answer["body"])
    assert visible["api-key"] == f"backend.{visible['password']}"
    stored = gateway.accounts.credentials["backend"]
    assert (stored.account_id, stored.scopes) == ("sandbox", (Scope.SEND, Scope.READ))
    assert stored.networks == ("203.0.113.0/24", "198.51.100.7", "2001:db8::/32")
    assert (stored.callback, stored.default_category) == ("main", "otp")
    assert stored.expires_at_s == 1_798_722_000  # 2026-12-31T13:00:00Z
    assert works(gateway, visible["api-key"])
    pages = [show(gateway, cookie, path) for path in (BASE, NEW, "/console/audit")]
    later = "".join([*pages, str(answer["headers"]), *logs.private(), str(logs.lines())])
    later += str(gateway.people.audit("sandbox"))
    for secret in (visible["password"], visible["hook-secret"], stored.secrets[0].hash):
        assert secret not in later
    assert visible["password"] not in str(gateway.accounts.credentials)
    (entry,) = changes(gateway.people)
    assert (entry.email, entry.action, entry.subject) == (ADMIN, "credential.create", "backend")


def test_the_list_says_what_a_credential_may_do_and_when_it_ends(
    gateway: Gateway, cookie: str
) -> None:
    created(gateway, cookie, **FIELDS)
    rotated(gateway, cookie, "hour")
    page = show(gateway, cookie)
    row = page[page.index(">backend</a>") :]
    words = ("Send messages, Read messages and reports", "198.51.100.7", "main", "OTP")
    for each in (*words, "31 Dec 2026, 18:30:00 IST", "Until 01 Jan 2026, 15:30:00 IST"):
        assert each in row
    gateway.now = 1_798_722_000
    page = show(gateway, signed_in(gateway))
    assert "Expired" in page
    assert "Until" not in page  # the old secret has ended


def test_a_form_that_is_sent_again_makes_and_shows_nothing(gateway: Gateway, cookie: str) -> None:
    """As browsers do when a page is loaded anew."""
    first = created(gateway, cookie)
    again = post(gateway, cookie, username="backend", scopes="read")
    assert (again["statusCode"], shown_once(again["body"])) == (409, {})
    assert 'id="username-problem"' in again["body"]
    form = {"overlap": "none", "seen": seen(gateway)}
    second = shown_once(post(gateway, cookie, f"{NEW}/rotate", **form)["body"])["api-key"]
    again = post(gateway, cookie, f"{NEW}/rotate", **form)
    assert (again["statusCode"], shown_once(again["body"])) == (400, {})
    assert "renewed since this page was opened" in again["body"]
    assert [works(gateway, key) for key in (first, second)] == [False, True]
    actions = [each.action for each in changes(gateway.people)]
    assert actions == ["credential.create", "credential.rotate"]


@pytest.mark.parametrize("overlap", OVERLAPS_S)
def test_the_old_secret_works_for_as_long_as_was_chosen(
    overlap: str, gateway: Gateway, cookie: str
) -> None:
    old = created(gateway, cookie)
    new = shown_once(rotated(gateway, cookie, overlap)["body"])["api-key"]
    for at_s in (OVERLAPS_S[overlap] - 1, OVERLAPS_S[overlap]):
        gateway.now = NOW + at_s
        assert works(gateway, old) == (0 <= at_s < OVERLAPS_S[overlap])
        assert works(gateway, new)


def test_the_old_secret_is_ended_before_its_time(gateway: Gateway, cookie: str) -> None:
    old = created(gateway, cookie)
    assert "End all older secrets" not in show(gateway, cookie, NEW)
    page = rotated(gateway, cookie, "week")["body"]
    assert "End all older secrets" in page
    new = shown_once(page)["api-key"]
    answer = post(gateway, cookie, f"{NEW}/end", seen=seen(gateway))
    assert answer["headers"]["Location"] == f"{NEW}?done=changed"
    assert [works(gateway, key) for key in (old, new)] == [False, True]
    assert post(gateway, cookie, f"{NEW}/end", seen="of an older page")["statusCode"] == 400
    assert changes(gateway.people)[-1].action == "credential.end"


def test_a_change_keeps_the_secrets(gateway: Gateway, cookie: str) -> None:
    key = created(gateway, cookie, **FIELDS)
    page = Page(show(gateway, cookie, NEW))
    values = {each.get("name"): each.get("value") for _, each in page.tags if each.get("name")}
    assert values["expires_at_s"] == "2026-12-31T18:30:00"
    changed = {"scopes": ["read"], "expires_at_s": values["expires_at_s"]}
    assert post(gateway, cookie, NEW, **changed)["headers"]["Location"] == f"{NEW}?done=changed"
    stored = gateway.accounts.credentials["backend"]
    assert (stored.scopes, stored.networks, stored.callback) == ((Scope.READ,), (), "")
    assert (stored.default_category, stored.expires_at_s) == (None, 1_798_722_000)
    assert works(gateway, key)


@pytest.mark.parametrize("username", ["new", "rotate", "-", "_", "0" * 64])
def test_a_user_name_may_be_a_word_of_our_paths(
    username: str, gateway: Gateway, cookie: str
) -> None:
    created(gateway, cookie, username=username)
    assert f"<h1>{username}</h1>" in show(gateway, cookie, f"{BASE}/{username}")
    assert "<h1>Create a credential</h1>" in show(gateway, cookie, f"{BASE}/~new")


@pytest.mark.parametrize("sure", ["", "yes", "Revoke", "remove"])
def test_a_credential_is_revoked_once_that_is_confirmed(
    sure: str, gateway: Gateway, cookie: str
) -> None:
    key = created(gateway, cookie)
    form = {"seen": seen(gateway), "sure": sure}
    refused = post(gateway, cookie, f"{NEW}/revoke", **form)
    assert refused["statusCode"] == 400
    assert 'id="sure-revoke-problem"' in refused["body"]
    assert works(gateway, key)
    done = post(gateway, cookie, f"{NEW}/revoke", **{**form, "sure": "revoke"})
    assert done["headers"]["Location"] == f"{BASE}?done=removed"
    assert not works(gateway, key)
    assert ">backend<" not in show(gateway, cookie)
    assert visit(gateway, "GET", NEW, cookie=cookie)["statusCode"] == 404


WRONG: dict[str, tuple[Any, ...]] = {
    "username": ("", "us.er", "x" * 65),
    "scopes": ([], ["send", "owner"]),
    "networks": ("203.0.113.7/24", "::/0 <b>", " ".join(f"10.0.{n}.0/24" for n in range(101))),
    "callback": ("<b>",),
    "default_category": ("news",),
    "expires_at_s": ("2025-12-31T18:30", "1970-01-01T05:30", "9999-12-31T23:59:59", "tomorrow"),
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, each) for name, values in WRONG.items() for each in values]
)
def test_what_is_wrong_with_a_field_is_said_beside_it(
    field: str, value: Any, gateway: Gateway, cookie: str
) -> None:
    created(gateway, cookie, username="first")
    paths = (BASE,) if field == "username" else (BASE, f"{BASE}/first")
    before = dict(gateway.accounts.credentials)
    for path in paths:
        answer = post(gateway, cookie, path, **{**FIELDS, field: value})
        assert answer["statusCode"] == 400
        assert f'id="{field}-problem"' in answer["body"]
        assert answer["body"].count('class="wrong"') == 1
        assert "<b>" not in re.sub(r'<b data-count="\w+">', "", answer["body"])
    assert gateway.accounts.credentials == before


@given(text=st.one_of(st.text(max_size=40), st.datetimes().map(lambda at: at.isoformat())))
def test_no_text_for_a_time_breaks_the_form(text: str) -> None:
    gateway = Gateway()
    answer = post(gateway, signed_in(gateway), **{**FIELDS, "expires_at_s": text})
    assert answer["statusCode"] in (200, 400)
    assert show(gateway, signed_in(gateway))


@pytest.mark.parametrize("overlap", ["", "0", "month", "-1"])
def test_an_overlap_is_one_of_the_list(overlap: str, gateway: Gateway, cookie: str) -> None:
    answer = rotated(gateway, cookie, overlap, f"{BASE}/sandbox")
    assert answer["statusCode"] == 400
    assert 'id="overlap-problem"' in answer["body"]
    assert gateway.accounts.credentials["sandbox"] == CREDENTIAL


def test_a_user_name_of_another_account_is_taken_and_nothing_of_it_is_shown(
    gateway: Gateway, cookie: str
) -> None:
    other = signed_in(gateway, "admin", "other")
    answer = post(gateway, other, username="sandbox", scopes="read", callback="")
    assert answer["statusCode"] == 409
    assert 'id="username-problem"' in answer["body"]
    assert "Sandbox" not in answer["body"]
    assert gateway.accounts.credentials == {"sandbox": CREDENTIAL}
    assert ">sandbox<" not in show(gateway, other)


@pytest.mark.parametrize("act", ["", "/rotate", "/end", "/revoke"])
def test_another_accounts_credential_is_not_there_for_a_complete_form_either(
    act: str, gateway: Gateway, cookie: str
) -> None:
    other = signed_in(gateway, "admin", "other")
    path = f"{BASE}/sandbox"
    form = {"seen": seen(gateway, path), "sure": "revoke", "overlap": "none"}
    answer = post(gateway, other, path + act, **form, scopes="read")
    assert answer["statusCode"] == 404
    assert gateway.accounts.credentials == {"sandbox": CREDENTIAL}
    (entry,) = changes(gateway.people, "other")
    assert (entry.action, entry.subject) == ("refused.not_found", path + act)


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_only_admins_see_credentials(role: str, gateway: Gateway, cookie: str) -> None:
    person = signed_in(gateway, role)
    assert f'href="{BASE}"' not in show(gateway, person, "/console/templates")
    assert f'href="{BASE}"' in show(gateway, cookie, "/console/templates")
    for path in (BASE, f"{BASE}/~new", f"{BASE}/sandbox"):
        assert visit(gateway, "GET", path, cookie=person)["statusCode"] == 403
    for act in ("", "/sandbox", "/sandbox/rotate", "/sandbox/end", "/sandbox/revoke"):
        assert post(gateway, person, BASE + act, **FIELDS)["statusCode"] == 403
    assert gateway.accounts.credentials == {"sandbox": CREDENTIAL}


def test_the_secret_of_supabases_hook_is_shown_with_the_credentials_own(
    gateway: Gateway, cookie: str
) -> None:
    page = post(gateway, cookie, username="auth", scopes="send")["body"]
    visible = shown_once(page)
    assert visible["hook-url"] == f"https://{HOST}/hooks/supabase?user=auth"
    secret = visible["hook-secret"].removeprefix("v1,whsec_")
    query = "user=auth&from=ACMEBK&text=%7Botp%7D+is+your+code"
    event = call(query=query, key=base64.b64decode(secret))
    assert gateway.call("send", event)["statusCode"] == 200
    reader = post(gateway, cookie, username="reader", scopes="read")["body"]
    assert "hook-secret" not in shown_once(reader)


def test_credentials_are_listed_a_page_at_a_time(gateway: Gateway, cookie: str) -> None:
    for number in range(PAGE_SIZE):
        named = CREDENTIAL.model_copy(update={"username": f"n{number:02}"})
        gateway.accounts.credentials[named.username] = named
    first = show(gateway, cookie)
    assert first.count('scope="row"') == PAGE_SIZE
    assert f"{BASE}?after=n49" in first
    second = visit(gateway, "GET", BASE, cookie=cookie, query={"after": "n49"})["body"]
    assert re.findall(rf'{BASE}/([\w]+)">', second)[-1:] == ["sandbox"]
    assert "Next page" not in second
