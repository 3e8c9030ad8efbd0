"""Campaigns in the console: their numbers, and how they are paused and resumed."""

import re

import pytest

from harkara.manage.campaigns import PAUSED_LIMIT
from harkara.model.routing import EVERYONE, Routing
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.test_console_activity import OTHER, click, count, record, send
from tests.functions.test_console_today import PATH, check_links, end, show, take
from tests.functions.visiting_console import CAMPAIGN, put_counters, signed_in, visit
from tests.support.people import changes


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.accounts.accounts["other"] = OTHER
    return signed_in(gateway)


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
    gateway.now += 1
    assert check_links(gateway, cookie, page) == 6
    answer = visit(gateway, "GET", "/console/find", cookie=cookie, query={"q": CAMPAIGN})
    assert answer["headers"]["Location"] == PATH


def test_further_campaigns_are_on_the_next_page(gateway: Gateway, cookie: str) -> None:
    send(gateway, SANDBOX, *(record(each, campaign=f"c{each:03}") for each in range(60)))
    count(gateway)
    query = {"order": "id"}
    first = visit(gateway, "GET", "/console/campaigns", cookie=cookie, query=query)["body"]
    assert "/console/campaigns?order=id&amp;after=c049" in first
    query = {"order": "id", "after": "c049"}
    second = visit(gateway, "GET", "/console/campaigns", cookie=cookie, query=query)["body"]
    assert re.findall(r"/console/campaigns/(c\d+)", first + second) == [
        f"c{each:03}" for each in range(60)
    ]
    assert 'hx-get="/console/campaigns?order=id&amp;after=c049"' in second


def test_the_newest_campaigns_are_shown_first(gateway: Gateway, cookie: str) -> None:
    for name in ("a", "b"):
        send(gateway, SANDBOX, record(1, campaign=name))
        gateway.now += 3600
    count(gateway)
    page = show(gateway, cookie, "/console/campaigns")
    assert re.findall(r'href="/console/campaigns/(\w)"', page) == ["b", "a"]


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
