"""Today and Campaigns: the counters of the API, each number with its messages, within bounds."""

import gzip
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options
from harkara.activity.filters import StatsQuery
from harkara.activity.today import HOURS_SHOWN
from harkara.base.ids import BATCH_ID_LENGTH, split_mid
from harkara.model.activity import Submitted, facts_of, hour_of
from harkara.model.ledger import Lease, claim_kind, final_kind, outcome_kind
from harkara.model.messages import Category, MessageBatch, State, unpack
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.invoking import NOW
from tests.functions.test_console_activity import (
    OTHER,
    count,
    found,
    record,
    send,
)
from tests.functions.visiting_console import (
    CAMPAIGN,
    PAGES,
    Page,
    numbers,
    put_counters,
    put_samples,
    signed_in,
    visit,
)

PATH = f"/console/campaigns/{quote(CAMPAIGN, safe='')}"
ITEMS, HTML_BYTES = 60, 20_000
LEASE = Lease("task", "worker", 0)


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.accounts.accounts["other"] = OTHER
    return signed_in(gateway)


def show(gateway: Gateway, cookie: str, path: str = "/console/today") -> str:
    answer = visit(gateway, "GET", path, cookie=cookie)
    assert answer["statusCode"] == 200, answer["body"]
    return str(answer["body"])


def take(gateway: Gateway, mids: Sequence[str]) -> None:
    """Record that a carrier took messages of a batch."""
    batch = batch_of(gateway, mids[0])
    of = batch.account_id, "sim", batch.category, batch.messages[0].campaign_id
    taken = Submitted(*of, hour_of(batch.accepted_at_ms), len(mids))
    ends = [(index, "C1") for _, index in map(split_mid, mids)]
    data = {"indexes": [index for index, _ in ends], "taken": ends, "submitted": [taken]}
    entries = [LEASE.entry(batch.id, kind(1, 0), **data) for kind in (claim_kind, outcome_kind)]
    gateway.store.put_if_absent(entries)


def end(
    gateway: Gateway,
    mids: Sequence[str],
    state: str,
    code: str = "",
    *,
    carrier: str = "sim",
    after_s: int = 7,
) -> None:
    """Record the final state of messages, seconds after their acceptance."""
    for batch_id, index in map(split_mid, mids):
        of = facts_of(batch_of(gateway, batch_id), index, carrier)
        data: dict[str, Any] = {
            "state": state,
            "code": code,
            "at": int(gateway.now) + after_s,
            "of": of,
        }
        gateway.store.put_if_absent([LEASE.entry(batch_id, final_kind(index), **data)])


def batch_of(gateway: Gateway, mid: str) -> MessageBatch:
    batch_id = mid[:BATCH_ID_LENGTH]
    return unpack(batch_id, gateway.store.packed[batch_id])


@pytest.mark.parametrize("path", ["/console/today", PATH])
def test_each_number_leads_to_as_many_messages(path: str, gateway: Gateway, cookie: str) -> None:
    records = [record(each, campaign=CAMPAIGN) for each in range(7)]
    refused = [record(each, to="12", campaign=CAMPAIGN) for each in (7, 8)]
    mids = send(gateway, SANDBOX, *records, *refused)
    send(gateway, OTHER, *records)
    take(gateway, mids[:7])
    end(gateway, mids[:3], "delivered")
    end(gateway, mids[3:5], "failed", "DND")
    end(gateway, mids[5:6], "unknown", "NO_RECEIPT")
    count(gateway)
    gateway.now += 1
    page = show(gateway, cookie, path)
    shown = numbers(page)
    assert {name: value for name, (value, _) in shown.items()} == {
        "accepted": 7,
        "submitted": 7,
        "delivered": 3,
        "failed": 2,
        "unknown": 1,
        "waiting": 1,
        "refused": 2,
    }
    reasons = re.findall(r'<li><b><a href="([^"]+)">(\d+)</a></b> <span>([A-Z_]+)', page)
    assert {code: int(n) for _, n, code in reasons} == {
        "DND": 2,
        "NO_RECEIPT": 1,
        "INVALID_NUMBER": 2,
    }
    assert check_links(gateway, cookie, page) >= len(shown) + len(reasons)
    assert all(url for _, url in shown.values())


