"""Exports in the console: what is listed, followed from the list to the link of the file."""

import re

import pytest

from harkara.activity.exports import STALLED_S
from harkara.model.tasks import QueueName
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.invoking import Logs, sqs_event
from tests.functions.test_console_activity import CAMPAIGN, NUMBER, OTHER, count, record, send
from tests.functions.visiting_console import EXPORT_ID, Page, put_export, signed_in, visit
from tests.support.people import changes


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.accounts.accounts["other"] = OTHER
    return signed_in(gateway)


def test_an_export_of_what_is_listed_is_followed_to_its_link(
    gateway: Gateway, cookie: str, logs: Logs
) -> None:
    send(gateway, SANDBOX, *(record(each, campaign=CAMPAIGN) for each in range(4)), record(4))
    count(gateway)
    gateway.queues.waiting.clear()
    gateway.now += 1
    query = {"campaign": CAMPAIGN, "from": "2026-01-01"}
    listed = Page(visit(gateway, "GET", "/console/messages", cookie=cookie, query=query)["body"])
    fields = {
        names["name"]: names["value"]
        for tag, names in listed.tags
        if tag == "input" and names.get("type") == "hidden"
    }
    assert fields == query
    viewer = signed_in(gateway, "viewer")
    begun = visit(gateway, "POST", "/console/exports", fields=fields, cookie=viewer)
    assert begun["statusCode"] == 303
    path = begun["headers"]["Location"]
    assert changes(gateway.people)[-1].subject == path.rpartition("/")[2]
    page = visit(gateway, "GET", path, cookie=cookie)["body"]
    assert ("Waiting" in page, 'hx-trigger="every 2s"' in page) == (True, True)
    (task,) = gateway.bodies(QueueName.EXPORT)
    gateway.call("files", sqs_event(task))
    page = visit(gateway, "GET", path, cookie=cookie)["body"]
    assert ("Done" in page, "hx-trigger" in page) == (True, False)
    assert "100 % of the time, 4 rows" in page
    (link,) = re.findall(r'href="(https://[^"]+)"', page)
    content = gateway.bucket.opened(link.replace("&amp;", "&")).decode("utf-8-sig")
    assert content.count(CAMPAIGN) == 4
    assert NUMBER[2:] not in logs.own.getvalue() + logs.other.getvalue()
    other = signed_in(gateway, account_id="other")
    assert visit(gateway, "GET", path, cookie=other)["statusCode"] == 404


def test_a_fourth_export_is_refused_until_one_has_ended(gateway: Gateway, cookie: str) -> None:
    codes = [
        visit(gateway, "POST", "/console/exports", fields={}, cookie=cookie)["statusCode"]
        for _ in range(4)
    ]
    assert codes == [303, 303, 303, 409]


def test_an_export_that_stands_still_says_so(gateway: Gateway, cookie: str) -> None:
    put_export(gateway)
    gateway.now += STALLED_S + 1
    page = visit(gateway, "GET", f"/console/exports/{EXPORT_ID}", cookie=cookie)["body"]
    assert ("Failed" in page, "Begin another export." in page) == (True, True)


def test_a_list_by_what_happened_is_exported(gateway: Gateway, cookie: str) -> None:
    query = {"event": "clicked"}
    page = visit(gateway, "GET", "/console/messages", cookie=cookie, query=query)["body"]
    assert '<input type="hidden" name="event" value="clicked">' in page
    answer = visit(gateway, "POST", "/console/exports", fields=query, cookie=cookie)
    assert answer["statusCode"] == 303
