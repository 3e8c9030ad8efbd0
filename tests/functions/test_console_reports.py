"""Reports of the console: each day's messages by one thing that they share, as in the API."""

import csv
import re
from collections import Counter
from itertools import groupby
from typing import get_args
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.screens.reports import COLUMNS, ROWS_SHOWN
from harkara.activity.counting import CounterKey, hour_text
from harkara.activity.filters import DailyBy, StatsQuery, query_of
from harkara.activity.reports import AMOUNTS, NAMES
from harkara.activity.store import Position
from harkara.base.time import DAY_S
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.invoking import NOW
from tests.functions.test_console_activity import OTHER, count, record, send
from tests.functions.test_console_today import end, take
from tests.functions.visiting_console import signed_in, visit

PATH = "/console/reports"
Rows = list[dict[str, str]]
BY = get_args(DailyBy)
# The names of a message of `record`, to a number of India, without a campaign.
SHARED = {
    "sender": "ACMEBK",
    "category": "service_implicit",
    "country": "IN",
    "template": "",
    "campaign": "=1+1",
    "carrier": "sim",
}


@pytest.fixture
def viewer(gateway: Gateway) -> str:
    gateway.accounts.accounts["other"] = OTHER
    return signed_in(gateway, "viewer")


def read_file(gateway: Gateway, cookie: str, **query: str) -> Rows:
    answer = visit(gateway, "GET", f"{PATH}/file", cookie=cookie, query=query)
    assert answer["statusCode"] == 200, answer["body"]
    assert answer["headers"]["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["body"].startswith("\ufeff")
    return list(csv.DictReader(answer["body"][1:].splitlines()))


def put_names(gateway: Gateway, campaigns: int) -> None:
    """Count one accepted message of each of many campaigns, in hours before now."""
    store = gateway.ports.activity
    for at in range(0, campaigns, 100):
        hour = hour_text(int((gateway.now - at // 100 * 3600) * 1000))
        of_hour = Counter({f"campaign:c{at + n}:accepted": 1 for n in range(100)})
        counts = {CounterKey("account#sandbox", f"names#{hour}"): of_hour}
        assert store.count("names", store.watermark("names"), Position(at, 0), counts, [])


@pytest.mark.parametrize("by", BY)
def test_each_day_has_a_row_for_each_name(by: str, gateway: Gateway, viewer: str) -> None:
    for ago, ends in ((1, 2), (0, 1)):
        gateway.now = NOW - ago * DAY_S
        records = [record(each, campaign="=1+1") for each in range(3)]
        mids = send(gateway, SANDBOX, *records, record(4, to="12", campaign="=1+1"))
        send(gateway, OTHER, *records)
        take(gateway, mids[:3])
        end(gateway, mids[:ends], "delivered")
        end(gateway, mids[ends:3], "failed", "DND")
    count(gateway)
    found = read_file(gateway, viewer, by=by)
    rows = [row for row in found if row["delivered"] != "0"]
    name = SHARED[by]
    assert [(row["day"], row[by], row["delivered"], row["failed"]) for row in rows] == [
        ("2025-12-31", "'=1+1" if name == "=1+1" else name, "2", "1"),
        ("2026-01-01", "'=1+1" if name == "=1+1" else name, "1", "2"),
    ]
    counted = {"accepted": "3", "submitted": "3", "segments": "3"}
    absent = {
        "campaign": (),
        "category": (),
        "carrier": ("accepted", "segments"),
    }.get(by, ("submitted",))
    for row in rows:
        assert {each: row[each] for each in counted} == {**counted, **dict.fromkeys(absent, "")}
    page = visit(gateway, "GET", PATH, cookie=viewer, query={"by": by})["body"]
    assert page.count('<th scope="row">20') == len(found)
    assert ("/console/messages?from=2026-01-01" in page) == (by != "carrier" and bool(name))


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40 * 24), st.sampled_from(["", "a", "b:c", "+1"])),
        min_size=1,
        max_size=6,
    )
)
def test_the_rows_of_a_day_add_up_to_the_day_of_the_api(sent: list[tuple[int, str]]) -> None:
    gateway = Gateway()
    for ago, campaign in sent:
        gateway.now = NOW - ago * 3600
        mids = send(gateway, SANDBOX, record(1, campaign=campaign), record(2, to="12"))
        end(gateway, mids[:1], "delivered")
    gateway.now = NOW
    count(gateway)
    stats = gateway.services("manage").stats  # type: ignore[attr-defined]
    days = {"from": "2025-12-02", "to": "2026-01-01"}
    expected = {
        each["key"]: each for each in stats.stats(SANDBOX, query_of(StatsQuery, days))["groups"]
    }
    cookie = signed_in(gateway, "viewer")
    for by in BY:
        rows = read_file(gateway, cookie, by=by, **days)
        measures = ["delivered"] if by == "carrier" else ["accepted", "refused", "delivered"]
        found = {
            day: {name: sum(int(row[name]) for row in of_day) for name in measures}
            for day, of_day in (
                (day, [*each]) for day, each in groupby(rows, lambda row: row["day"])
            )
        }
        assert found == {
            day: {name: each[name] for name in measures}
            for day, each in expected.items()
            if by != "carrier" or each["delivered"]
        }


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"from": "2025-01-01", "to": "2025-02-01"}, "from"),
        ({"from": "2025-02-02", "to": "2025-01-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"to": "<b>"}, "to"),
        ({"by": "number"}, "by"),
        ({"by": "state"}, "by"),
        ({"by": "template", "sender": "ACMEBK"}, "by"),
        ({"colour": "red"}, "by"),
        ({"state": "accepted"}, "state"),
        ({"category": "news"}, "category"),
        ({"country": "x" * 600}, "country"),
    ],
)
def test_a_wrong_query_is_named(
    query: dict[str, str], problem: str, gateway: Gateway, viewer: str
) -> None:
    answer = visit(gateway, "GET", PATH, cookie=viewer, query=query)
    assert answer["statusCode"] == 400
    assert f'href="#{problem}"' in answer["body"]
    assert "<b>" not in answer["body"]
    assert visit(gateway, "GET", f"{PATH}/file", cookie=viewer, query=query)["statusCode"] == 400