def check_links(gateway: Gateway, cookie: str, page: str) -> int:
    """Check that the number in each link is that of the messages it leads to; count the links."""
    links = re.findall(r'<a href="(/console/messages[^"]+)">([\d,]+)</a>', page)
    for url, value in links:
        query = dict(parse_qsl(urlsplit(url.replace("&amp;", "&")).query))
        _, words = found(gateway, cookie, query)
        rows = [each for each in words if re.search(r"\d\d:\d\d:\d\d IST$", each)]
        assert len(rows) == int(value), query
    return len(links)


ENDS = ((), ("delivered",), ("failed", "DND"), ("unknown", "NO_RECEIPT"))
sent = st.tuples(
    st.sampled_from([0, 1, 14, 15, 47]),  # hours ago: 15 are yesterday
    st.sampled_from([Category.OTP, Category.PROMOTIONAL, None]),
    st.sampled_from(ENDS),
    st.booleans(),
)


@settings(max_examples=8, deadline=None)
@given(st.lists(sent, min_size=1, max_size=6))
def test_whatever_was_sent_each_number_has_its_list(
    all_sent: list[tuple[int, Category | None, tuple[str, ...], bool]],
) -> None:
    """The numbers of all, of categories, reasons and hours."""
    gateway = Gateway()
    cookie = signed_in(gateway)
    for number, (ago_h, category, ending, with_refused) in enumerate(all_sent):
        gateway.now = NOW - ago_h * 3600
        options = Options(category=category)
        refused = [record(number, to="12")] * with_refused
        records = [each._replace(options=options) for each in (record(number), *refused)]
        mid, *_ = send(gateway, SANDBOX, *records)
        if ending:
            end(gateway, [mid], *ending)
    gateway.now = NOW
    count(gateway)
    gateway.now += 1
    page = show(gateway, cookie)
    assert check_links(gateway, cookie, page)
    today = {name: value for name, (value, _) in numbers(page).items()}
    assert today["accepted"] == sum(ago_h < 15 for ago_h, *_ in all_sent)
    assert today["accepted"] == today["waiting"] + sum(today.get(state, 0) for state in State)


def test_an_hour_and_a_category_lead_to_their_messages(gateway: Gateway, cookie: str) -> None:
    for ago_h, category in ((0, Category.OTP), (1, Category.OTP), (1, None), (47, None)):
        gateway.now = NOW - ago_h * 3600
        options = Options(category=category)
        send(gateway, SANDBOX, record(ago_h, ref=f"{ago_h} {category}")._replace(options=options))
    gateway.now = NOW
    count(gateway)
    gateway.now += 1
    page = show(gateway, cookie)
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th><td[^>]*><a href="([^"]+)">(\d+)<', page)
    assert [(name, int(n)) for name, _, n in rows] == [
        ("OTP", 2),
        ("Service implicit", 1),
        ("30 Dec, 15:00", 1),
        ("01 Jan, 13:00", 2),
        ("01 Jan, 14:00", 1),
    ]
    for _, url, n in rows:
        query = dict(parse_qsl(urlsplit(url.replace("&amp;", "&")).query))
        listed, _ = found(gateway, cookie, query)
        assert len(listed) == int(n)


def test_otps_have_their_percentiles(gateway: Gateway, cookie: str) -> None:
    assert "No OTP was delivered today." in show(gateway, cookie)
    otp = record(1)._replace(options=Options(category=Category.OTP))
    end(gateway, send(gateway, SANDBOX, otp), "delivered")
    count(gateway)
    page = show(gateway, cookie)
    answer = gateway.services("manage").stats.stats(SANDBOX, StatsQuery())  # type: ignore[attr-defined]
    delay = answer["totals"]["otp_delay"]
    for name, value in (("Half of them", delay["p50"]), ("95 of 100", delay["p95"])):
        assert f"<dt>{name} within</dt><dd>{value} s</dd>" in page


