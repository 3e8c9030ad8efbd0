"""`harkara template`: an account's templates in, out, listed and audited."""

import gzip
from pathlib import Path

import pytest

from harkara.model.accounts import Template
from harkara.model.messages import Category
from tests.local.operators import operator_of

HEAD = "Entity ID,Header,Template ID,Template Name,Content,Type,Status\n"
OTP_ROW = "1101172974420810001,ACMEBK,1107,Sign in,{#numeric#} is your code,OTP,Approved\n"
COUNT = 1_010  # not a multiple of batches or pages


def test_templates_are_imported_with_a_report_of_each_row(tmp_path: Path) -> None:
    operator = operator_of()
    file = tmp_path / "all.csv"
    file.write_text(f"{HEAD}{OTP_ROW}{OTP_ROW.replace('1107', '1108').replace('Approved', 'No')}")
    assert operator(f"template import acme {file} --json").json() == {
        "created": 1,
        "changed": 0,
        "unchanged": 0,
        "skipped": 1,
        "refused": 0,
        "rows": [
            {"row": 2, "template_id": "1107", "result": "created", "problem": ""},
            {
                "row": 3,
                "template_id": "1108",
                "result": "skipped",
                "problem": "Status: not approved (no)",
            },
        ],
    }
    account = operator.store.account("acme")
    assert account is not None
    assert account.templates == {
        "1107": Template(
            dlt_template_id="1107",
            name="Sign in",
            headers=("ACMEBK",),
            category=Category.OTP,
            text="{#numeric#} is your code",
            pe_id="1101172974420810001",
        )
    }


def test_refused_rows_are_shown_and_the_others_are_in(tmp_path: Path) -> None:
    operator = operator_of()
    file = tmp_path / "all.csv"
    file.write_text(f"{HEAD}{OTP_ROW}{OTP_ROW.replace('1107', 'x')}")
    done = operator(f"template import acme {file}")
    assert (done.status, done.err) == (
        1,
        "harkara: some rows were refused: correct them and import the file again\n",
    )
    assert done.out.splitlines() == [
        "created    1",
        "changed    0",
        "unchanged  0",
        "skipped    0",
        "refused    1",
        "",
        "row  template_id  result   problem",
        "3                 refused  Template ID: 1 to 19 digits, as text",
    ]
    assert [row["template_id"] for row in operator("template list acme --json").json()] == ["1107"]


def test_a_large_file_is_imported_exported_and_imported_unchanged(tmp_path: Path) -> None:
    operator = operator_of()
    file, exported = tmp_path / "all.csv.gz", tmp_path / "exported.csv"
    rows = (OTP_ROW.replace("1107", str(number)) for number in range(1, COUNT + 1))
    file.write_bytes(gzip.compress((HEAD + "".join(rows)).encode()))
    assert operator(f"template import acme {file}").out.startswith(f"created    {COUNT}\n")
    answer = operator(f"template export acme {exported} --json").json()
    assert answer == {"exported": COUNT, "file": str(exported)}
    again = operator(f"template import acme {exported} --json").json()
    assert (again["unchanged"], len(again["rows"])) == (COUNT, COUNT)


def test_a_file_without_types_takes_the_one_that_is_given(tmp_path: Path) -> None:
    operator = operator_of()
    file = tmp_path / "jio.csv"
    file.write_text("Template ID,Content\n1107,x\n")
    done = operator(f"template import acme {file}")
    assert done.status == 1
    assert "--type" in done.err
    assert operator(f"template import acme {file} --type Foo").status == 2
    assert operator(f"template import acme {file} --type Promo").status == 0
    account = operator.store.account("acme")
    assert account is not None
    assert account.templates["1107"].category is Category.PROMOTIONAL


def test_rows_that_are_taken_with_a_warning_are_shown(tmp_path: Path) -> None:
    operator = operator_of()
    file = tmp_path / "all.csv"
    file.write_text("Template ID,Content,Type\n1107,Dear {name},T\n1108,x,T\n")
    done = operator(f"template import acme {file}")
    assert (done.status, done.err) == (0, "")
    first, *more = done.out.splitlines()[7:]
    assert first.split()[:3] == ["2", "1107", "created"]
    assert "looks like a variable" in " ".join(" ".join([first, *more]).split())


def test_a_file_that_is_no_csv_is_refused_whole(tmp_path: Path) -> None:
    operator = operator_of()
    (tmp_path / "all.csv").write_bytes("café".encode("cp1252"))
    done = operator(f"template import acme {tmp_path}/all.csv")
    assert (done.status, done.out) == (1, "")
    assert "not UTF-8" in done.err


def test_templates_are_listed_for_people_without_their_texts(tmp_path: Path) -> None:
    operator = operator_of()
    (tmp_path / "all.csv").write_text(HEAD + OTP_ROW)
    operator(f"template import acme {tmp_path}/all.csv")
    assert operator("template list acme").out.splitlines() == [
        "template_id  name     headers  category  pe_id",
        "1107         Sign in  ACMEBK   otp       1101172974420810001",
    ]
    (template,) = operator("template list acme --json").json()
    assert template["text"] == "{#numeric#} is your code"
    assert operator("template remove --yes acme 1107 --json").json() == {"removed": "1107"}
    assert operator("template list acme --json").json() == []


@pytest.mark.parametrize(
    "line",
    [
        "credential create acme user",
        "credential list acme",
        "callback add acme main --url https://hooks.acme.in/dlr",
        "callback list acme",
        "sender add acme ACMEBK --categories otp",
        "sender list acme",
        "account set acme --default-callback ours",
        "account list",
    ],
)
def test_what_is_not_about_templates_reads_none(line: str) -> None:
    operator = operator_of()
    operator("callback add acme ours --url https://hooks.acme.in/dlr")
    key = {"pk": {"S": "account#acme"}, "sk": {"S": "template#1107"}}
    operator.table.items["account#acme", "template#1107"] = {**key, "data": {"S": "unreadable"}}
    assert operator(line).status == 0


def test_templates_are_audited_as_a_table_json_and_csv(tmp_path: Path) -> None:
    operator = operator_of(brands=("Acme",))
    operator("sender add acme ACMEBK --categories otp")
    (tmp_path / "all.csv").write_text(HEAD + OTP_ROW)
    operator(f"template import acme {tmp_path / 'all.csv'}")
    rows = operator("template audit acme --json").json()
    assert [row["rule"] for row in rows] == ["brand"]
    head, row, *_ = operator("template audit acme").out.splitlines()
    assert head.split() == ["template_id", "rule", "advice", "source"]
    assert row.split()[:4] == ["1107", "brand", "name", "the"]
    file = tmp_path / "audit.csv"
    answer = operator(f"template audit acme --csv {file} --json").json()
    assert answer == {"audited": 1, "marks": 1, "file": str(file)}
    assert b"1107,Sign in,brand," in file.read_bytes()
    assert operator(f"template audit acme --csv {tmp_path}").status == 1
