"""What the console counts and finds of messages, through the real function `activity`."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from console.screens.messages import FILTERS
from harkara.accept.requests import Options, Record, SendRequest
from harkara.base.ids import split_mid
from harkara.base.time import DAY_S
from harkara.manage.erased import Person
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease, click_kind
from harkara.model.messages import pack, unpack
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.invoking import NOW, Logs
from tests.functions.visiting_console import Page, signed_in, visit
from tests.support.fakes import caller_of
from tests.support.streams import Stream, event_of

OTHER = SANDBOX.model_copy(update={"id": "other", "name": "Other"})
HOUR_S = 3600
BOX = "/console/find"
NUMBER, SMSGID, CAMPAIGN = "919876500001", "order 4711", "diwali & co"


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.accounts.accounts["other"] = OTHER
    return signed_in(gateway)


def send(gateway: Gateway, account: Account, *records: Record) -> list[str]:
    request = SendRequest([*records])
    return [result.mid for result in gateway.accept_service().accept(caller_of(account), request)]


def record(number: int, to: str = "919876500002", ref: str = "", campaign: str = "") -> Record:
    options = Options(campaign_id=campaign)
    return Record(to, "ACMEBK", f"Text {number}", ref or f"ref-{number}", options=options)


def click(gateway: Gateway, mid: str, number: int) -> None:
    """Record a person's click on a link of a message."""
    batch_id, index = split_mid(mid)
    batch = unpack(batch_id, gateway.store.packed[batch_id])
    lease = Lease("task", "worker", 0)
    kind = click_kind(index, number)
    entry = lease.entry(batch_id, kind, at=0, url="https://acme.in", of=facts_of(batch, index))
    gateway.store.put_if_absent([entry])


def count(gateway: Gateway) -> None:
    """Count all that was stored."""
    gateway.call("activity", event_of(Stream(gateway.store.table, gateway.clock).poll()))


def test_links_show_the_first_clicks_of_today_and_of_30_days(gateway: Gateway, cookie: str) -> None:
    """NOW is 14:30 in India; the stats of the API, over the same days, are the same."""
    for before_s, account, links in (
        (0, SANDBOX, (0, 0, 1)),
        (14 * HOUR_S, SANDBOX, (0,)),  # 00:30
        (15 * HOUR_S, SANDBOX, (0, 1, 2, 3)),  # yesterday, 23:30
        (29 * DAY_S + 14 * HOUR_S, SANDBOX, (0,)),
        (29 * DAY_S + 15 * HOUR_S, SANDBOX, (0,)),
        (0, OTHER, (0, 1)),
    ):
        gateway.now = NOW - before_s
        (mid,) = send(gateway, account, record(1))
        for number in links:
            click(gateway, mid, number)
    gateway.now = NOW
    assert clicks(gateway, cookie) == ["0", "0"]
    count(gateway)
    assert clicks(gateway, cookie) == ["3", "8"]
    assert clicks(gateway, signed_in(gateway, account_id="other")) == ["2", "2"]
    page = visit(gateway, "GET", "/console/links", cookie=cookie)["body"]
    assert "Counted up to 01 Jan 2026, 14:30:00 IST." in page


def clicks(gateway: Gateway, cookie: str) -> list[str]:
    page = visit(gateway, "GET", "/console/links", cookie=cookie)["body"]
    return re.findall(r"<dt>(?:Today|Last 30 days)</dt><dd>(\d+)</dd>", page)


def found(
    gateway: Gateway, cookie: str, query: dict[str, str], path: str = "/console/messages"
) -> tuple[list[str], list[str]]:
    """Return the paths of the messages that are listed on all pages, and all words."""
    mids: list[str] = []
    words: list[str] = []
    while True:
        answer = visit(gateway, "GET", path, cookie=cookie, query=query)
        assert answer["statusCode"] == 200, answer["body"]
        page = Page(answer["body"])
        links = [names["href"] or "" for tag, names in page.tags if tag == "a" and "href" in names]
        own = [each for each in links if each.startswith("/console/messages/")]
        assert len(own) <= 50
        mids += own
        words += page.words
        more = [each for each in links if "after=" in each]
        if not more:
            return mids, words
        path, query = "/console/messages", dict(parse_qsl(urlsplit(more[0]).query))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        pytest.param(NUMBER, {"to": NUMBER}, id="number"),
        pytest.param("+91 98765 00001", {"to": NUMBER}, id="number as it is written"),
        pytest.param(SMSGID, {"ref": SMSGID}, id="smsgid"),
    ],
)
def test_the_box_lists_messages_newest_first(
    name: str, changed: dict[str, str], gateway: Gateway, cookie: str, logs: Logs
) -> None:
    own: list[str] = []
    for number in range(3):
        gateway.now = NOW - DAY_S * (6 - number)
        fitting, _ = send(gateway, SANDBOX, record(number, **changed), record(number))
        send(gateway, OTHER, record(number, **changed))
        own.append(f"/console/messages/{fitting.replace('#', '%23')}")
    gateway.now = NOW
    count(gateway)
    listed, words = found(gateway, cookie, {"q": name}, BOX)
    assert listed == own[::-1]
    assert words.count("Pending") == 3 + 1  # the choice of the filter
    assert visit(gateway, "GET", listed[0].replace("%23", "#"), cookie=cookie)["statusCode"] == 200
    assert NUMBER[2:] not in logs.own.getvalue() + logs.other.getvalue()
    answer = visit(gateway, "GET", "/console/find", cookie=cookie, query={"q": f"{name}1"})
    assert answer["statusCode"] == 404


