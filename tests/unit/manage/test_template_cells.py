"""Cells of a portal's file that spreadsheets, exports and people have changed."""

import pytest

from harkara.manage.template_csv import parse
from harkara.model.messages import Category
from tests.unit.manage.test_template_csv import HEADER, of, template
from tests.unit.manage.test_template_portals import row_of


def test_rows_without_a_type_have_the_one_that_was_given() -> None:
    row = row_of("1,x", "Template ID,Content", category=Category.OTP)
    assert row.template == template("1", category="otp")
    lines = of("1,x,", "2,x,Promo")
    assert [row.template.category for row in parse(lines, Category.OTP) if row.template] == [
        Category.OTP, Category.PROMOTIONAL,
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["1.10717E+18", "1,10717E+18", "1.1e18", "1E18"])
@pytest.mark.parametrize("index", [0, 3])
def test_an_id_that_a_spreadsheet_has_rounded_says_so(cell: str, index: int) -> None:
    cells = ["1107", "x", "T", "1101172974420810001"]
    cells[index] = f'"{cell}"'
    row = row_of(",".join(cells), f"{HEADER},Entity ID")
    assert "a spreadsheet has rounded it" in row.problem


@pytest.mark.parametrize(
    "cell", ["'1107161234567890001", '"=""1107161234567890001"""', " 1107161234567890001 "]
)
def test_an_id_is_read_as_spreadsheets_are_made_to_keep_it(cell: str) -> None:
    assert row_of(f"{cell},x,T").template_id == "1107161234567890001"


@pytest.mark.parametrize(
    ("line", "headers", "warning"),
    [
        ("1107170000000000000,x,T,ACMEFD", ("ACMEFD",), "an id ends in zeros"),
        ("1,x,T,VM-ACMEFD-S", ("ACMEFD",), "Header: taken without what operators put around it"),
        ("1,x,T,ax-ACMEFD;561234-P", ("ACMEFD", "561234"), "Header: taken without"),
        ("1,x,T,acmefd", ("acmefd",), "a header has small letters"),
        ("1,Dear ?????? {#var#},T,ACMEFD", ("ACMEFD",), "question marks"),
        ("1,x,Others,ACMEFD", ("ACMEFD",), "Others is taken for Service Implicit"),
        *(
            (f"1,a {word} b,T,ACMEFD", ("ACMEFD",), "character 3 of the text begins what looks")
            for word in ("##var##", "{var}", "#var#", "{{name}}", "[var]", "<otp>", "$$Name",
                         "%amount%", "{ #var# }")
        ),
        *(
            (f"1,{text},T,ACMEFD", ("ACMEFD",), f"begins what looks like {name}")
            for text, name in (
                *((f"a {word} b", "HTML") for word in ("&amp;", "&quot;", "&#39;", "<p>")),
                *((f"a {word} b".encode().decode("cp1252"), "UTF-8") for word in ("’", "₹ “", "…")),
                *((f"a {word} b".encode().decode("latin-1"), "UTF-8") for word in ("नाम", "£5")),
                *((f"a{word}b", "a line's end") for word in ("\\n", "\\r\\n", "_x000D_")),
            )
        ),
        ("1,Crème à la carte for 5€ & café <3,T,ACMEFD", ("ACMEFD",), ""),
        ("1107161234567890001,Pay Rs.5 {#var#} #1 to A&B (50%) $5,T,ACMEFD", ("ACMEFD",), ""),
    ],
)  # fmt: skip
def test_what_may_be_wrong_is_taken_with_a_warning(
    line: str, headers: tuple[str, ...], warning: str
) -> None:
    row = row_of(line, f"{HEADER},Header")
    assert row.template is not None
    assert row.template.headers == headers
    assert (warning in row.warning) if warning else row.warning == ""


def test_a_line_break_of_html_is_the_end_of_a_line() -> None:
    row = row_of("1,Dear {#var#}<br/>hello</br>Acme,T")
    assert row.template is not None
    assert row.template.text == "Dear {#var#}\nhello\nAcme"


def test_rows_are_numbered_as_the_spreadsheet_has_them() -> None:
    lines = "Templates of Acme\n\nTemplate ID,Content,Type\n1,a,T\n\nx,b,T\n"
    assert [row.number for row in parse(lines.encode())] == [4, 6]
    assert [row.number for row in parse(b"sep=;\nTemplate ID;Content;Type\n1;a;T")] == [2]
