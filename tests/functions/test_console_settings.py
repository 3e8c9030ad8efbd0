"""Settings in the console: who may change what, the command's rules, no lost update."""

import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.guard import ACCOUNT_COOKIE, SESSION_COOKIE
from console.screens.settings import GROUPS
from harkara.manage.settings import SETTINGS, written
from harkara.model.accounts import Account
from harkara.model.people import Role
from tests.functions.handlers import Gateway
from tests.functions.visiting_console import ADMIN, Page, put_samples, signed_in, visit
from tests.support.people import changes, cookie_of

PATH = "/console/settings"
OPERATOR = "ops@harkara.example"
OF_ADMINS = [name for name, each in SETTINGS.items() if each.of_admins]
OF_OPERATORS = [name for name in SETTINGS if name not in OF_ADMINS]
# For each setting another text than the samples have.
OTHERS = {
    "name": "Acme & Söhne",
    "carrier": "aws",
    "draining": "yes",
    "default_callback": "signed",
    "callback_hosts": "hooks.acme.in\nacme.example",
    "countries": "IN\nUS",
    "default_category": "promotional",
    "segment_limit": "3",
    "smart_encoding": "yes",
    "duplicate_window_s": "30m",
    "out_of_hours": "refuse",
    "dead_numbers": "yes",
    "dlt": "warn",
    "strict_templates": "yes",
    "variable_limit": "31",
    "numeric_limit": "41",
    "alphanumeric_limit": "42",
    "alphanumeric_marks": "-/",
    "url_limit": "201",
    "registered_urls": "https://acme.in/\nacme.example/a",
    "call_back_numbers": "1800123456",
    "brands": "Acme\nAcme Foods",
    "telemarketer_ids": "1202\n1203",
    "two_way": "yes",
    "stop_words": "raus",
    "start_words": "rein",
    "short_domain": "hk.example/{header}",
    "link_days": "90",
    "otp_cooldown_s": "30s",
    "otp_per_day": "10",
    "otp_limits": "+9198=100/hour\n+44=20/day",
    "requests_per_s": "2.5",
    "segments_per_s": "500",
    "segments_per_day": "1000000",
    "spend_per_day": "5000.25",
    "spend_per_month": "99999",
    "currency": "INR",
    "rates": "91=0.25\n91:otp=0.2\n91:rcs=0.3",
}
WRONG = [
    *(("name", each) for each in ("", "a\x00b", "x" * 201)),
    *(("default_callback", each) for each in ("a b", "x" * 5000)),
    ("default_category", "sms"),
    *(("duplicate_window_s", each) for each in ("", "30", "8d", "999999d")),
    ("out_of_hours", "never"),
    ("smart_encoding", "true"),
    *(("link_days", each) for each in ("", "0", "366", "1e2", "-1", "9" * 5000)),
    *(("carrier", each) for each in ("", "gone", "a#b", "x" * 5000)),
    *(("countries", each) for each in ("india", "IN US")),
    ("callback_hosts", "https://acme.in/"),
    *(("segment_limit", each) for each in ("0", "256", "")),
    ("dlt", ""),
    ("alphanumeric_marks", "x" * 101),
    ("short_domain", "https://acme.in"),
    *(("otp_limits", each) for each in ("91", "+999=5/day", "44=5/day\n+44=6/day")),
    *(("requests_per_s", each) for each in ("", "-1", "nan", "inf", "1e9")),
    *(("spend_per_day", each) for each in ("many", "0.0000001", "NaN")),
    *(("currency", each) for each in ("rupees", "inr")),
    *(("rates", each) for each in ("91", "91:sms=1")),
]


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    put_samples(gateway)
    return signed_in(gateway)


def operator(gateway: Gateway) -> dict[str, str]:
    """Return the cookies of an operator who works in the account of samples."""
    session = cookie_of(gateway.people, OPERATOR, None, Role.OPERATOR)
    return {SESSION_COOKIE: session, ACCOUNT_COOKIE: "sandbox"}


def account(gateway: Gateway) -> Account:
    return gateway.accounts.accounts["sandbox"]


def shown(gateway: Gateway, cookie: Any) -> str:
    answer = visit(gateway, "GET", PATH, cookie=cookie)
    assert answer["statusCode"] == 200, answer["body"]
    return str(answer["body"])


def fields_of(page: str) -> dict[str, str]:
    """Return the fields of the form as a browser would send them."""
    main = page.partition("<main")[2]
    found = dict(re.findall(r'<input [^>]*?name="(\w+)"[^>]*? value="([^"]*)"', main))
    found |= dict(re.findall(r'<textarea [^>]*?name="(\w+)"[^>]*>\n([^<]*)<', main))
    for name, options in re.findall(r'<select [^>]*?name="(\w+)"[^>]*>(.*?)</select>', main, re.S):
        found[name] = "".join(re.findall(r'value="([^"]*)" selected', options))
    return {name: unescape(text) for name, text in found.items()}


def post(gateway: Gateway, cookie: Any, page: str, **changed: str) -> Any:
    fields = {**fields_of(page), **changed}
    return visit(gateway, "POST", PATH, fields=fields, cookie=cookie)


def saved(answer: Any) -> bool:
    return bool(answer["statusCode"] == 303)