def test_further_messages_and_refused_records_are_listed_too(gateway: Gateway, cookie: str) -> None:
    records = [record(each, campaign=CAMPAIGN) for each in range(120)]
    mids = send(gateway, SANDBOX, *records, record(120, to="12"))
    count(gateway)
    gateway.now += 1
    listed, _ = found(gateway, cookie, {"campaign": CAMPAIGN})
    assert len(listed) == len(set(listed)) == len(mids) - 1 == 120
    listed, words = found(gateway, cookie, {"q": "ref-120"}, BOX)
    assert (listed, words.count("Refused")) == ([], 1 + 1)


def test_a_message_behind_many_others_is_on_a_later_page(gateway: Gateway, cookie: str) -> None:
    *_, last = send(gateway, SANDBOX, *map(record, range(600)), record(600, campaign=CAMPAIGN))
    count(gateway)
    gateway.now += 1
    listed, words = found(gateway, cookie, {"campaign": CAMPAIGN})
    assert listed == [f"/console/messages/{last.replace('#', '%23')}"]
    assert "None so far. There may be some on the next page." in words


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "AAAA"}, ""),
        ({"after": "A" * 700, "number": NUMBER}, ""),
        ({"number": "12345"}, "number"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2025-01-01", "to": "2026-01-01"}, "from"),
        ({"state": "gone"}, "state"),
        ({"code": "<b>"}, "code"),
        ({"category": "news"}, "category"),
        ({"campaign": "x" * 600}, "campaign"),
        ({"colour": "red"}, ""),
    ],
)
def test_a_wrong_filter_is_refused_at_its_field(
    query: dict[str, str], field: str, gateway: Gateway, cookie: str
) -> None:
    answer = visit(gateway, "GET", "/console/messages", cookie=cookie, query=query)
    assert answer["statusCode"] == 400
    page = Page(answer["body"])
    wrong = [names["id"] for _, names in page.tags if names.get("aria-invalid")]
    assert wrong == ([field] if field else [])
    assert [names for _, names in page.tags if names.get("role") == "alert"]
    given = {names["id"]: names.get("value") for tag, names in page.tags if tag == "input"}
    assert all(given[name] == query[name] for name in query.keys() & {"number", "from", "code"})


def test_empty_fields_of_the_form_filter_nothing(gateway: Gateway, cookie: str) -> None:
    mids = send(gateway, SANDBOX, *map(record, range(3)))
    count(gateway)
    gateway.now += 1
    query = dict.fromkeys((*FILTERS, "after"), " ")
    listed, _ = found(gateway, cookie, query)
    assert len(listed) == len(mids)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_stays_in_its_field_and_on_further_pages(
    name: str, gateway: Gateway, cookie: str
) -> None:
    values = {
        "number": NUMBER,
        "client_ref": SMSGID,
        "state": "pending",
        "code": "DND",
        "category": "service_implicit",
        "from": "2025-12-20",
        "to": "2026-01-01T12:00:00Z",
        "country": "IN",
        "sender": "ACMEBK",
        "event": "replied",
    }
    value = values.get(name, CAMPAIGN)
    send(gateway, SANDBOX, *(record(each, NUMBER, SMSGID, CAMPAIGN) for each in range(120)))
    count(gateway)
    gateway.now += 1
    answer = visit(gateway, "GET", "/console/messages", cookie=cookie, query={name: value})
    page = Page(answer["body"])
    given = [names.get("value") for _, names in page.tags if names.get("id") == name]
    chosen = [names["value"] for tag, names in page.tags if tag == "option" and "selected" in names]
    assert value in (given + chosen)
    for _, names in page.tags:
        if "after=" in (url := names.get("href") or ""):
            assert dict(parse_qsl(urlsplit(url).query))[name] == value


def test_a_person_who_was_erased_is_so_in_the_list_and_on_the_messages_page(
    gateway: Gateway, cookie: str
) -> None:
    mid, other = send(gateway, SANDBOX, record(1, NUMBER), record(2))
    count(gateway)
    gateway.now += 1
    batch_id, index = split_mid(mid)
    batch = unpack(batch_id, gateway.store.packed[batch_id])
    gateway.store.packed[batch_id] = pack(Person(NUMBER).out_of_batch(batch, [index]))
    _, words = found(gateway, cookie, {})
    assert words.count("Erased at the person's request") == 1
    for each in (mid, other):
        answer = visit(gateway, "GET", f"/console/messages/{each}", cookie=cookie)
        assert answer["statusCode"] == 200
        assert ("Erased at the person" in answer["body"]) is (each == mid)