def test_otps_have_their_percentiles_by_carrier(gateway: Gateway, cookie: str) -> None:
    """The same as those of `GET /v1/stats`; of what no carrier delivered today there are none."""
    for carrier, category, ago_h, after_s in (
        ("airtel", Category.OTP, 0, 3),
        ("airtel", Category.OTP, 1, 100),
        ("jio", Category.OTP, 2, 20),
        ("vi", Category.OTP, 15, 20),  # yesterday
        ("sms only", None, 0, 20),
    ):
        gateway.now = NOW - ago_h * 3600
        otp = record(ago_h, ref=f"{carrier} {ago_h}")._replace(options=Options(category=category))
        mids = send(gateway, SANDBOX, otp)
        end(gateway, mids, "delivered", carrier=carrier, after_s=after_s)
    gateway.now = NOW
    count(gateway)
    page = show(gateway, cookie)
    query = StatsQuery.model_validate({"by": "carrier", "from": "2026-01-01", "to": "2026-01-01"})
    answer = gateway.services("manage").stats.stats(SANDBOX, query)  # type: ignore[attr-defined]
    delays = {each["key"]: each["otp_delay"] for each in answer["groups"]}
    rows = re.findall(r'<th scope="row">(\w+)</th>' + r"<td [^>]*>([\d.]+) s</td>" * 2, page)
    assert [name for name, *_ in rows] == ["airtel", "jio"]
    for name, *shown in rows:
        assert [*map(float, shown)] == [delays[name]["p50"], delays[name]["p95"]]


def test_today_of_a_million_messages_a_day_keeps_to_its_bounds(
    gateway: Gateway, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 60 items in one read of the Activity table, and 20 KB over the network."""
    put_counters(gateway.ports.activity, gateway.now)
    page = show(gateway, cookie)
    assert numbers(page)["accepted"][0] >= 6_000_000 * 14 // 24
    reads = Counter[str]()
    answer = gateway.routing.dynamo.answer

    def counting(operation: str, params: dict[str, Any]) -> Any:
        answered = answer(operation, params)
        reads["calls"] += 1
        reads["items"] += sum(map(len, answered.get("Responses", {}).values()))
        return answered

    monkeypatch.setattr(gateway.routing.dynamo, "answer", counting)
    page = show(gateway, cookie)
    assert reads["calls"] == 1
    assert HOURS_SHOWN < reads["items"] <= ITEMS
    assert len(gzip.compress(page.encode())) <= HTML_BYTES
    assert page.count("<g>") == HOURS_SHOWN


# What reads counters of many days asks more seldom.
ASKED_AGAIN = {
    "/console/today": "every 15s",
    "/console/campaigns": "every 60s",
    PATH: "every 15s",
    "/console/reports": "every 60s",
    "/console/links": "every 60s",
}


def test_numbers_say_up_to_when_they_are_true_and_ask_again(gateway: Gateway, cookie: str) -> None:
    """On all pages: where something was counted, but for lists of messages and forms to search."""
    put_samples(gateway)
    pages = {
        quote(unquote(path)): str(visit(gateway, "GET", path, cookie=cookie)["body"])
        for path in PAGES
    }
    counted = {path for path, page in pages.items() if "Counted up to" in page}
    assert counted - {"/console/messages"} == ASKED_AGAIN.keys()
    for path, trigger in ASKED_AGAIN.items():
        assert "Counted up to 01 Jan 2026, 14:30:00 IST." in pages[path]
        (live,) = [names for _, names in Page(pages[path]).tags if names.get("id") == "live"]
        assert ((live["hx-get"] or "").partition("?")[0], live["hx-trigger"]) == (path, trigger)
