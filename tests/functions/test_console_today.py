"""Today and Campaigns: the counters of the API, each number with its messages, within bounds."""

import gzip
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options
from harkara.activity.filters import StatsQuery
from harkara.activity.today import HOURS_SHOWN
from harkara.base.ids import BATCH_ID_LENGTH, split_mid
from harkara.manage.campaigns import PAUSED_LIMIT
from harkara.model.activity import Submitted, facts_of, hour_of
from harkara.model.ledger import SHARED_KIND, Lease, final_kind, shared_partition
from harkara.model.messages import Category, MessageBatch, State, unpack
from harkara.model.routing import EVERYONE, Routing
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.invoking import NOW
from tests.functions.test_console_activity import (
    OTHER,
    click,
    count,
    found,
    record,
    send,
)
from tests.functions.visiting_console import CAMPAIGN, Page, numbers, put_counters, signed_in, visit
from tests.support.people import changes

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
    entry = LEASE.entry(shared_partition(batch.id), SHARED_KIND, submitted=[taken])
    gateway.store.put_if_absent([entry])


def end(gateway: Gateway, mids: Sequence[str], state: str, code: str = "") -> None:
    """Record the final state of messages, seven seconds after their acceptance."""
    for batch_id, index in map(split_mid, mids):
        of = facts_of(batch_of(gateway, batch_id), index, "sim")
        data: dict[str, Any] = {"state": state, "code": code, "at": int(gateway.now) + 7, "of": of}
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
    links = [(int(n), url.replace("&amp;", "&")) for url, n, _ in reasons]
    for value, url in [*shown.values(), *links]:
        if url:
            query = dict(parse_qsl(urlsplit(url).query))
            _, words = found(gateway, cookie, query)
            assert len([each for each in words if re.search(r"\d\d:\d\d:\d\d IST$", each)]) == value
    assert [name for name, (_, url) in shown.items() if not url] == ["submitted"]


ENDS = (
    (),
    ("delivered",),
    ("failed", "DND"),
    ("unknown", "NO_RECEIPT"),
    ("cancelled", "CANCELLED"),
)
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
    links = re.findall(r'<a href="([^"]+)">([\d,]+)</a>', page)
    for url, value in links:
        query = dict(parse_qsl(urlsplit(url.replace("&amp;", "&")).query))
        _, words = found(gateway, cookie, query)
        rows = [each for each in words if re.search(r"\d\d:\d\d:\d\d IST$", each)]
        assert len(rows) == int(value), query
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


def test_numbers_say_up_to_when_they_are_true_and_ask_again(gateway: Gateway, cookie: str) -> None:
    put_counters(gateway.ports.activity, gateway.now, 8)
    for path in ("/console/today", "/console/campaigns", PATH):
        page = show(gateway, cookie, path)
        assert "Counted up to 01 Jan 2026, 14:30:00 IST." in page
        (live,) = [names for _, names in Page(page).tags if names.get("id") == "live"]
        assert (live["hx-get"], live["hx-trigger"]) == (path, "every 15s")


def test_campaigns_are_listed_with_their_numbers(gateway: Gateway, cookie: str) -> None:
    records = [record(each, campaign=CAMPAIGN) for each in range(5)]
    *mids, _ = send(gateway, SANDBOX, *records, record(5, to="12", campaign=CAMPAIGN))
    send(gateway, OTHER, record(6, campaign="of another account"))
    take(gateway, mids)
    click(gateway, mids[0], 0)
    end(gateway, mids[:2], "delivered")
    end(gateway, mids[2:3], "failed", "DUPLICATE")
    count(gateway)
    page = show(gateway, cookie, "/console/campaigns")
    cells = re.findall(r'<td class="number" data-label="(\w+)">(?:<a [^>]+>)?([^<]*)', page)
    assert cells == [
        ("Requested", "6"),
        ("Refused", "1"),
        ("Duplicate", "1"),
        ("Submitted", "5"),
        ("Delivered", "2"),
        ("Clicked", "1"),
        ("Cost", "–"),
    ]
    assert "another account" not in page
    answer = visit(gateway, "GET", "/console/find", cookie=cookie, query={"q": CAMPAIGN})
    assert answer["headers"]["Location"] == PATH


