"""DLT templates as CSV: exported files can be read back, and hostile files are refused."""

import gzip
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.template_csv import CONTENT_LIMIT_BYTES, ROW_LIMIT, Row, export, parse
from harkara.model.accounts import Template
from harkara.model.fields import read
from harkara.model.messages import Category
from tests.unit.steps import steps

HEADER = "Template ID,Content,Type"
FORMULAS = "=+-@\t'\"\n,;"


def of(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines]).encode()


def template(template_id: str = "1107", **fields: Any) -> Template:
    return read(Template, {"template_id": template_id, "category": "otp", "text": "x", **fields})


def problem_of(line: str, header: str = HEADER) -> str:
    """Return the problem with the only row of a file."""
    (row,) = parse(of(line, header=header))
    assert row.template is None
    assert row.number == 2
    return row.problem


WORDS = st.text(st.sampled_from(FORMULAS + "aé"), max_size=4) | st.text(max_size=20)
FIELDS = st.fixed_dictionaries(
    {
        "name": WORDS.map(lambda word: "".join(each for each in word if each.isprintable())),
        "headers": st.lists(st.from_regex(r"\A[A-Z0-9._-][A-Z0-9 ._-]{0,4}\Z"), max_size=3),
        "category": st.sampled_from([*Category]),
        "text": st.text(
            st.characters(
                exclude_categories=("Cc", "Cs"), exclude_characters="\ufffd\ufeff\u2028\u2029"
            )
            | st.sampled_from(FORMULAS + "\n"),
            min_size=1,
            max_size=30,
        ).filter(lambda text: bool(text.strip()) and "{#" not in text and "#}" not in text),
        "pe_id": st.sampled_from(["", "1101172974420810001"]),
    }
)


@given(st.lists(FIELDS, max_size=5), st.booleans())
def test_what_was_exported_is_read_back(rows: list[dict[str, Any]], packed: bool) -> None:
    templates = [template(str(1107 + at), **fields) for at, fields in enumerate(rows)]
    content = export(templates)
    found = parse(gzip.compress(content) if packed else content)
    assert [row.template for row in found] == templates
    assert [row.number for row in found] == list(range(2, len(templates) + 2))


@pytest.mark.parametrize("start", ["".join(pair) for pair in product("'=+-@\ta", repeat=2)])
def test_no_exported_cell_is_a_formula_and_all_are_restored(start: str) -> None:
    text = start + "1"
    (_, line) = export([template(text=text)]).decode("utf-8-sig").splitlines()
    assert not line.split(",")[4].startswith(("=", "+", "-", "@", "\t"))
    (row,) = parse(export([template(text=text)]))
    assert row.template is not None
    assert row.template.text == text


def test_a_formula_of_another_program_stays_what_it_is() -> None:
    (row,) = parse(of("1,=1+1,T"))
    assert row.template is not None
    assert row.template.text == "=1+1"


@pytest.mark.parametrize(
    "header",
    [
        "Entity ID,Header,Template ID,Template Name,Content,Type,Status",
        "ENTITY_ID,HEADER,TEMPLATE_ID,TEMPLATE_NAME,CONTENT,TYPE,STATUS",
        "PE ID,Sender ID,DLT Template Id,Name,Template Content,Template Type,Approval Status",
        "\ufeffPrincipal Entity Id,Headers,Content Template ID,name,Message,SMS Type,Status",
    ],
)
def test_columns_have_the_names_that_portals_give_them(header: str) -> None:
    line = "1101172974420810001,ACMEBK;561234,'1107,Offer,Hi {#var#},Govt,APPROVED"
    (row,) = parse(of(line, header=header))
    assert row == Row(
        2,
        "1107",
        template(
            pe_id="1101172974420810001",
            headers=["ACMEBK", "561234"],
            name="Offer",
            text="Hi {#var#}",
            category="government",
        ),
    )


def test_the_mark_of_utf_8_is_no_part_of_a_quoted_cell() -> None:
    (row,) = parse(of("1,x,T", header='\ufeff"Template, ID",Content,Type'))
    assert row.template == template("1", category="transactional")