@pytest.mark.parametrize("name", OTHERS)
def test_each_setting_is_changed_alone_and_shown(name: str, gateway: Gateway, cookie: str) -> None:
    who, email = (cookie, ADMIN) if name in OF_ADMINS else (operator(gateway), OPERATOR)
    before = account(gateway)
    assert saved(post(gateway, who, shown(gateway, who), **{name: OTHERS[name]}))
    after = account(gateway)
    assert written(after) == {**written(before), name: OTHERS[name]}
    same = {each: getattr(after, each) for each in ("senders", "templates", "callbacks", "answers")}
    assert same == {each: getattr(before, each) for each in same}
    assert fields_of(shown(gateway, who))[name] == OTHERS[name]
    entry = changes(gateway.people)[-1]
    assert (entry.action, entry.subject, entry.email) == ("settings.put", name, email)


def test_the_rows_above_name_all_settings_and_each_is_shown_in_one_group() -> None:
    assert [*OTHERS] == [*SETTINGS]
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(SETTINGS)


def test_what_harms_others_or_the_bill_only_operators_change(gateway: Gateway, cookie: str) -> None:
    before, page = account(gateway), shown(gateway, cookie)
    assert fields_of(page).keys() - {"seen"} == set(OF_ADMINS)
    assert fields_of(shown(gateway, operator(gateway))).keys() - {"seen"} == {*SETTINGS, "account"}
    for name in OF_OPERATORS:
        # Also together with what admins may change, and as it is.
        for text in (OTHERS[name], written(before)[name]):
            answer = post(gateway, cookie, page, brands="Changed", **{name: text})
            assert answer["statusCode"] == 403
            assert changes(gateway.people)[-1].action == "refused.scope_missing"
    assert account(gateway) == before


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_others_see_them_as_text(role: str, gateway: Gateway, cookie: str) -> None:
    own, before = signed_in(gateway, role), account(gateway)
    page = shown(gateway, own)
    assert fields_of(page) == {}
    for words in ("Most OTPs to a number a day", "Sandbox", "hk.example/ACMEBK", "7 days"):
        assert words in page
    assert visit(gateway, "POST", PATH, fields={"name": "X"}, cookie=own)["statusCode"] == 403
    assert account(gateway) == before


@pytest.mark.parametrize(("name", "text"), WRONG, ids=lambda value: str(value)[:20])
def test_what_is_wrong_stands_beside_its_field(
    name: str, text: str, gateway: Gateway, cookie: str
) -> None:
    before, who = account(gateway), operator(gateway)
    answer = post(gateway, who, shown(gateway, who), **{name: text})
    assert answer["statusCode"] == 400
    (field,) = [names for _, names in Page(answer["body"]).tags if names.get("id") == name]
    assert f"{name}-problem" in str(field["aria-describedby"])
    assert account(gateway) == before


def test_rules_over_several_settings_hold(gateway: Gateway, cookie: str) -> None:
    gateway.services("console").links.switch(account(gateway), on=True)  # type: ignore[attr-defined]
    before, who = account(gateway), operator(gateway)
    answer = post(gateway, who, shown(gateway, who), short_domain="")
    assert answer["statusCode"] == 400
    assert "short links need a short domain" in answer["body"]
    lists = dict.fromkeys(("brands", "registered_urls"), "x" * 200_000)
    answer = post(gateway, who, shown(gateway, who), **lists)
    assert answer["statusCode"] == 400
    assert "shorten a list" in answer["body"]
    assert account(gateway) == before


def test_no_change_of_another_person_is_lost(gateway: Gateway, cookie: str) -> None:
    """Whatever was changed since the page was opened, here or by the command."""
    ops = operator(gateway)
    for name, text in (("brands", "Acme"), ("dlt", "enforce")):
        page = shown(gateway, cookie)
        assert saved(post(gateway, ops, shown(gateway, ops), **{name: text}))
        answer = post(gateway, cookie, page, name=f"After {name}")
        assert answer["statusCode"] == 400
        assert "changed since" in answer["body"]
        assert account(gateway).name == "Sandbox"
        # The page shows what they are now, so that the person may begin again.
        assert written(account(gateway))[name] == text
        assert fields_of(answer["body"])["name"] == "Sandbox"
        assert saved(post(gateway, cookie, answer["body"], name="Sandbox"))
    answer = visit(gateway, "POST", PATH, fields={"name": "Without seen"}, cookie=cookie)
    assert answer["statusCode"] == 400
    assert account(gateway).name == "Sandbox"


def test_what_changes_nothing_leaves_no_entry(gateway: Gateway, cookie: str) -> None:
    before = changes(gateway.people)
    assert saved(post(gateway, cookie, shown(gateway, cookie)))
    assert changes(gateway.people) == before


@given(st.text(max_size=30), st.sampled_from([*SETTINGS]))
def test_whatever_is_sent_the_account_stays_valid_and_nothing_fails(text: str, name: str) -> None:
    gateway = Gateway()
    who = operator(gateway)
    answer = post(gateway, who, shown(gateway, who), **{name: text})
    assert answer["statusCode"] in (303, 400)
    stored = account(gateway)
    assert Account.model_validate_json(stored.model_dump_json()) == stored
    again = post(gateway, who, shown(gateway, who))
    assert saved(again)
    assert account(gateway) == stored
