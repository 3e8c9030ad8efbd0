"""Files of the operators' DLT portals: each row is taken, skipped or refused, with a reason."""

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import RequestRefused
from harkara.manage.template_csv import Row, parse
from harkara.model.messages import Category
from tests.unit.manage.test_template_csv import HEADER, of, problem_of

TYPE_WORDS = {
    Category.OTP: ("OTP", "otp", "One Time Password"),
    Category.TRANSACTIONAL: ("Transactional", "TRANS", "Transaction", "T", "Transactional (T)"),
    Category.SERVICE_IMPLICIT: (
        *("Service Implicit", "Service (Implicit)", "Service-Inferred", "SERVICE_IMPLICIT", "SI"),
        *("Service Inferred", "Others", "Implicit", "Service Implicit [SI]", "Service Message"),
        *("Service Implicit / Inferred", "Service-Implicit Message", "IMPLICIT CONSENT"),
    ),
    Category.SERVICE_EXPLICIT: ("Service Explicit", "Service (Explicit)", "SE", "explicit"),
    Category.GOVERNMENT: ("Government", "GOVT", "Gov. Message"),
    Category.PROMOTIONAL: (
        "Promotional",
        "Promo",
        "P",
        "PROMOTION",
        "Promotional SMS",
        "Promotions",
    ),
}
APPROVED_WORDS = (
    *("Approved", "REGISTERED VIA AIRTEL", "1", "Accepted", "Whitelisted", "Verified", "", " "),
    *("Approved By Operator", "Active", "registered_on_Jio", "Approved and Active", "Activated"),
    *("DLT Approved", "ApprovedByOperator", "Approved on 2026-01-02", "Verified (Vi)"),
    *("Jio Approved", "VIL Approved", "System Approved", "AUTOAPPROVED", "Approved (Auto)"),
    *("Successfully Registered", "Registered Successfully", "WhiteListed", "White-listed", "Valid"),
    *(
        "Approved - 12-Jan-2026",
        "Approved 12/01/2026",
        "Re-approved",
        "SUCCESS",
    ),
)
REFUSED_WORDS = (
    *("Rejected", "PENDING", "Blacklisted", "Expired", "Not Approved", "not_registered", "0"),
    *(
        "Approval Pending",
        "Pending for approval",
        "Inactive",
        "Deactivated",
        "Suspended",
        "Un-approved",
    ),
    *("Yet to be approved", "NotApproved", "Disapproved", "Approved - Expired", "Under Review"),
    *("Non-Approved", "To be approved", "Never approved", "Partially Approved", "BlackListed"),
    *("Sent for approval", "Under Verification", "Returned", "Query Raised", "Frozen", "Error"),
    *("Rejected by operator", "In Progress", "Unverified", "Revoked", "On Hold", "Draft", "No"),
)
UNKNOWN_WORDS = (
    "Foo",
    "Approvd",
    "Approved maybe",
    "2",
    "-",
    "N/A",
    "स्वीकृत",
    "Registration",
    "via Airtel",
    "Airtel",
    "White",
    "Auto",
)
TAG_SPELLINGS = {
    "{#var#}": ("{#var#}", "{#VAR#}", "{# var #}"),
    "{#numeric#}": ("{#num#}", "{#Number#}", "{# NUMERIC #}"),
    "{#alphanumeric#}": ("{#alp#}", "{#Alphanumeric#}"),
    "{#urlott#}": ("{#uro#}", "{#URLOTT#}"),
    "{#url#}": ("{#urg#}", "{#url #}"),
    "{#cbn#}": ("{#cbn#}", "{#CBN#}"),
}
COLUMN_NAMES = {
    "template_id": ("Template ID", "DLT Template Id", "CONTENT_TEMPLATE_ID"),
    "text": ("Content", "Template Content", "Template Message"),
    "category": ("Type", "Template Type", "Communication Type"),
    "status": ("Status", "Approval Status", "State", "Operator Status", "Approved", "Status (DLT)"),
    "headers": ("Header", "Sender IDs", "Header(s)", "Linked CLI", "Associated Header"),
}
ENCODINGS: dict[str, Any] = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with its mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without its mark": lambda text: text.encode("utf-16-le"),
    "gzip": lambda text: gzip.compress(text.encode("utf-16")),
    "Windows-1252": lambda text: text.encode("cp1252", "replace"),
}


@st.composite
def portal_rows(draw: st.DrawFn) -> tuple[str, str, list[str]]:
    """Draw a row of a portal's file: kind of its status, category, and cells by COLUMN_NAMES."""
    kind, words = draw(st.sampled_from([
        ("approved", APPROVED_WORDS), ("refused", REFUSED_WORDS), ("unknown", UNKNOWN_WORDS),
    ]))  # fmt: skip
    status = draw(st.sampled_from(words))
    category = draw(st.sampled_from([*Category]))
    word = draw(st.sampled_from(TYPE_WORDS[category]))
    tags = draw(st.lists(st.sampled_from([*TAG_SPELLINGS]), max_size=3))
    spelled = [draw(st.sampled_from(TAG_SPELLINGS[tag])) for tag in tags]
    text = "Dear " + draw(st.sampled_from([" is ", ", ", "<br/>", "\n", " € “ ", " नमस्ते "])).join(
        [*spelled, "Acme"]
    )
    return kind, category, ["", text, word, status, "ACMEFD"]