def test_further_campaigns_are_on_the_next_page(gateway: Gateway, cookie: str) -> None:
    send(gateway, SANDBOX, *(record(each, campaign=f"c{each:03}") for each in range(60)))
    count(gateway)
    first = show(gateway, cookie, "/console/campaigns")
    assert "/console/campaigns?after=c049" in first
    query = {"after": "c049"}
    second = visit(gateway, "GET", "/console/campaigns", cookie=cookie, query=query)["body"]
    assert re.findall(r"/console/campaigns/(c\d+)", first + second) == [
        f"c{each:03}" for each in range(60)
    ]
    assert 'hx-get="/console/campaigns?after=c049"' in second


def pause(gateway: Gateway, cookie: str, paused: str, path: str = PATH) -> int:
    answer = visit(gateway, "POST", path, fields={"paused": paused}, cookie=cookie)
    return int(answer["statusCode"])


def test_a_marketer_pauses_and_resumes_a_campaign_and_nothing_else_of_the_routing(
    gateway: Gateway, cookie: str
) -> None:
    put_counters(gateway.ports.activity, gateway.now, 8)
    gateway.routing.routing["sandbox"] = before = Routing(paused_campaigns=("spring",), promotion=3)
    marketer, viewer = signed_in(gateway, "marketer"), signed_in(gateway, "viewer")
    assert pause(gateway, viewer, "true") == 403
    assert "Pause this campaign" not in show(gateway, viewer, PATH)
    for paused, action in (("true", "campaign.pause"), ("false", "campaign.resume")):
        for _ in range(2):
            assert pause(gateway, marketer, paused) == 303
        assert gateway.routing.rules("sandbox").pauses(CAMPAIGN) is (paused == "true")
        page = show(gateway, marketer, PATH)
        assert ("Resume this campaign" in page) is (paused == "true")
        assert ("Paused" in show(gateway, cookie, "/console/campaigns")) is (paused == "true")
        entry = changes(gateway.people)[-1]
        assert (entry.action, entry.subject) == (action, CAMPAIGN)
    assert gateway.routing.routing["sandbox"] == before


@pytest.mark.parametrize(
    ("account_id", "routing"),
    [
        (EVERYONE, Routing(paused_campaigns=(CAMPAIGN,))),
        (EVERYONE, Routing(paused=True)),
        ("sandbox", Routing(paused=True)),
    ],
)
def test_what_the_operator_lets_wait_is_shown_and_stays(
    account_id: str, routing: Routing, gateway: Gateway, cookie: str
) -> None:
    put_counters(gateway.ports.activity, gateway.now, 8)
    gateway.routing.routing[account_id] = routing
    assert "Your operator lets messages wait" in show(gateway, cookie, PATH)
    assert pause(gateway, cookie, "false") == 303
    assert gateway.routing.rules("sandbox").pauses(CAMPAIGN)


def test_a_campaign_of_another_account_is_not_there(gateway: Gateway, cookie: str) -> None:
    put_counters(gateway.ports.activity, gateway.now, 8)
    other = signed_in(gateway, account_id="other")
    for paused in ("true", "false"):
        assert pause(gateway, other, paused) == 404
    assert visit(gateway, "GET", PATH, cookie=other)["statusCode"] == 404
    logged = [each for each in changes(gateway.people, "other") if "refused" in each.action]
    assert [each.action for each in logged] == ["refused.not_found"] * 3
    assert not gateway.routing.routing


def test_a_hundred_campaigns_may_be_paused_at_a_time(gateway: Gateway, cookie: str) -> None:
    put_counters(gateway.ports.activity, gateway.now, 8)
    names = tuple(f"c{each}" for each in range(PAUSED_LIMIT))
    gateway.routing.routing["sandbox"] = Routing(paused_campaigns=names)
    assert pause(gateway, cookie, "true") == 400
    assert gateway.routing.routing["sandbox"].paused_campaigns == names
    # One that is older than its counters can go on all the same.
    assert pause(gateway, cookie, "false", "/console/campaigns/c0") == 303
    assert pause(gateway, cookie, "true") == 303
