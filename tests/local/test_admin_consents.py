"""`harkara consent`: an account's consents, one by one and from files."""

from pathlib import Path

import pytest

from tests.local.operators import Operator

HEAD = "number,header,source,purpose,since\n"
ROWS = (
    '+91 98765 43210,ACMEFD,dca,"Offers, and more",2026-01-01T08:00:00Z\n'
    "919876543211,ACMEFD,direct,,2026-01-01T08:00:00Z\n"
    "919876543211,ACMEBK,,,\n"
)


@pytest.fixture
def operator() -> Operator:
    return Operator().with_account()


def test_a_consent_is_added_checked_and_removed(operator: Operator) -> None:
    words = ["consent", "add", "acme", "+919876543210", "ACMEFD", "--purpose", "New offers"]
    assert operator.run([*words, "--since", "2026-01-01T08:00:00Z"]).status == 0
    assert operator("consent check acme 9876543210 --json").json() == [
        {
            "number": "919876543210",
            "header": "ACMEFD",
            "source": "dca",
            "purpose": "New offers",
            "since": "2026-01-01T08:00:00Z",
        }
    ]
    assert operator("consent remove acme 9876543210 OTHERS --yes").status == 1
    assert operator("consent remove acme 9876543210 ACMEFD --yes").status == 0
    assert operator("consent check acme 9876543210").status == 1
    assert operator("consent add acme 9876543210 ACMEFD --since 2999-01-01T00:00:00Z").status == 1
    audited = [key for key in operator.table.items if key[0].startswith("audit#")]
    assert len(audited) == 3


def test_a_file_goes_in_and_comes_out_again(operator: Operator, tmp_path: Path) -> None:
    given, written = tmp_path / "given.csv", tmp_path / "written.csv"
    given.write_text("\ufeff" + HEAD + ROWS, "utf-8")
    answer = {"recorded": 3, "changed_later": 0}
    assert operator(f"consent import acme {given} --json").json() == answer
    exported = operator(f"consent export acme {written} --json").json()
    assert exported == {"exported": 3, "file": str(written)}
    again = Operator().with_account()
    assert again(f"consent import acme {written} --json").json() == answer
    for number in ("919876543210", "919876543211"):
        line = f"consent check acme {number} --json"
        assert again(line).json() == operator(line).json()
    assert operator(f"consent export acme {tmp_path}").status == 1


def test_a_cell_of_an_exported_file_is_no_formula(operator: Operator, tmp_path: Path) -> None:
    given, written = tmp_path / "given.csv", tmp_path / "written.csv"
    given.write_text(HEAD + '919876543210,ACMEFD,,"=HYPERLINK(""http://evil.example"")",\n')
    operator(f"consent import acme {given}")
    operator(f"consent export acme {written}")
    assert "'=HYPERLINK" in written.read_text("utf-8-sig")
    again = Operator().with_account()
    again(f"consent import acme {written}")
    (row,) = again("consent check acme 9876543210 --json").json()
    assert row["purpose"] == '=HYPERLINK("http://evil.example")'


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("12,ACMEFD,,,", id="number"),
        pytest.param("9876543210,,,,", id="no header"),
        pytest.param("9876543210,ACMEFD,x,,", id="source"),
        pytest.param('9876543210,ACMEFD,,"a\nb",', id="lines in a cell"),
        pytest.param("9876543210,ACMEFD,,,2999-01-01T00:00:00Z", id="to come"),
        pytest.param("9876543210,ACMEFD,,,01/02/2026", id="another time"),
        pytest.param("9876543210,ACMEFD,,\x00,", id="a control character"),
    ],
)
def test_a_row_that_is_wrong_is_told_and_the_others_go_in(
    row: str, operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "given.csv"
    file.write_text(f"{HEAD}{row}\n{ROWS}", "utf-8")
    done = operator(f"consent import acme {file} --json")
    assert done.status == 1
    assert '"recorded": 3' in done.out
    assert '"row": 2' in done.out
    assert "9876543210" not in done.out


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"msisdn,header\n1,ACMEFD\n", id="columns"),
        pytest.param(HEAD.encode() + b"\xff\xfe", id="no UTF-8"),
        pytest.param(HEAD.encode() + b'1,"' + b"x" * 200_000 + b'"\n', id="a huge cell"),
        pytest.param(HEAD.encode() + b'1,"x"y\n', id="quotes within"),
        pytest.param(b"PK\x03\x04\x00", id="a workbook"),
    ],
)
@pytest.mark.parametrize("noun", ["consent", "suppression"])
def test_a_file_of_another_kind_is_refused(
    noun: str, content: bytes, operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "given.csv"
    file.write_bytes(content)
    done = operator(f"{noun} import acme {file}")
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert operator(f"{noun} import acme {tmp_path / 'none.csv'}").status == 1