@given(
    st.lists(portal_rows(), min_size=1, max_size=4),
    st.sampled_from([*ENCODINGS]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["", "sep", "title", "two titles"]),
    st.tuples(*(st.sampled_from(names) for names in COLUMN_NAMES.values())),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_row_of_a_portal_is_taken_skipped_or_refused_with_its_reason(
    drawn: list[tuple[str, str, list[str]]],
    encoding: str,
    delimiter: str,
    above: str,
    names: tuple[str, ...],
    line_end: str,
) -> None:
    file = io.StringIO(newline="")
    titles = {
        "sep": f"sep={delimiter}{line_end}",
        "title": f"Templates of Acme{line_end}",
        "two titles": f"Acme{line_end}{line_end}List, of; templates{line_end}",
    }
    file.write(titles.get(above, ""))
    writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end)
    writer.writerow(names)
    for at, (_, _, cells) in enumerate(drawn):
        writer.writerow([str(1107 + at), *cells[1:]])
    content = ENCODINGS[encoding](file.getvalue())
    if encoding == "Windows-1252" and not content.isascii():
        with pytest.raises(RequestRefused, match="INVALID_CSV") as refused:
            parse(content)
        assert "perhaps Windows-1252" in refused.value.message
        return
    rows = parse(content)
    assert len(rows) == len(drawn)
    for at, (row, (kind, category, _)) in enumerate(zip(rows, drawn, strict=True)):
        assert row.template_id == str(1107 + at)
        assert row.skipped is (kind == "refused")
        assert (row.template is not None) is (kind == "approved")
        assert bool(row.problem) is (kind != "approved")
        if row.template:
            assert row.template.category == category
            assert row.template.headers == ("ACMEFD",)
            assert "<br" not in row.template.text


def row_of(line: str, header: str = HEADER, **options: Any) -> Row:
    (row,) = parse(of(line, header=header), **options)
    return row


@pytest.mark.parametrize("word", [*APPROVED_WORDS, "Ａｐｐｒｏｖｅｄ"])
def test_what_an_operator_has_approved_is_taken(word: str) -> None:
    assert row_of(f'1,x,T,"{word}"', f"{HEADER},Status").template is not None


@pytest.mark.parametrize("word", REFUSED_WORDS)
def test_what_an_operator_has_not_approved_is_skipped_with_its_word(word: str) -> None:
    row = row_of(f"1,x,T,{word}", f"{HEADER},Status")
    assert (row.template, row.skipped) == (None, True)
    reason = row.problem.removeprefix("Status: not approved (").removesuffix(")")
    assert reason in word.lower()


@pytest.mark.parametrize("word", UNKNOWN_WORDS)
def test_a_status_that_nobody_knows_is_refused_and_named(word: str) -> None:
    row = row_of(f"1,x,T,{word}", f"{HEADER},Status")
    assert (row.template, row.skipped) == (None, False)
    assert row.problem.startswith("Status: Approved, Registered")
    assert (f'not "{word}"' in row.problem) is (
        word
        in (
            "Foo",
            "Approvd",
            "Approved maybe",
            "Registration",
            "via Airtel",
            "N/A",
            "Airtel",
            "White",
            "Auto",
        )
    )


def test_a_type_that_nobody_knows_is_refused_and_named() -> None:
    assert 'not "Cold"' in problem_of("1,x,Cold")


@pytest.mark.parametrize(
    ("text", "tags", "registered"),
    [
        ("Dear {#var#}, see {#var#}", '"alphanumeric,url"', "Dear {#alphanumeric#}, see {#url#}"),
        ("Dear {#var#}, see {#var#}", "ALP | {#urg#}", "Dear {#alphanumeric#}, see {#url#}"),
        ("Dear {#var#}", "", "Dear {#var#}"),
        ("Dear Asha", "-", "Dear Asha"),
        ("{#var#} is", "Number", "{#numeric#} is"),
        ("{#var#}, {#var#}", '"1: Alpha-Numeric, 2: URL/OTT"', "{#alphanumeric#}, {#urlott#}"),
        ("{#var#}, {#var#}", '"Var1=numeric; var2=e-mail id"', "{#numeric#}, {#email#}"),
        ("{#var#}, {#var#}", "\"['callback number','OTT link']\"", "{#cbn#}, {#urlott#}"),
        ("Dear Asha", "N/A", "Dear Asha"),
        ("Dear Asha", "None", "Dear Asha"),
    ],
)
def test_tags_may_stand_in_a_column_beside_the_text(text: str, tags: str, registered: str) -> None:
    row = row_of(f'1,"{text}",T,{tags}', f"{HEADER},Variable Tags")
    assert row.template is not None
    assert row.template.text == registered


@pytest.mark.parametrize("tags", ["numeric", '"numeric,url,cbn"', '"numeric,price"'])
def test_tags_that_do_not_fit_the_variables_are_refused(tags: str) -> None:
    row = row_of(f'1,"{{#var#}} and {{#var#}}",T,{tags}', f"{HEADER},Variable Tags")
    assert row.template is None
    assert row.problem.startswith("Variable Tags: ")


@pytest.mark.parametrize(
    "name",
    [
        "Jio Status",
        "Approval Jio (status)?",
        "Is Template Approved",
        "TemplateApprovalState",
        "Stage/State",
    ],
)
def test_a_file_whose_status_may_stand_in_an_unknown_column_is_refused(name: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(of("1,x,T,Rejected", header=f"{HEADER},{name}"))
    assert "call it Status" in refused.value.message
    assert row_of("1,x,T,Rejected,Approved", f"{HEADER},{name},Status").template is not None


@pytest.mark.parametrize(
    "name",
    [
        "Approved On",
        "Status Date",
        "Approved By",
        "Consent Status",
        "Rejection Reason",
        "Statement",
    ],
)
def test_a_column_that_says_when_or_by_whom_is_no_status(name: str) -> None:
    assert row_of("1,x,T,Rejected", f"{HEADER},{name}").template is not None
