"""The audit of all templates of an account: overlaps, answers, and what it leaves alone."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import ANSWER_LIMIT_BYTES, answer_bytes
from harkara.accept.template_index import entries_of, rules_of
from harkara.activity.usage import UsageService
from harkara.base.json import encode
from harkara.dlt.index import TemplateIndex
from harkara.manage.template_audit import AuditService, as_csv, audit, report_of, rows_of
from harkara.manage.template_rules import RuleName
from harkara.model.accounts import Account, Sender, Template
from harkara.model.messages import Category
from tests.support.fakes import FakeAccountStore, Faults
from tests.support.ports import new_ports
from tests.support.registry import FakeRegistry

ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    senders={"ACMEBK": Sender(header="ACMEBK", categories=(Category.OTP,))},
)


def templates_of(*texts: str, headers: tuple[str, ...] = ("ACMEBK",)) -> list[Template]:
    return [
        Template(dlt_template_id=str(number), text=text, category=Category.OTP, headers=headers)
        for number, text in enumerate(texts, 1)
    ]


def overlapping(templates: Sequence[Template], account: Account = ACCOUNT) -> dict[str, str]:
    return {
        str(row["template_id"]): str(row["advice"])[:31].removeprefix("a text of it may match ")[0]
        for row in rows_of(audit(account, templates))
        if row["rule"] == RuleName.OVERLAP
    }


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (("Dear {#alp#}, hi", "Dear {#num#}, hi"), {"1": "2", "2": "1"}),
        (("Dear {#alp#}, hi", "Dear {#num#}, hi!"), {}),
        # The general one matches what the longer one does.
        (("Hi {#var#}", "Hi {#var#} from Acme"), {"1": "2", "2": "1"}),
        (("Call {#cbn#} now", "Call {#var#} now"), {"1": "2", "2": "1"}),
        (("See {#url#} now", "See {#var#} now"), {"1": "2", "2": "1"}),
        (("Mail {#email#} now", "Mail {#num#} now"), {}),
        (("the same", "the same"), {"1": "2", "2": "1"}),
        (("the same", "the other"), {}),
    ],
)
def test_templates_with_a_text_in_common_are_marked(
    texts: Sequence[str], pairs: dict[str, str]
) -> None:
    assert overlapping(templates_of(*texts)) == pairs


def test_a_registered_value_is_tried() -> None:
    account = ACCOUNT.model_copy(
        update={
            "registered_urls": ("https://acme.in/{#var#}",),
            "call_back_numbers": ("1800111222",),
        }
    )
    templates = templates_of("a {#url#} {#cbn#}", "a {#var#} {#var#}")
    assert overlapping(templates, account) == {"1": "2", "2": "1"}


def test_templates_of_different_headers_have_no_text_in_common() -> None:
    of_one, of_other = templates_of("hi {#var#}", "hi {#num#}")
    of_other = of_other.model_copy(update={"headers": ("ACMEFD",)})
    assert overlapping([of_one, of_other]) == {}
    of_all = of_other.model_copy(update={"headers": ()})
    assert overlapping([of_one, of_all]) == {"1": "2", "2": "1"}


def test_an_audit_reads_templates_and_headers_alone() -> None:
    templates = templates_of("Hi {#var#}, =1+1", "Acme: your code is {#num#}")
    account = ACCOUNT.model_copy(
        update={"templates": {each.template_id: each for each in templates}}
    )
    store = FakeAccountStore({"acme": account})
    ports = new_ports(Faults(), lambda: 0.0)
    usage = UsageService(ports.activity, ports.store, lambda: 0.0)
    service = AuditService(FakeRegistry(store), usage)
    audited = service.audit(Account(id="acme", name="Acme", carrier="sim"))
    report = report_of(audited)
    assert (report["audited"], report["marked"], report["left_out"]) == (2, 1, 0)
    (row,) = report["templates"]
    assert (row["template_id"], row["segments"], row["encoding"]) == ("1", 1, "GSM7")
    assert [mark["rule"] for mark in row["marks"]] == [RuleName.UNTAGGED, RuleName.FIXED_TEXT]
    assert service.marks(account, templates) == [row["marks"], []]
    assert store.accounts == {"acme": account}


def test_a_file_of_marks_has_no_formulas() -> None:
    (template,) = templates_of("{#var#}")
    named = template.model_copy(update={"name": '=HYPERLINK("http://evil.example")'})
    rows = [*csv.DictReader(io.StringIO(as_csv(audit(ACCOUNT, [named])).decode("utf-8-sig")))]
    assert [row["rule"] for row in rows] == ["untagged", "fixed_text"]
    assert rows[0]["name"].startswith("'=")


def test_a_report_too_long_for_an_answer_leaves_the_rest_out() -> None:
    text = " ".join(["{#var#}"] * 90)
    report = report_of(audit(ACCOUNT, templates_of(text)) * 9_000)
    assert report["marked"] == 9_000
    assert 0 < report["left_out"] < 9_000
    assert answer_bytes(encode(report)) <= ANSWER_LIMIT_BYTES


WORDS = st.sampled_from(
    ["Dear", "Acme", "{#var#}", "{#num#}", "{#alp#}", "{#url#}", "1", "https://a.in"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(st.lists(TEXTS, min_size=1, max_size=8), TEXTS)
def test_an_audit_never_changes_which_template_a_text_has(texts: list[str], sent: str) -> None:
    templates = templates_of(*texts)
    before = [each.model_dump() for each in templates]
    index = TemplateIndex(entries_of(templates), rules_of(ACCOUNT))
    found = index.find(sent, "ACMEBK")
    index.matching(sent, "ACMEBK")
    audit(ACCOUNT, templates)
    assert index.find(sent, "ACMEBK") == found
    assert [each.model_dump() for each in templates] == before


@given(st.lists(TEXTS, min_size=1, max_size=8), TEXTS)
def test_the_templates_that_match_begin_with_the_one_that_is_found(
    texts: list[str], sent: str
) -> None:
    index = TemplateIndex(entries_of(templates_of(*texts)), rules_of(ACCOUNT))
    matching = index.matching(sent, "ACMEBK")
    found = index.find(sent, "ACMEBK")
    assert matching[:1] == ([found] if found else [])
