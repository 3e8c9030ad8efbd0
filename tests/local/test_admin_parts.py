"""`harkara sender`, `callback` and `template`: the resources of an account."""

import gzip
from pathlib import Path

import pytest

from harkara.callbacks.formats.clevertap import RETRY_DELAYS_S
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Category
from tests.local.operators import Operator

HEAD = "Entity ID,Header,Template ID,Template Name,Content,Type,Status\n"
OTP_ROW = "1101172974420810001,ACMEBK,1107,Sign in,{#numeric#} is your code,OTP,Approved\n"
COUNT = 1_010  # not a multiple of batches or pages
SENDER = {"header": "ACMEBK", "categories": ["transactional", "otp"], "pe_id": "1101172974420"}


def operator_of(**fields: object) -> Operator:
    return Operator().with_account(callback_hosts=("acme.in",), **fields)


# Senders and callbacks


def test_a_sender_is_added_and_listed() -> None:
    operator = operator_of()
    line = "sender add acme ACMEBK --categories transactional otp --pe-id 1101172974420 --json"
    assert operator(line).json() == {"added": "ACMEBK"}
    account = operator.store.account("acme")
    assert account is not None
    assert account.senders == {
        "ACMEBK": Sender(
            header="ACMEBK",
            categories=(Category.TRANSACTIONAL, Category.OTP),
            pe_id="1101172974420",
        )
    }
    assert operator("sender list acme --json").json() == [{**SENDER, "callback": ""}]


def test_adding_anew_replaces() -> None:
    operator = operator_of()
    operator("sender add acme ACMEBK --categories otp --pe-id 1101172974420")
    again = operator("sender add acme ACMEBK --categories promotional --json")
    assert again.json() == {"replaced": "ACMEBK"}
    (sender,) = operator("sender list acme --json").json()
    assert (sender["categories"], sender["pe_id"]) == (["promotional"], "")


def test_a_callback_is_listed_without_what_may_be_a_key() -> None:
    operator = operator_of()
    url = "https://hooks.acme.in/dlr?key=callback-key"
    assert operator(f"callback add acme main --url {url} --name Ours").out == "added  main\n"
    account = operator.store.account("acme")
    assert account is not None
    assert account.callbacks == {
        "main": CallbackEndpoint(id="main", name="Ours", url=url, retry_delays_s=RETRY_DELAYS_S)
    }
    assert operator("callback list acme").out.splitlines() == [
        "id    name  url                            format     has_token  signed",
        "main  Ours  https://hooks.acme.in/dlr?...  clevertap  no         no",
    ]


def test_a_callback_that_something_names_stays() -> None:
    operator = operator_of()
    operator("callback add acme main --url https://hooks.acme.in/dlr")
    operator("sender add acme ACMEBK --categories otp --callback main")
    refused = operator("callback remove --yes acme main")
    assert refused.status == 1
    assert "sender ACMEBK" in refused.err
    assert operator("sender remove --yes acme ACMEBK --json").json() == {"removed": "ACMEBK"}
    assert operator("callback remove --yes acme main --json").json() == {"removed": "main"}
    assert operator("callback list acme --json").json() == []


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("sender add gone ACMEBK --categories otp", 1, "there is no account gone"),
        ("sender add acme ACMEBK --categories sms", 2, "is not one of 'otp'"),
        ("sender add acme ACMEBK", 2, "--categories"),
        ("sender add acme ACMEBK --categories otp --pe-id 11x", 1, "harkara: --pe-id: 12 to 19"),
        ("sender add acme ACMEBK --categories otp --callback gone", 1, "callback"),
        ("sender remove --yes acme GONE", 1, "the account acme has no GONE"),
        ("callback add acme main --url http://hooks.acme.in/dlr", 1, "an https URL"),
        ("callback add acme main --url https://elsewhere.in/dlr", 1, "an https URL"),
        ("callback remove --yes acme gone", 1, "the account acme has no gone"),
        ("callback list gone", 1, "there is no account gone"),
        ("template remove --yes acme 1107", 1, "the account acme has no 1107"),
        ("template import acme gone.csv", 1, "gone.csv cannot be read"),
        ("template export acme gone/all.csv", 1, "gone/all.csv cannot be written"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    line: str, status: int, says: str
) -> None:
    operator = operator_of()
    before = dict(operator.table.items)
    done = operator(line)
    assert (done.status, done.out) == (status, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.table.items == before


# Templates


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


def test_a_header_that_a_phone_shows_is_taken_with_a_warning() -> None:
    done = operator_of()("sender add acme VM-ACMEFD-S --categories otp")
    assert done.status == 0
    assert "without what operators put around it" in done.out


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


# Short links


@pytest.mark.parametrize(
    ("site", "entries"),
    [
        ("hk.example/ACMEBK", [("", "https://hk.example/ACMEBK/")]),
        (
            "hk.example/{header}",
            [("ACMEBK", "https://hk.example/ACMEBK/"), ("ACMEFD", "https://hk.example/ACMEFD/")],
        ),
    ],
)
def test_the_entries_for_dlt_are_listed(site: str, entries: list[tuple[str, str]]) -> None:
    operator = operator_of(short_domain=site)
    for header in ("ACMEFD", "ACMEBK", "447700900123"):
        operator(f"sender add acme {header} --categories otp")
    rows = operator("link entries acme --json").json()
    assert [(row["header"], row["url"]) for row in rows] == entries


def test_an_account_without_a_short_domain_has_no_entries_for_dlt() -> None:
    done = operator_of()("link entries acme")
    assert (done.status, "--short-domain" in done.err) == (1, True)


# The audit


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


def test_an_answer_is_added_listed_and_removed() -> None:
    operator = operator_of(dlt="off")
    line = "answer add acme stop --header ACMEBK --category service_implicit --text Bye --json"
    assert operator(line).json() == {"added": "stop"}
    assert operator(line).json() == {"replaced": "stop"}
    (row,) = operator("answer list acme --json").json()
    expected = {"keyword": "stop", "header": "ACMEBK", "category": "service_implicit"}
    assert row == {**expected, "text": "Bye", "template_id": ""}
    assert operator("answer show acme stop --json").json() == row
    assert operator("answer show acme help --json").status == 1
    assert operator("answer remove --yes acme stop --json").json() == {"removed": "stop"}
    assert operator("answer list acme --json").json() == []
    refused = operator("answer add acme stop --header ACMEBK --category promotional --text Bye")
    assert refused.status == 1
    assert "one of transactional, service_implicit, government" in refused.err
