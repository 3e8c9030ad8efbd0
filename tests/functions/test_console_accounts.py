"""Operators of the console: they see all accounts, and work in the one that they chose."""

import re
from pathlib import Path
from typing import Any

import pytest

import console
from console.guard import ACCOUNT_COOKIE, SESSION_COOKIE
from harkara.model.people import Role
from tests.functions.handlers import Gateway
from tests.functions.visiting_console import SURE, TEMPLATE_ID, signed_in, visit
from tests.support.people import changes, cookie_of

OPERATOR = "ops@harkara.example"
TEMPLATES = Path(console.__file__).parent / "templates"
# Their pages are for people who have no account, or none yet.
WITHOUT_ACCOUNT = {"accounts", "base", "invitation", "sign_in"}


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.put_samples()
    signed_in(gateway, "admin", "other")
    return cookie_of(gateway.people, OPERATOR, None, Role.OPERATOR)


def choose(gateway: Gateway, cookie: str, account_id: str) -> dict[str, str]:
    """Return the cookies of a browser after its operator has chosen an account."""
    fields = {"id": account_id}
    answer = visit(gateway, "POST", "/console/accounts", fields=fields, cookie=cookie)
    assert answer["headers"]["Location"] == "/console/today"
    (chosen,) = answer["cookies"]
    assert {"Secure", "HttpOnly", "Path=/"} < set(chosen.split("; "))
    return {SESSION_COOKIE: cookie, ACCOUNT_COOKIE: account_id}


def test_an_operator_chooses_among_all_accounts(gateway: Gateway, cookie: str) -> None:
    first = visit(gateway, "GET", "/console/templates", cookie=cookie)
    assert first["headers"]["Location"] == "/console/accounts"
    page = visit(gateway, "GET", "/console/accounts", cookie=cookie)
    assert set(re.findall(r'name="id" value="(\w+)"', page["body"])) == {"sandbox", "other"}
    for account_id, is_there in (("sandbox", True), ("other", False)):
        chosen = choose(gateway, cookie, account_id)
        listed = visit(gateway, "GET", "/console/templates", cookie=chosen)
        assert (TEMPLATE_ID in listed["body"]) is is_there
        assert 'href="/console/accounts"' in listed["body"]
        assert changes(gateway.people, account_id)[-1].action == "account.open"


def test_what_an_operator_changes_is_in_the_accounts_log(gateway: Gateway, cookie: str) -> None:
    chosen = choose(gateway, cookie, "sandbox")
    answer = remove(gateway, chosen, "sandbox")
    assert answer["statusCode"] == 303
    entry = changes(gateway.people)[-1]
    assert (entry.action, entry.email) == ("sender.remove", OPERATOR)
    assert OPERATOR in visit(gateway, "GET", "/console/audit", cookie=chosen)["body"]


@pytest.mark.parametrize("page_of", ["", "other", "nobody"])
def test_a_form_counts_for_the_account_of_its_page_alone(
    page_of: str, gateway: Gateway, cookie: str
) -> None:
    """Another tab may have gone to another account since."""
    before = gateway.accounts.accounts["sandbox"]
    answer = remove(gateway, choose(gateway, cookie, "sandbox"), page_of)
    assert answer["statusCode"] == 403
    assert "another account since" in answer["body"]
    assert gateway.accounts.accounts["sandbox"] == before


def remove(gateway: Gateway, chosen: dict[str, str], page_of: str) -> Any:
    path = "/console/senders/UNUSED/remove"
    return visit(gateway, "POST", path, fields={**SURE, "account": page_of}, cookie=chosen)


def test_an_account_that_is_gone_or_made_up_is_chosen_anew(gateway: Gateway, cookie: str) -> None:
    for name in ("nobody", "x" * 5000, "*", "<b>"):
        cookies = {SESSION_COOKIE: cookie, ACCOUNT_COOKIE: name}
        answer = visit(gateway, "GET", "/console/templates", cookie=cookies)
        assert answer["headers"]["Location"] == "/console/accounts"
        fields = {"id": name}
        answer = visit(gateway, "POST", "/console/accounts", fields=fields, cookie=cookie)
        assert answer["statusCode"] == 404


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.OPERATOR])
def test_to_others_no_account_but_their_own_exists(
    role: Role, gateway: Gateway, cookie: str
) -> None:
    own = signed_in(gateway, role, "other")
    for method in ("GET", "POST"):
        fields = {"id": "sandbox"}
        answer = visit(gateway, method, "/console/accounts", fields=fields, cookie=own)
        assert (answer["statusCode"], answer["cookies"]) == (404, [])
    cookies = {SESSION_COOKIE: own, ACCOUNT_COOKIE: "sandbox"}
    listed = visit(gateway, "GET", "/console/templates", cookie=cookies)
    assert TEMPLATE_ID not in listed["body"]
    alone = visit(gateway, "GET", "/console/templates", cookie={ACCOUNT_COOKIE: "sandbox"})
    assert alone["statusCode"] == 303


def test_signing_out_forgets_the_account(gateway: Gateway, cookie: str) -> None:
    answer = visit(gateway, "POST", "/console/sign-out", cookie=choose(gateway, cookie, "sandbox"))
    assert [each.partition("=")[0] for each in answer["cookies"]] == [
        SESSION_COOKIE,
        ACCOUNT_COOKIE,
    ]


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.stem)
def test_every_form_says_which_account_it_is_of(path: Path) -> None:
    if path.stem in WITHOUT_ACCOUNT:
        return
    text = path.read_text()
    posting = re.findall(r'<form[^>]*?method="post"(?:[^>"]|"[^"]*")*>(.{0,20})', text, re.DOTALL)
    assert all(after.startswith("{{ account_field }}") for after in posting)
    assert len(posting) == text.count('method="post"')
