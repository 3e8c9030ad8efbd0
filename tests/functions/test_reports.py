"""Reports by day, sender, category, country and state, beside the messages that are listed."""

import base64
import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record
from harkara.activity.counting import CounterKey, hour_text
from harkara.activity.names import NAMES_LIMIT
from harkara.activity.reports import AMOUNTS, NAMES
from harkara.activity.store import Position
from harkara.base.codes import Code
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease, final_kind
from harkara.model.messages import Category, State, unpack
from harkara.model.rates import Rate
from tests.functions.handlers import SANDBOX
from tests.functions.invoking import NOW, SECRET
from tests.functions.listing import OTHER, Lists
from tests.functions.managing import request
from tests.functions.visiting_console import signed_in, visit

PRICES = {"IN": Decimal("0.1225"), "GB": Decimal("3.5"), "US": Decimal(0), "": Decimal(0)}
RATES = (Rate(prefix="91", price=PRICES["IN"]), Rate(prefix="44", price=PRICES["GB"]))
FIELDS = {"countries": ("*",), "rates": RATES, "currency": "INR"}
ACCOUNTS = [each.model_copy(update=FIELDS) for each in (SANDBOX, OTHER)]
DAYS = {"from": "2025-12-02", "to": "2026-01-01"}
LEASE = Lease("task", "worker", 0)
Row = Mapping[str, Any]


class Sent(NamedTuple):
    """A message; a state of "" is none."""

    account: Account = ACCOUNTS[0]
    hours_ago: int = 0
    to: str = "919876500001"
    sender: str = "ACMEBK"
    category: Category = Category.SERVICE_IMPLICIT
    text: str = "Hello"
    state: str = ""


messages = st.builds(
    Sent,
    account=st.sampled_from(ACCOUNTS),
    hours_ago=st.integers(0, 48),
    to=st.sampled_from(["919876500001", "919876500002", "447400123456", "16502530000", "12"]),
    sender=st.sampled_from(["ACMEBK", "ACMEFD", "other", "", "a|b:c"]),
    category=st.sampled_from(Category),
    text=st.sampled_from(["Hello", "x" * 161]),
    state=st.sampled_from(["", *State]),
)


def lists_of(sent: Sequence[Sent]) -> Lists:
    """Return two accounts that sent messages, each in a request of its own, all counted."""
    lists = Lists()
    lists.accounts.accounts |= {each.id: each for each in ACCOUNTS}
    for each in sent:
        lists.now = NOW - each.hours_ago * 3600
        known = {*lists.store.packed}
        options = Options(category=each.category)
        record = Record(each.to, each.sender, each.text, "ref", options=options)
        # A request of refused records alone is none.
        good = record._replace(to="919876500001", sender_id="ACMEBK")
        lists.send(each.account, record, *([good] if is_refused(each) else []))
        end(lists, {*lists.store.packed} - known, each.state)
    lists.now = NOW + 1
    lists.settle()
    return lists


def is_refused(sent: Sent) -> bool:
    return sent.to == "12" or sent.sender not in ("ACMEBK", "ACMEFD")


def end(lists: Lists, batch_ids: set[str], state: str) -> None:
    for batch in (unpack(each, lists.store.packed[each]) for each in batch_ids if state):
        if not batch.messages[0].refusal:
            data = {"state": state, "code": "", "at": int(lists.now)}
            of = facts_of(batch, 0, "sim")
            lists.store.put_if_absent([LEASE.entry(batch.id, final_kind(0), **data, of=of)])


