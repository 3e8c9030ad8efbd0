"""`harkara suppression`: an account's lists, one by one and from files."""

from pathlib import Path

import pytest

from harkara.aws.carriers import DynamoRoutingStore
from harkara.model.routing import Routing
from tests.local.operators import Operator

HEAD = "number,source,categories,preferences,since\n"
ROWS = (
    "+91 98765 43210,opt_out,promotional otp,,2026-01-01T08:00:00Z\n"
    "919876543211,dnd,,1 4,2026-01-01T08:00:00Z\n"
    "919876543212,,,,\n"
)


@pytest.fixture
def operator() -> Operator:
    return Operator().with_account()


def routing(operator: Operator) -> Routing:
    return DynamoRoutingStore(operator.client("dynamodb"), "Accounts").rules("acme").own


def test_a_number_is_added_checked_and_removed(operator: Operator) -> None:
    assert operator("suppression add acme +919876543210 --json").json() == {
        "suppressed": "919876543210",
        "source": "opt_out",
    }
    assert operator("suppression add acme 9876543210 --dnd 2 1").status == 0
    assert operator("suppression check acme 9876543210 --json").json() == [
        {
            "number": "919876543210",
            "source": "opt_out",
            "categories": "service_implicit service_explicit promotional",
            "since": "2026-01-01T09:00:00Z",
        },
        {
            "number": "919876543210",
            "source": "dnd",
            "preferences": "2 1",
            "since": "2026-01-01T09:00:00Z",
        },
    ]
    assert operator("suppression remove --yes acme 9876543210 --source dnd").status == 0
    assert len(operator("suppression check acme 9876543210 --json").json()) == 1
    assert operator("suppression remove --yes acme 9876543210").status == 0
    assert operator("suppression check acme 9876543210").status == 1
    assert operator("suppression remove --yes acme 9876543210").status == 1


def test_rows_are_read_from_standard_input(operator: Operator) -> None:
    done = operator("suppression import acme - --json", HEAD + ROWS).json()
    assert done == {"suppressed": 3, "changed_later": 0}


def test_a_file_goes_in_and_comes_out_again(operator: Operator, tmp_path: Path) -> None:
    given, written = tmp_path / "given.csv", tmp_path / "written.csv"
    given.write_text("\ufeff" + HEAD + ROWS, "utf-8")
    assert operator(f"suppression import acme {given} --json").json() == {
        "suppressed": 3,
        "changed_later": 0,
    }
    exported = operator(f"suppression export acme {written} --json").json()
    assert exported == {"exported": 3, "file": str(written)}
    again = Operator().with_account()
    assert again(f"suppression import acme {written}").status == 0
    for number in ("919876543210", "919876543211", "919876543212"):
        line = f"suppression check acme {number} --json"
        assert again(line).json() == operator(line).json()


def test_rows_that_are_wrong_are_told_and_the_others_go_in(
    operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "given.csv"
    file.write_text(HEAD + "12,,,,\n9876543210,dnd,,9,\n9876543211,dnd,,x,\n" + ROWS, "utf-8")
    done = operator(f"suppression import acme {file} --json")
    assert done.status == 1
    assert '"suppressed":3' in done.out.replace(" ", "")
    assert [done.out.count(each) for each in ("number:", "preferences:")] == [1, 2]
    assert operator("suppression check acme 919876543212").status == 0


@pytest.mark.parametrize(
    "content", [pytest.param("msisdn\n1\n", id="columns"), pytest.param("", id="empty")]
)
def test_a_file_of_another_kind_is_refused(
    content: str, operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "given.csv"
    file.write_text(content, "utf-8")
    done = operator(f"suppression import acme {file}")
    assert (done.status, "the first line of" in done.err) == (1, True)
    assert operator(f"suppression import acme {tmp_path / 'none.csv'}").status == 1


def test_a_row_that_is_older_than_a_removal_stays_out(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "given.csv"
    file.write_text(HEAD + ROWS, "utf-8")
    operator(f"suppression import acme {file}")
    operator("suppression remove --yes acme 9876543210")
    answer = operator(f"suppression import acme {file} --json").json()
    assert answer == {"suppressed": 2, "changed_later": 1}
    assert operator("suppression check acme 9876543210").status == 1


def test_lists_are_turned_on_and_off_beside_what_else_routing_says(operator: Operator) -> None:
    assert routing(operator) == Routing()
    assert operator("suppression set acme --on --promotion 3 --json").json() == {
        "account": "acme",
        "suppression": True,
        "promotion": 3,
    }
    assert routing(operator) == Routing(suppression=True, promotion=3)
    assert operator("suppression set acme --off").status == 0
    assert routing(operator) == Routing(promotion=3)
    assert operator("suppression set acme").status == 2
    assert operator("suppression set acme --promotion 9").status == 2
    assert operator("suppression set other --on").status == 1


def test_numbers_that_phones_send_to_are_given_to_accounts(operator: Operator) -> None:
    words = ["carrier", "put", "sim", "--inbound", "56161=acme", "77000 OFFERS=acme"]
    assert operator.run(words).status == 0
    carrier = operator.store.carrier("sim")
    assert carrier is not None
    assert carrier.inbound == {"56161": "acme", "77000 OFFERS": "acme"}
    assert operator.run([*words[:4], "56161"]).status == 2
    assert operator.run(["account", "set", "acme", "--stop-words", "band karo"]).status == 0
    account = operator.store.account("acme")
    assert account is not None
    assert account.stop_words == ("band karo",)