def test_31_days_are_not_too_many(gateway: Gateway, viewer: str) -> None:
    query = {"from": "2025-12-02", "to": "2026-01-01"}
    answer = visit(gateway, "GET", PATH, cookie=viewer, query=query)
    assert answer["statusCode"] == 200
    assert "No message was accepted on these days." in answer["body"]


def test_a_page_is_bounded_and_the_file_has_all(gateway: Gateway, viewer: str) -> None:
    put_names(gateway, 1200)
    rows = read_file(gateway, viewer, by="campaign")
    assert sorted(row["campaign"] for row in rows) == sorted(f"c{each}" for each in range(1200))
    page = visit(gateway, "GET", PATH, cookie=viewer, query={"by": "campaign"})["body"]
    assert page.count('<th scope="row">20') == ROWS_SHOWN
    assert "Accepted</th>" in page
    assert "Expired</th>" not in page
    assert f"{1200 - ROWS_SHOWN:,} rows more are in the file." in page


def test_a_file_too_large_for_an_answer_is_refused(
    gateway: Gateway, viewer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_names(gateway, 100)
    monkeypatch.setattr("harkara.api.resolver.EXPORT_LIMIT_BYTES", 1_000)
    answer = visit(gateway, "GET", f"{PATH}/file", cookie=viewer, query={"by": "campaign"})
    assert answer["statusCode"] == 400
    assert "gzip" in answer["body"]
    packed = {"accept_encoding": "gzip", "query": {"by": "campaign"}}
    answer = visit(gateway, "GET", f"{PATH}/file", cookie=viewer, **packed)
    assert answer["body"].count("2026-01-01") == 100


def test_all_columns_are_named(gateway: Gateway, viewer: str) -> None:
    put_names(gateway, 100)
    (first, *_) = read_file(gateway, viewer, by="campaign")
    assert list(first) == ["day", "campaign", *COLUMNS, "currency"]


def test_each_number_leads_to_as_many_messages_and_all_are_summed_up(
    gateway: Gateway, viewer: str
) -> None:
    """Of each kind of report; without a name, as of a carrier, there is no such list."""
    mids = send(gateway, SANDBOX, *(record(each, campaign="diwali") for each in range(5)))
    send(gateway, SANDBOX, record(6), record(7, to="12"))
    send(gateway, OTHER, record(8))
    end(gateway, mids[:3], "delivered")
    end(gateway, mids[3:4], "failed", "DND")
    count(gateway)
    gateway.now += 1
    expected = {
        "all": ["3", "1", "2", "1"],
        "sender": ["6", "3", "1"],  # refused records have none
        "category": ["6", "3", "1", "1"],
        "country": ["6", "3", "1"],
        "campaign": ["5", "3", "1"],
        "template": [],
        "carrier": [],
    }
    for by in ("all", *BY):
        page = visit(gateway, "GET", PATH, cookie=viewer, query={"by": by})["body"]
        links = re.findall(r'<a href="/console/messages(\?[^"]+)">([\d,]+)</a>', page)
        assert sorted(number for _, number in links) == sorted(expected[by]), by
        for url, number in links:
            query = dict(parse_qsl(urlsplit(url.replace("&amp;", "&")).query))
            listed = visit(gateway, "GET", "/console/messages", cookie=viewer, query=query)
            assert listed["body"].count('<th scope="row">') == int(number)
        foot = page.partition("<tfoot>")[2].partition("</tfoot>")[0]
        rows = read_file(gateway, viewer, by=by)
        columns = AMOUNTS if by == "all" else COLUMNS
        sums = [sum(float(row[name] or 0) for row in rows) for name in columns]
        shown = [float(each) for each in re.findall(r'data-label="[^"]+">\s*([\d.]+)\s*<', foot)]
        assert shown == [each for each in sums if each]


def test_a_report_of_all_at_once_is_filtered(gateway: Gateway, viewer: str) -> None:
    mids = send(gateway, SANDBOX, record(1), record(2), record(3, to="12"))
    end(gateway, mids[:1], "delivered")
    count(gateway)
    assert list(read_file(gateway, viewer)[0]) == [*NAMES, *AMOUNTS, "currency"]
    for query, states in (
        ({}, ["delivered", "pending", "refused"]),
        ({"sender": "ACMEBK", "country": "IN"}, ["delivered", "pending"]),
        ({"state": "refused", "category": "service_implicit"}, ["refused"]),
        ({"country": "US"}, []),
    ):
        assert sorted(row["state"] for row in read_file(gateway, viewer, **query)) == states
        page = visit(gateway, "GET", PATH, cookie=viewer, query=query)["body"]
        assert page.count('<th scope="row">20') == len(states)
    page = visit(gateway, "GET", PATH, cookie=viewer, query={"state": "refused"})["body"]
    assert 'hx-get="/console/reports?from=2025-12-26&amp;to=2026-01-01&amp;by=all' in page
    assert "Counted up to 01 Jan 2026, 14:30:00 IST." in page