def by_hand(listed: Sequence[Row]) -> dict[tuple[str, ...], list[Any]]:
    """Count messages as a list has them; their numbers by day and all else."""
    found: dict[tuple[str, ...], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
    for each in listed:
        at = datetime.fromisoformat(each["accepted_at"].replace("Z", "+00:00"))
        day = (at + timedelta(hours=5, minutes=30)).date().isoformat()
        names = (day, each["sender"], each["category"], each["country"], each["state"])
        amounts = (1, each["segments"], each["segments"] * PRICES[each["country"]])
        found[names] = [a + b for a, b in zip(found[names], amounts, strict=True)]
    return dict(found)


def numbers(rows: Sequence[Row]) -> dict[tuple[str, ...], list[Any]]:
    return {
        tuple(row[name] for name in NAMES): [
            int(row["messages"]),
            int(row["segments"]),
            Decimal(row["price"] or 0),
        ]
        for row in rows
    }


def read_csv(lists: Lists, account: str = "sandbox", **query: str) -> list[dict[str, str]]:
    headers = {"accept": "text/csv", "accept_encoding": "gzip"}
    key = f"{account}.{SECRET}"
    event = request("GET", "/v1/reports", key=key, query={**DAYS, **query}, **headers)
    answer = lists.call("manage", event)
    assert answer["statusCode"] == 200, answer
    assert answer["headers"]["Content-Type"] == "text/csv; charset=utf-8"
    text = gzip.decompress(base64.b64decode(answer["body"])).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


@settings(max_examples=25, deadline=None)
@given(sent=st.lists(messages, min_size=1, max_size=8))
def test_a_report_has_what_is_listed_and_adds_up_to_the_other_counters(sent: list[Sent]) -> None:
    lists = lists_of(sent)
    for account in ("sandbox", "other"):
        listed = lists.all(account, limit="100", **DAYS)
        status, report = lists.get("/v1/reports", account, **DAYS)
        assert status == 200
        assert numbers(report["rows"]) == by_hand(listed)
        assert report["rows"] == sorted(report["rows"], key=lambda row: [row[n] for n in NAMES[:4]])
        _, stats = lists.get("/v1/stats", account, **DAYS)
        totals, of = stats["totals"], Counter[str]()
        for row in report["rows"]:
            of[row["state"]] += row["messages"]
            of[f"segments:{row['state']}"] += row["segments"]
        expected = {state: totals[state] for state in (*State, "refused") if totals[state]}
        assert {state: of[state] for state in expected} == expected
        assert of.total() - sum(of[name] for name in of if ":" in name) == (
            totals["accepted"] + totals["refused"]
        )
        assert {s: of[f"segments:{s}"] for s in totals["segments_by_state"]} == (
            totals["segments_by_state"]
        )
        sums = {"segments": totals["segments"], "price": totals["price"]}
        assert report["totals"] == {"messages": len(listed), **sums}
        assert (report["currency"], report["as_of"]) == ("INR", stats["as_of"])


def test_the_file_has_the_rows_without_formulas() -> None:
    lists = lists_of([Sent(state="delivered"), Sent(to="12", hours_ago=24), Sent(ACCOUNTS[1])])
    names = ("=1+1", 'a,"b|:', "+44")
    hour = CounterKey("account#sandbox", f"names#{hour_text(int(NOW * 1000))}")
    counts = Counter({f"crossed:otp|IN|{name}:failed": 7 for name in names})
    store = lists.ports.activity
    assert store.count("more", store.watermark("more"), Position(0, 0), {hour: counts}, [])
    rows = read_csv(lists)
    assert list(rows[0]) == [*NAMES, *AMOUNTS, "currency"]
    _, report = lists.get("/v1/reports", **DAYS)
    expected = numbers(report["rows"])
    assert {*names} < {key[1] for key in expected}
    assert numbers(rows) == {
        (day, f"'{name}" if name[:1] in ("=", "+") else name, *more): amounts
        for (day, name, *more), amounts in expected.items()
    }
    assert {row["currency"] for row in rows} == {"INR"}
    console = signed_in(lists, "viewer")
    page = visit(lists, "GET", "/console/reports/file", cookie=console, query=DAYS)
    assert list(csv.DictReader(page["body"].removeprefix("\ufeff").splitlines())) == rows


ALL = [
    Sent(),
    Sent(hours_ago=24, to="447400123456", state="delivered"),
    Sent(sender="ACMEFD", category=Category.OTP, state="failed"),
    Sent(sender="ACMEFD", to="12"),
    Sent(to="16502530000", state="unknown"),
]


@pytest.fixture(scope="module")
def lists() -> Lists:
    return lists_of([*ALL, Sent(ACCOUNTS[1], sender="THEIRS")])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 5),
        ({"sender": "ACMEFD"}, 1),
        ({"category": "otp"}, 1),
        ({"country": "IN"}, 2),
        ({"state": "pending"}, 1),
        ({"state": "refused"}, 1),
        ({"state": "unknown", "country": "US", "sender": "ACMEBK"}, 1),
        ({"sender": "THEIRS"}, 0),
        ({"country": "in"}, 0),
        ({"from": "2026-01-01"}, 4),
        ({"to": "2025-12-31"}, 1),
    ],
)
def test_filters_leave_the_rows_that_fit(query: dict[str, str], count: int, lists: Lists) -> None:
    _, whole = lists.get("/v1/reports", **DAYS)
    status, report = lists.get("/v1/reports", **{**DAYS, **query})
    assert status == 200
    own = {name: value for name, value in query.items() if name in NAMES}
    rows = [row for row in whole["rows"] if all(row[name] == own[name] for name in own)]
    days = [query.get("from", ""), query.get("to", "9")]
    assert report["rows"] == [row for row in rows if days[0] <= row["day"] <= days[1]]
    assert report["totals"]["messages"] == sum(row["messages"] for row in report["rows"])
    assert len(report["rows"]) == count


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"by": "sender"}, Code.UNKNOWN_FILTER),
        ({"state": "accepted"}, Code.UNKNOWN_FILTER),
        ({"category": "news"}, Code.UNKNOWN_FILTER),
        ({"from": "2025-01-01"}, Code.RANGE_TOO_LONG),
        ({"from": "yesterday"}, Code.INVALID_REQUEST),
        ({"sender": "x" * 600}, Code.INVALID_REQUEST),
    ],
)
def test_a_wrong_query_has_a_code(query: dict[str, str], code: Code, lists: Lists) -> None:
    status, answer = lists.get("/v1/reports", **{**DAYS, **query})
    assert (status, answer["Error"]) == (400, code)


def test_surplus_combinations_keep_their_category() -> None:
    names = [f"S{number:03d}" for number in range(NAMES_LIMIT + 20)]
    lists = Lists()
    for category in (Category.SERVICE_IMPLICIT, Category.PROMOTIONAL):
        options = Options(category=category)
        for at in range(0, len(names), 40):
            some = names[at : at + 40]
            records = [Record("919876500001", each, each, each, options=options) for each in some]
            lists.send(SANDBOX, *records)
            lists.settle()
    _, report = lists.get("/v1/reports")
    by_category = Counter[str]()
    for row in report["rows"]:
        by_category[row["category"]] += row["messages"]
    assert by_category == {"service_implicit": len(names), "promotional": len(names)}
    surplus = [row for row in report["rows"] if row["sender"] == "other"]
    assert [row["country"] for row in surplus] == ["other"] * 2
    assert len(report["rows"]) == NAMES_LIMIT + len(surplus)


def test_a_report_too_large_for_json_is_had_as_a_file(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, report = lists.get("/v1/reports", **DAYS)
    monkeypatch.setattr("harkara.api.stats_routes.ANSWER_LIMIT_BYTES", 500)
    status, answer = lists.get("/v1/reports", **DAYS)
    assert (status, answer["Error"]) == (400, Code.RANGE_TOO_LONG)
    assert "text/csv" in answer["message"]
    assert len(read_csv(lists)) == len(report["rows"])
