"""The operator finds messages of all accounts, and counts them."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli.deployment import author
from harkara.aws.activity import DynamoActivityStore
from harkara.aws.messages import DynamoMessageStore
from harkara.base.ids import new_batch_id
from harkara.base.time import DAY_S
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease, feedback_kind, final_kind
from harkara.model.messages import Category, Message, MessageBatch, pack
from harkara.wiring.activity import wire
from tests.local.operators import NOW, PEPPER, Operator
from tests.support.ports import FakeFailedRecords
from tests.support.streams import Stream
from tests.support.tables import Table
from tests.unit.scripted_aws import Refusal

COUNTS = {"acme": 120, "other": 3}


@pytest.fixture(scope="module")
def operator() -> Operator:
    return with_messages()


def with_messages() -> Operator:
    """Return accounts with messages to numbers in order, of which the first was delivered."""
    operator = Operator().with_account()
    operator.store.put_account(Account(id="other", name="Other", carrier="sim"))
    client = operator.client("dynamodb")
    messages = DynamoMessageStore(client, "Messages", 7 * DAY_S, operator.clock)
    for account, count in COUNTS.items():
        batch = MessageBatch(
            id=new_batch_id(NOW * 1000, account.encode().ljust(10)),
            account_id=account,
            carrier="sim",
            category=Category.OTP,
            accepted_at_ms=NOW * 1000,
            block_size=100,
            endpoints=(),
            messages=[
                Message(f"9198765{at:05d}", "ACMEBK", "Hello", f"ref{at}", None, 1)
                for at in range(count)
            ],
            prices=(250_000,) * count,
        )
        messages.put_batch(batch.id, pack(batch), batch.due_at_ms)
        lease = Lease("task", "worker", 0)
        ended: dict[str, Any] = {"state": "delivered", "code": "", "carrier_code": "", "at": NOW}
        ended["of"] = facts_of(batch, 0, "sim")
        told = {"verified": True, "at": NOW * 1000, "of": facts_of(batch, 0)}
        messages.put_if_absent(
            [
                lease.entry(batch.id, final_kind(0), **ended),
                lease.entry(batch.id, feedback_kind(0), **told),
            ]
        )
    store = DynamoActivityStore(client, "Activity", 7 * DAY_S, operator.clock)
    service = wire(
        store=store,
        failed=FakeFailedRecords(),
        pepper=PEPPER,
        clock=operator.clock,
        emit=lambda _: None,
    )
    service.count("shard", Stream(operator.messages, operator.clock).poll())
    operator.clock.now_s += 1
    return operator


@pytest.mark.parametrize(
    ("options", "accounts"),
    [
        ("--number 9876500002", ["acme", "other"]),
        ("--client-ref ref100", ["acme"]),
        ("--state delivered", ["acme", "other"]),
        ("--sender NOBODY", []),
        ("--account other", ["other"] * 3),
        ("--limit 110 --account acme", ["acme"] * 110),
        ("--from 2026-01-01 --to 2026-01-01 --client-ref ref0", ["acme", "other"]),
        ("--from 2025-12-31 --to 2025-12-31", []),
    ],
)
def test_messages_are_found_by_filters(
    options: str, accounts: list[str], operator: Operator
) -> None:
    found = operator(f"message find {options} --json").json()
    assert [each["account"] for each in found] == accounts
    assert operator(f"message find {options}").status == 0


def test_prices_of_several_currencies_are_never_added(operator: Operator) -> None:
    assert operator("account set other --currency USD").status == 0
    rows = operator("stats --by sender --json").json()
    assert [(row["currency"], row["accepted"], row["price"]) for row in rows] == [
        ("", 120, "30"),
        ("USD", 3, "0.75"),
    ]
    assert "USD" in operator("stats").out
    assert operator("account set other --currency=").status == 0
    (row,) = operator("stats --by sender --json").json()
    assert ("currency" in row, row["price"]) == (False, "30.75")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--number 123", "Send a mobile number with its country code"),
        ("--from 2026-01-01 --to 2026-03-01", "at most 31 days"),
        ("--from yesterday", "a time with its offset"),
        ("--state gone", "state"),
        ("--account nobody", "there is no account nobody"),
    ],
)
def test_a_wrong_search_says_what_to_do(options: str, words: str, operator: Operator) -> None:
    done = operator(f"message find {options}")
    assert done.status == 1
    assert words in done.err


def test_messages_are_counted_by_account_and_by_what_they_have_in_common(
    operator: Operator,
) -> None:
    rows = operator("stats --json").json()
    assert [(row["account"], row["accepted"], row["price"]) for row in rows] == [
        ("acme", 120, "30"),
        ("other", 3, "0.75"),
    ]
    (row,) = operator("stats --by sender --json").json()
    assert (row["sender"], row["accepted"], row["delivered"]) == ("ACMEBK", 123, 2)
    (row,) = operator("stats --by state --account other --json").json()
    assert row == {"state": "delivered", "messages": 1, "segments": 1, "price": "0.25"}
    (row,) = operator("stats --by series --json").json()
    assert (row["series"], row["accepted"], row["delivered"]) == ("Airtel", 123, 2)
    assert (row["otp_p50_s"], row["otp_p95_s"]) == (0.5, 0.9)
    table = operator("stats --by series").out
    assert "otp_p95_s" in table
    assert "bots" not in table
    (row,) = operator("stats --by prefix --json").json()
    counted = {"accepted": 123, "verified": 2, "unverified": 0, "verified_percent": 2}
    assert row == {"prefix": "+9198", **counted}
    assert operator("stats --by colour").status == 2
    assert "ACMEBK" in operator("stats --by sender").out


def test_a_report_crosses_day_sender_category_country_and_state(operator: Operator) -> None:
    rows = operator("stats --by report --json").json()
    names = {"day": "2026-01-01", "sender": "ACMEBK", "category": "otp", "country": "IN"}
    price = {"currency": None, "messages": 1, "segments": 1, "price": "0.25"}
    assert [(row["account"], row["state"], row["messages"], row["price"]) for row in rows] == [
        ("acme", "delivered", 1, "0.25"),
        ("acme", "pending", 119, "29.75"),
        ("other", "delivered", 1, "0.25"),
        ("other", "pending", 2, "0.5"),
    ]
    (row,) = operator("stats --by report --account acme --state delivered --json").json()
    assert row == {"account": "acme", **names, "state": "delivered", **price}
    assert operator("stats --by report --sender NOBODY --json").json() == []
    assert "ACMEBK" in operator("stats --by report").out
    done = operator("stats --by sender --country IN")
    assert (done.status, "there are from, to, by" in done.err) == (1, True)


def test_a_person_is_erased_from_all_accounts_or_one() -> None:
    operator = with_messages()
    found = operator("erase 9876500000 --dry-run --json").json()
    erased = {"messages": 1, "index_entries": 1}
    assert found == [{"account": account, **erased} for account in COUNTS]
    assert len(operator("message find --number 9876500000 --json").json()) == 2
    assert "--yes" in operator("erase 9876500000").err
    done = operator("erase 9876500000 --yes --account other --json").json()
    assert done == found[1:]
    assert operator("erase 9876500000 --yes --json").json() == found[:1]
    assert operator("message find --number 9876500000 --json").json() == []
    (message, _) = operator("message find --client-ref ref0 --json").json()
    assert (message["erased"], message["to"], message["state"]) == (True, "", "delivered")
    shown = operator(f"message show {message['mid']} --json").json()
    assert (shown["erased"], shown["to"], shown["country"]) == (True, "", "IN")
    for account in COUNTS:
        (entry,) = operator(f"user audit {account} --json").json()
        assert (entry["who"], entry["action"]) == (author(), "person.erase")
        assert "messages 1" in entry["subject"]


def test_messages_under_way_are_cancelled_for_as_long_as_messages_are_kept() -> None:
    operator = with_messages()
    (done,) = operator("erase 9876500002 --yes --account other --json").json()
    assert done == {"account": "other", "cancelled": 1, "messages": 1, "index_entries": 1}
    ((key, cancel),) = [
        each for each in operator.messages.items.items() if each[0][0].startswith("cancels#")
    ]
    assert key[1] == "cancel#0002"
    assert int(cancel["ttl"]["N"]) >= NOW + 30 * DAY_S


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ("123 --yes", 1, "a mobile number with its country code"),
        ("9876500000 --yes --account nobody", 1, "there is no account nobody"),
    ],
)
def test_a_wrong_erasure_says_what_to_do(
    options: str, status: int, words: str, operator: Operator
) -> None:
    done = operator(f"erase {options}")
    assert done.status == status
    assert words in done.err


def exported(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ("", COUNTS),
        ("--account other", {"other": 3}),
        ("--number 9876500002", {"acme": 1, "other": 1}),
        ("--state delivered --sender ACMEBK", {"acme": 1, "other": 1}),
        ("--from 2025-12-31 --to 2025-12-31", {}),
    ],
)
def test_messages_of_all_accounts_are_exported(
    options: str, counts: dict[str, int], operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "messages.csv"
    done = operator(f"export {file} {options} --json")
    assert (done.status, done.json()) == (
        0,
        {"file": str(file), "messages": sum(counts.values())},
    )
    rows = exported(file.read_bytes().decode())
    assert Counter(row["account"] for row in rows) == counts
    assert list(tmp_path.iterdir()) == [file]
    # Standard output has the same, and nothing else.
    done = operator(f"export - {options}")
    assert (done.status, exported(done.out), done.err) == (0, rows, "")
    found = operator(f"message find --limit 1000 {options} --json").json()
    assert [(row["account"], row["mid"]) for row in rows] == [
        (each["account"], each["mid"]) for each in found
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("export /nowhere/messages.csv", "cannot be written"),
        ("export - --state gone", "state"),
        ("export - --from 2026-01-01 --to 2026-03-01", "31 days"),
        ("export - --number 123", "mobile number"),
        ("export - --account nobody", "there is no account nobody"),
    ],
)
def test_an_export_that_cannot_be_made_says_why_and_writes_nothing(
    line: str, words: str, operator: Operator
) -> None:
    done = operator(line)
    assert done.status == 1
    assert words in done.err
    assert done.out == ""


def test_a_file_stays_as_it_was_where_an_export_fails(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    file.write_text("before")
    answers = operator.activity.__class__.__call__

    def busy(table: Table, operation: str, params: dict[str, Any]) -> Any:
        if table is operator.activity and operation == "Query":
            return Refusal("ProvisionedThroughputExceededException")
        return answers(table, operation, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "__call__", busy)
        assert operator(f"export {file}").status == 1
    assert (file.read_text(), list(tmp_path.iterdir())) == ("before", [file])


def test_a_carrier_that_delivers_to_dead_numbers_is_doubted() -> None:
    operator = with_messages().with_carrier()
    (carrier,) = operator("status --json").json()["carriers"]
    assert carrier["doubts"] == []
    operator("account set other --dead-numbers")
    (carrier,) = operator("status --json").json()["carriers"]
    assert carrier["doubts"] == ["delivers_to_dead_numbers"]
    assert "delivers_to_dead_numbers" in operator("status").out
