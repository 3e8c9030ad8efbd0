"""`harkara sender`, `callback`, `answer` and `link`: the resources of an account."""

import pytest

from harkara.callbacks.formats.clevertap import RETRY_DELAYS_S
from harkara.model.accounts import Sender
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Category
from tests.local.operators import operator_of

SENDER = {"header": "ACMEBK", "categories": ["transactional", "otp"], "pe_id": "1101172974420"}


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


def test_a_header_that_a_phone_shows_is_taken_with_a_warning() -> None:
    done = operator_of()("sender add acme VM-ACMEFD-S --categories otp")
    assert done.status == 0
    assert "without what operators put around it" in done.out


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
