"""`harkara carrier`: the functions read the operator's settings of carriers."""

import getpass
import io
from pathlib import Path

import pytest

from harkara.carriers.settings import token_matches
from tests.local.operators import API_URL, CARRIER, OUTPUTS, Operator

PUT = "carrier put sim --url https://carrier.example/datasend --username harkara"


def test_a_carrier_is_put_with_its_secret_encrypted() -> None:
    operator = Operator()
    answer = operator(f"{PUT} --secret-file - --timeout 5 --json", "pass word\n").json()
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.secret == b"sim:drow ssap"
    assert (carrier.url, carrier.username) == ("https://carrier.example/datasend", "harkara")
    assert carrier.timeout_s == 5
    base, _, token = answer["receipt_url"].rpartition("/")
    assert base == f"{API_URL}/receipts/sim"
    assert token_matches(token, carrier.receipt_token_hashes)


def test_a_carrier_posts_past_the_api_where_the_stack_has_a_url_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "https://abcdefghij.lambda-url.ap-south-1.on.aws/"
    monkeypatch.setitem(OUTPUTS, "ReceiptsUrl", url)
    answer = Operator()(f"{PUT} --secret-file - --json", "pass word\n").json()
    assert answer["receipt_url"].rpartition("/")[0] == f"{url}receipts/sim"


class Terminal(io.StringIO):
    """Standard input where a person types."""

    def isatty(self) -> bool:
        return True


def test_a_person_types_the_secret_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "typed")
    operator = Operator()
    assert operator.run([*PUT.split(), "--secret-file", "-"], Terminal("seen")).status == 0
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.secret == b"sim:depyt"


def test_what_is_not_given_of_a_carrier_stays() -> None:
    operator = Operator().with_carrier()
    assert operator("carrier put sim --connections 7 --json").json() == {"carrier": "sim"}
    assert operator.store.carrier("sim") == CARRIER.model_copy(update={"connections": 7})


def test_a_carriers_secret_is_replaced_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("another\r\n")
    operator = Operator().with_carrier()
    assert operator(f"carrier put sim --secret-file {tmp_path}/secret").status == 0
    assert operator.store.carrier("sim") == CARRIER.model_copy(update={"secret": b"sim:rehtona"})


def test_a_carriers_receipts_get_another_url() -> None:
    operator = Operator().with_carrier()
    answer = operator("carrier put sim --new-receipt-url --json").json()
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert token_matches(answer["receipt_url"].rpartition("/")[2], carrier.receipt_token_hashes)


def test_a_carriers_receipts_are_signed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key\n")
    operator = Operator().with_carrier()
    line = f"--receipt-signature-header x-signature --receipt-secret-file {tmp_path}/key"
    assert operator(f"carrier put sim {line}").status == 0
    signed = {"receipt_signature_header": "x-signature", "receipt_secret": b"sim:yek"}
    assert operator.store.carrier("sim") == CARRIER.model_copy(update=signed)
    (row,) = operator("carrier list --json").json()
    assert "receipt_secret" not in row
    assert operator("carrier put sim --receipt-signature-header=").status == 0
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.receipt_signature_header == ""


@pytest.mark.parametrize(
    ("line", "stdin", "status", "says"),
    [
        ("carrier put new", "", 2, "it takes --url, --username, --secret-file"),
        (f"{PUT} --secret-file -", "\n", 1, "the secret is empty"),
        (f"{PUT} --secret-file gone", "", 1, "gone cannot be read"),
        (f"{PUT} --secret-file - --url http://carrier.example/", "x", 2, "must be https"),
        (f"{PUT} --secret-file - --url https://[", "x", 2, "--url is no URL"),
        (f"{PUT} --secret-file - --url https://me:pw@carrier.example/", "x", 2, "--username"),
        (
            f"{PUT} --secret-file - --receipt-signature-header x",
            "x",
            2,
            "-secret-file: a signature",
        ),
        (f"{PUT} --secret-file - --timeout 31", "x", 2, "--timeout: Input should be less"),
    ],
    ids=["nothing", "empty", "no file", "http", "no URL", "user in URL", "unsigned", "too long"],
)
def test_a_carrier_that_cannot_be_put_says_why(
    line: str, stdin: str, status: int, says: str
) -> None:
    operator = Operator()
    done = operator(line, stdin)
    assert (done.status, done.out) == (status, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.table.items == {}


def test_carriers_are_listed_without_their_secrets() -> None:
    operator = Operator().with_carrier()
    (row,) = operator("carrier list --json").json()
    assert (row["carrier"], row["url"], row["connections"]) == ("sim", CARRIER.url, 64)
    assert not row.keys() & {"secret", "receipt_token_hashes"}