def test_columns_stand_in_any_order_among_others() -> None:
    (row,) = parse(of("x,T,hello,y,1", header="Operator,Type,Content,Remarks,Template ID"))
    assert row.template == template("1", text="hello", category="transactional")


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("Transactional", Category.TRANSACTIONAL),
        ("T", Category.TRANSACTIONAL),
        ("SERVICE-IMPLICIT", Category.SERVICE_IMPLICIT),
        ("Service - Implicit", Category.SERVICE_IMPLICIT),
        ("si", Category.SERVICE_IMPLICIT),
        ("service", Category.SERVICE_IMPLICIT),
        ("Service_Explicit", Category.SERVICE_EXPLICIT),
        ("SE", Category.SERVICE_EXPLICIT),
        ("promotional", Category.PROMOTIONAL),
        ("P", Category.PROMOTIONAL),
        ("otp", Category.OTP),
    ],
)
def test_types_are_known_by_the_words_of_portals(word: str, category: Category) -> None:
    (row,) = parse(of(f"1,x,{word}"))
    assert row.template is not None
    assert row.template.category is category


@pytest.mark.parametrize(
    ("status", "taken"),
    [("Approved", True), ("ACTIVE", True), (" registered ", True), ("", True), ("Pending", False)],
)
def test_a_template_that_dlt_has_not_approved_is_skipped(status: str, taken: bool) -> None:
    (row,) = parse(of(f"1,x,T,{status}", header=f"{HEADER},Status"))
    assert (row.template is not None, row.skipped) == (taken, not taken)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(",x,T", "Template ID: 1 to 19 digits", id="no id"),
        pytest.param("1.10716E+18,x,T", "Template ID: 1 to 19 digits", id="a rounded id"),
        pytest.param("1,x", "Type: one of", id="a cell is missing"),
        pytest.param("1,x,Cold", "Type: one of", id="unknown type"),
        pytest.param("1, ,T", "Content: 1 to 2,000 characters", id="blank content"),
        pytest.param("1,a\x00b,T", "Content: 1 to 2,000 characters", id="NUL"),
        pytest.param("1,caf\ufffd,T", "Content: 1 to 2,000 characters", id="spoiled encoding"),
        pytest.param(f"1,{'x' * 2001},T", "Content: 1 to 2,000 characters", id="long content"),
        pytest.param("1,{#Name#},T", "Content: a variable is one of", id="unknown variable"),
        pytest.param("1,x,T,y", "there are more cells", id="more cells than columns"),
        pytest.param('1,"x,T', "a quote is not closed", id="an open quote"),
        pytest.param('1,"x"y,T', "a quote is not closed", id="text behind a quote"),
        pytest.param(f"1,{'x' * 4_000_000},T", "or a cell is too long", id="a cell of 4 MB"),
    ],
)
def test_a_wrong_row_says_what_is_wrong(line: str, problem: str) -> None:
    assert problem in problem_of(line)


def test_a_wrong_row_does_not_keep_the_others_out() -> None:
    rows = parse(of("1,a,T", '2,"b"b,T', "3,c,T", f"4,{'x' * 200_000},T", "", ",,", "5,d,T"))
    assert [(row.number, row.template is not None) for row in rows] == [
        (2, True),
        (3, False),
        (4, True),
        (5, False),
        (8, True),
    ]


def test_an_open_quote_swallows_a_bounded_part_of_the_file() -> None:
    rows = parse(of('1,"a,T', *(f"{at},{'x' * 100},T" for at in range(2, 3000))))
    assert "quote" in rows[0].problem
    assert rows[-1].template is not None


def test_the_second_row_of_an_id_is_refused() -> None:
    rows = parse(of("1,a,T", "2,b,T", "1,c,T"))
    assert [row.template is not None for row in rows] == [True, True, False]
    assert rows[2].problem == "Template ID: that of row 2"


