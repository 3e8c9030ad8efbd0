"""Each rule of the audit: a template that it says something of, and one that just has no mark."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from harkara.accept.template_index import rules_of
from harkara.activity.usage import HeaderUse
from harkara.manage.template_rules import RULES, RuleName, Subject, headers_of
from harkara.model.accounts import Account, Sender, Template
from harkara.model.messages import Category

HEADERS = ("ACMEBK", "ACMEFD")
FIXED = "x" * 38
REGISTERED = {
    "registered_urls": ("https://acme.in/p?id=", "https://hk.example/ACMEBK/"),
    "call_back_numbers": ("1800123456", "9876543210"),
}
BY_HEADER = {"short_domain": "hk.example/{header}"}
CURLY = "Dear {#numeric#}, your Acme order\u2019s here"


def subject_of(
    text: str,
    *,
    category: Category = Category.SERVICE_IMPLICIT,
    headers: tuple[str, ...] = ("ACMEBK",),
    also: tuple[str, ...] = (),
    idle: Mapping[str, HeaderUse] = MappingProxyType({}),
    **fields: Any,
) -> Subject:
    senders = {each: Sender(header=each, categories=(Category.OTP,)) for each in HEADERS}
    account = Account(id="acme", name="Acme", carrier="sim", senders=senders, **fields)
    template = Template(dlt_template_id="1107", text=text, category=category, headers=headers)
    own = headers_of(template, HEADERS)
    return Subject(template, account, rules_of(account), own, also, idle)


IDLE = HeaderUse("2026-11-01", "2026-10-31")
# The rule, a template that it marks with words of the advice, and one that just has no mark.
CASES: list[tuple[RuleName, dict[str, Any], str, dict[str, Any]]] = [
    (
        RuleName.UNTAGGED,
        {"text": "Your OTP is {#var#}, {#numeric#}"},
        "variable 1 {#numeric#}",
        {"text": "Your OTP is {#num#}, {#numeric#}"},
    ),
    (
        RuleName.IDLE,
        {"text": "a", "headers": (), "idle": {"ACMEBK": IDLE, "ACMEFD": IDLE}},
        "ACMEBK, last used on 2026-11-01: 30 days of silence suspend a header; so for 1 more",
        {"text": "a", "idle": {"ACMEFD": IDLE}},
    ),
    (
        RuleName.IDLE,
        {"text": "a", "idle": {"ACMEBK": IDLE._replace(day="")}},
        "send by ACMEBK, by which nothing was counted since 2026-10-31",
        {"text": "a", "headers": ("ACMEFD",), "idle": {"ACMEBK": IDLE}},
    ),
    (
        RuleName.VARIABLES,
        {"text": "{#num#} a {#num#} b {#num#} c {#num#}"},
        "it has 4 variables",
        {"text": "{#num#} a {#num#} b {#num#}"},
    ),
    (
        RuleName.ADJACENT,
        {"text": "a {#num#} {#alp#} b"},
        "between variables 1 and 2",
        {"text": "a {#num#}, {#alp#} b"},
    ),
    (
        RuleName.FIXED_TEXT,
        {"text": f"{{#num#}}{FIXED}{{#num#}}{{#num#}}"},
        "29 % of it",
        {"text": f"{{#num#}}{FIXED}x{{#num#}}{{#num#}}"},
    ),
    (
        RuleName.URL,
        {"text": "Pay at {#url#}"},
        "--registered-urls",
        {"text": "Pay at {#url#}", **REGISTERED},
    ),
    (
        RuleName.URL,
        {"text": "Pay at https://acme.in/q?id={#num#}", **REGISTERED},
        "register https://acme.in/q?id=",
        {"text": "Pay at https://acme.in/p?id={#num#}", **REGISTERED},
    ),
    (
        RuleName.URL,
        {"text": "Pay at acme.in/p"},
        "register acme.in/p",
        {"text": "Pay at acme.in"},  # no phone makes a link of it
    ),
    (
        RuleName.NUMBER,
        {"text": "Call {#cbn#}"},
        "--call-back-numbers",
        {"text": "Call {#cbn#}", **REGISTERED},
    ),
    (
        RuleName.NUMBER,
        {"text": "Call 1800 123 457", **REGISTERED},
        "register 1800 123 457",
        {"text": "Call +91 98765 43210 or 1800-123-456", **REGISTERED},
    ),
    (
        RuleName.NUMBER,
        {"text": "Call 9876543210"},
        "register 9876543210",
        {"text": "Order 987654321 of 01-12-2026 10:30"},
    ),
    (
        RuleName.SHORT_LINK,
        {"text": "See https://bit.ly/ACMEFD/x"},
        "begin the path of https://bit.ly/ACMEFD/x",
        {"text": "See https://bit.ly/ACMEBK/x"},
    ),
    (
        RuleName.SHORT_LINK,
        {"text": "See {#url#}", "short_domain": "hk.example/ACMEFD"},
        "lack ACMEBK: `harkara account set --short-domain 'hk.example/{header}'`",
        {"text": "See {#url#}", **BY_HEADER},
    ),
    (
        RuleName.SERVICE_EXPLICIT,
        {"text": "a", "category": Category.SERVICE_EXPLICIT},
        "as promotional",
        {"text": "a", "category": Category.PROMOTIONAL},
    ),
    (
        RuleName.OPT_OUT,
        {"text": "Half price, nonstop! Acme", "category": Category.PROMOTIONAL},
        "say how to get no more",
        {"text": "Half price! Acme. Stop: 1909", "category": Category.PROMOTIONAL},
    ),
    (
        RuleName.BRAND,
        {"text": "Dear {#alp#}, ACM E", "brands": ("Acme", "Acme Foods")},
        "Acme or Acme Foods",
        {"text": "Dear {#alp#}, ACME", "brands": ("Acme", "Acme Foods")},
    ),
    (
        RuleName.ENCODING,
        {"text": CURLY},
        f"character {CURLY.index(chr(0x2019)) + 1} alone",
        {"text": f"{CURLY} \u092f\u0939"},  # Hindi needs Unicode anyway
    ),
    (
        RuleName.SEGMENTS,
        {"text": "x" * 121 + "{#num#}", "segment_limit": 1},
        "it has 2 segments",
        {"text": "x" * 120 + "{#num#}", "segment_limit": 1},
    ),
    (RuleName.OVERLAP, {"text": "a", "also": ("1108",)}, "1108", {"text": "a"}),
]
IDS = [f"{rule}-{at}" for at, (rule, *_) in enumerate(CASES)]


@pytest.mark.parametrize(("rule", "marked", "says", "unmarked"), CASES, ids=IDS)
def test_a_rule_marks_what_breaks_it_and_no_more(
    rule: RuleName, marked: dict[str, Any], says: str, unmarked: dict[str, Any]
) -> None:
    assert says in RULES[rule].check(subject_of(**marked))
    assert RULES[rule].check(subject_of(**unmarked)) == ""


def test_each_rule_has_a_case_and_a_source() -> None:
    assert {rule for rule, *_ in CASES} == RULES.keys() == set(RuleName)
    assert all(rule.source for rule in RULES.values())


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("{#var#} is your OTP for Acme", "numeric"),
        ("{#var#} is the one-time password", "numeric"),
        ("OTP: {#var#}. Do not share it", "numeric"),
        ("Valid for {#var#} minutes", "numeric"),
        ("{#var#}% off", "numeric"),
        ("Track it: {#var#}", "url"),
        ("Pay at https://{#var#}", "url"),
        ("Questions? Call us at {#var#}", "cbn"),
        ("E-mail to {#var#}", "email"),
        ("Dear {#var#}, welcome", "alphanumeric"),
        ("Rs {#var#} was paid", "alphanumeric"),
        ("{#var#}", "alphanumeric"),
    ],
)
def test_a_tag_is_suggested_by_the_variables_place(text: str, tag: str) -> None:
    assert f"variable 1 {{#{tag}#}}" in RULES[RuleName.UNTAGGED].check(subject_of(text))


@pytest.mark.parametrize(
    ("text", "fields", "segments"),
    [
        ("{#cbn#}{#email#}" + "x" * 81, {}, 1),
        ("{#cbn#}{#email#}" + "x" * 82, {}, 2),
        ("{#url#}" + "x" * 100, {}, 3),
        ("{#url#}" + "x" * 100, {"shorten_urls": True, **BY_HEADER}, 1),
        ("{#var#}" + "\u0939" * 40, {}, 1),
        ("{#var#}" + "\u0939" * 41, {}, 2),
    ],
)
def test_segments_are_counted_at_the_longest_values(
    text: str, fields: dict[str, Any], segments: int
) -> None:
    assert subject_of(text, **fields).longest.segment_count == segments


def test_a_template_for_all_headers_is_of_the_accounts_indian_ones() -> None:
    template = Template(dlt_template_id="1", text="a", category=Category.OTP)
    assert headers_of(template, ["ACMEBK", "447700900123"]) == ["ACMEBK"]