@pytest.mark.parametrize("cell", ["s3cret\x00", "=s3cret", "s3cret" * 100_000, "{#s3cret#}"])
@pytest.mark.parametrize("index", range(7))
def test_a_report_does_not_repeat_what_stands_in_cells(cell: str, index: int) -> None:
    cells = ["1101172974420810001", "ACMEBK", "1107", "Offer", "x", "T", "Approved"]
    cells[index] = cell
    header = "Entity ID,Header,Template ID,Template Name,Content,Type,Status"
    for row in parse(of(",".join(cells), header=header)):
        assert "s3cret" not in row.problem
        assert "s3cret" not in row.template_id


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        pytest.param(b"", "no column Template ID, Content, Type", id="empty"),
        pytest.param(b"\n\n", "no column", id="blank"),
        pytest.param(b"Content,Type\nx,T", "no column Template ID)", id="no ids"),
        pytest.param(of(header="Template ID,Content,Type,type"), "two columns are Type", id="two"),
        pytest.param(b"," * 4_000_000, "no column", id="millions of columns"),
        pytest.param(b"x" * 4_000_000, "no column", id="one cell"),
        pytest.param(b'"' + b"x\n" * 2_000_000, "no column", id="one open quote"),
        pytest.param(
            of("1,caf\xe9,T").decode().encode("cp1252"),
            "line 2 is not UTF-8, perhaps Windows-1252: save it as CSV UTF-8",
            id="Windows-1252",
        ),
        pytest.param(of().decode().encode("utf-16")[:-1], "damaged UTF-16", id="half UTF-16"),
        pytest.param(b"PK\x03\x04" + bytes(99), "a workbook (.xlsx)", id="xlsx"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(99), "a workbook (.xls)", id="xls"),
        pytest.param(b"%PDF-1.7", "a PDF", id="PDF"),
        pytest.param(b"{\\rtf1", "RTF", id="RTF"),
        pytest.param(b"\xef\xbb\xbf\n<html><table>", "HTML or XML", id="HTML that is called xls"),
        pytest.param("<table>".encode("utf-16"), "HTML or XML", id="HTML in UTF-16"),
        pytest.param(b'[{"template_id": "1"}]', "it is JSON", id="JSON"),
        pytest.param(b'{"template_id": "1"}', "it is JSON", id="a JSON object"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\nTemplate ID,Content,Type',
            "send the file itself",
            id="a form",
        ),
        pytest.param(
            of().decode().encode("utf-16").decode(errors="replace").encode(),
            "application/octet-stream",
            id="UTF-16 that was taken for text",
        ),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1".decode(errors="replace").encode(),
            "a workbook (.xls)",
            id="xls that was taken for text",
        ),
        pytest.param(
            b"Template ID,Content\n1,x",
            "names no column Type: say of what type all are",
            id="no types",
        ),
        pytest.param(
            gzip.compress(of("1,x,T")).decode(errors="replace").encode(),
            "Content-Type: application/gzip",
            id="gzip that was taken for text",
        ),
        pytest.param(gzip.compress(of("1,x,T"))[:-9], "cut short", id="gzip without its end"),
        pytest.param(b"\x1f\x8b" + bytes(100), "damaged", id="no gzip"),
        pytest.param(
            gzip.compress(bytes(CONTENT_LIMIT_BYTES + 1)), "more than 16 MB", id="a gzip bomb"
        ),
        pytest.param(b"\n" * 4_000_000, "at most 20,000 rows", id="millions of blank rows"),
        pytest.param(of(*["1,x,T"] * (ROW_LIMIT + 1)), "at most 20,000 rows", id="20,001 rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes, detail: str) -> None:
    with pytest.raises(RequestRefused) as error:
        parse(content)
    assert error.value.code is Code.INVALID_CSV
    assert detail in error.value.message


def test_20_000_rows_are_taken() -> None:
    rows = parse(of(*(f"{at},x,T" for at in range(ROW_LIMIT))))
    assert len(rows) == ROW_LIMIT
    assert all(row.template for row in rows)


@given(st.binary(max_size=200) | st.text(FORMULAS + "\r\n1xT\x00", max_size=200).map(str.encode))
def test_any_bytes_are_rows_or_a_refusal(content: bytes) -> None:
    for body in (content, of() + b"\n" + content):
        with suppress(RequestRefused):
            assert all((row.template is None) == bool(row.problem) for row in parse(body))


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("1,x,T\n", id="rows"),
        pytest.param(",", id="columns"),
        pytest.param('"', id="quotes"),
        pytest.param('"a', id="quotes and text"),
        pytest.param("\n", id="blank rows"),
        pytest.param("{#", id="half variables"),
        pytest.param("'", id="apostrophes"),
    ],
)
def test_twice_the_file_takes_at_most_twice_the_steps(piece: str) -> None:
    def steps_of(count: int) -> int:
        return steps(lambda: parse(of(piece * count)))

    assert steps_of(2_000) <= 2.1 * steps_of(1_000)
