"""The link function: its redirects, its answers, its counts."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import set_id_of
from harkara.links.codec import LinkSet, Place, pack_links
from harkara.links.shorten import CLICKS_A_MINUTE, Visit
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.tasks import ClickTask, QueueName, decode_dlr
from tests.fakes import FakeTaskQueues, Faults
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, NOW, Context, Event, Logs, http_event

URL = "https://acme.example/offer?id=4711"
HOST = "hk.example"
PERSON = {"user-agent": "Mozilla/5.0 (Linux; Android 14)", "accept": "text/html,*/*;q=0.8"}
SET = set_id_of(BATCH_ID)
SAFE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def put_links(gateway: Gateway, url: str = URL, ends_s: int = int(NOW) + 1, path: str = "") -> None:
    """Store the URLs of the sample batch's links."""
    links = LinkSet("sandbox", BATCH_ID, f"https://{HOST}{path}", ends_s, [url], [[0], [], [0]])
    packed = {"links": pack_links(links)}
    gateway.store.put_if_absent([LedgerEntry(*links_key(SET), BATCH_ID, "", 0, packed)])


def code_of(gateway: Gateway, message: int = 0, number: int = 0, host: str = HOST) -> str:
    return gateway.link_signer.code(host, Place(SET, message, number))


def request(code: str, method: str = "GET", path: str = "", **headers: str) -> Event:
    return http_event(method, f"{path}/{code}", None, {"host": HOST, **PERSON, **headers})


def clicks(gateway: Gateway) -> list[Any]:
    return [decode_dlr(body) for body in gateway.bodies(QueueName.CALLBACK)]


def counted(logs: Logs) -> list[tuple[str, str | None]]:
    names = ("clicks", "clicks_lost", "bots", "links_ended", "links_unknown")
    return [
        (name, line.get("account_id"))
        for line in logs.lines("link visited")
        for name in names
        if name in line
    ]


def assert_page(answer: dict[str, Any], status: int, title: str) -> None:
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["Content-Security-Policy"] == "default-src 'none'"
    assert answer["headers"].items() >= SAFE.items()
    assert f"<h1>{title}</h1>" in answer["body"]


def test_a_person_is_sent_on_and_the_click_is_in_the_queue(gateway: Gateway, logs: Logs) -> None:
    put_links(gateway)
    code = code_of(gateway, 2)
    answer = gateway.call("link", request(code))
    assert answer == {
        "statusCode": 302,
        "headers": {"Location": URL, **SAFE},
        "cookies": [],
        "body": "",
        "isBase64Encoded": False,
    }
    short_url = f"https://{HOST}/{code}"
    assert clicks(gateway) == [ClickTask(f"{BATCH_ID}02", 0, int(NOW), URL, short_url)]
    assert counted(logs) == [("clicks", "sandbox")]
    written = logs.own.getvalue()
    assert "acme.example" not in written
    assert code not in written


@pytest.mark.parametrize(
    "mark",
    [".", "...", ",", ")", "!", "*", "'", ":", "|ACMEBK", "।", "%E0%A5%A4", "%E2%80%A6", "”", "देखें"],
)
@pytest.mark.parametrize("path", ["", "/ACMEBK"])
def test_the_mark_that_a_phone_takes_for_a_part_of_the_link_is_ignored(
    path: str, mark: str, gateway: Gateway
) -> None:
    put_links(gateway, path=path)
    code = code_of(gateway)
    answer = gateway.call("link", request(code + mark, path=path))
    assert (answer["statusCode"], answer["headers"]["Location"]) == (302, URL)
    assert [click.short_url for click in clicks(gateway)] == [f"https://{HOST}{path}/{code}"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"user-agent": "WhatsApp/2.23.20.0"}),
        ("GET", {"sec-purpose": "prefetch"}),
    ],
)
def test_a_machine_is_sent_on_and_is_no_click(
    method: str, headers: dict[str, str], gateway: Gateway, logs: Logs
) -> None:
    put_links(gateway)
    answer = gateway.call("link", request(code_of(gateway), method, **headers))
    assert (answer["statusCode"], answer["headers"]["Location"]) == (302, URL)
    assert clicks(gateway) == []
    assert counted(logs) == [("bots", "sandbox")]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda code: code[:-1] + ("0" if code[-1] != "0" else "1"), id="forged"),
        pytest.param(lambda code: code.swapcase(), id="in another case"),
        pytest.param(lambda code: code[::-1], id="backwards"),
        pytest.param(lambda code: "0" * 14, id="the least"),
        pytest.param(lambda code: "z" * 14, id="the greatest"),
        pytest.param(lambda code: code[:-1], id="short"),
        pytest.param(lambda code: code + "0", id="long"),
        pytest.param(lambda code: "<script>", id="none at all"),
    ],
)
def test_a_forged_code_is_answered_without_a_read(
    change: Any, gateway: Gateway, logs: Logs
) -> None:
    put_links(gateway)
    gateway.faults.calls.clear()
    code = change(code_of(gateway))
    answer = gateway.call("link", request(code))
    assert_page(answer, 404, "There is no such link")
    assert code not in answer["body"]
    assert gateway.faults.calls == []
    assert counted(logs) == [("links_unknown", None)]


def test_a_code_of_another_domain_is_answered_without_a_read(gateway: Gateway) -> None:
    put_links(gateway)
    gateway.faults.calls.clear()
    code = code_of(gateway)
    assert_page(gateway.call("link", request(code, host="a.example")), 404, "There is no such link")
    foreign = code_of(gateway, host="a.example")
    assert_page(gateway.call("link", request(foreign)), 404, "There is no such link")
    assert gateway.faults.calls == []


@pytest.mark.parametrize(
    ("message", "number"),
    [(0, 1), (1, 0), (3, 0), (1023, 7)],
    ids=["url", "none", "message", "end"],
)
def test_a_link_that_no_message_has_is_unknown(message: int, number: int, gateway: Gateway) -> None:
    put_links(gateway)
    answer = gateway.call("link", request(code_of(gateway, message, number)))
    assert_page(answer, 404, "There is no such link")
    assert clicks(gateway) == []


def test_a_link_of_which_nothing_is_kept_is_unknown(gateway: Gateway) -> None:
    answer = gateway.call("link", request(code_of(gateway)))
    assert_page(answer, 404, "There is no such link")


def test_a_link_that_has_ended_says_so(gateway: Gateway, logs: Logs) -> None:
    put_links(gateway, ends_s=int(NOW))
    answer = gateway.call("link", request(code_of(gateway)))
    assert_page(answer, 410, "This link has ended")
    assert "acme.example" not in answer["body"]
    assert clicks(gateway) == []
    assert counted(logs) == [("links_ended", "sandbox")]


@pytest.mark.parametrize(
    ("shown", "status"), [("/ACMEBK", 302), ("", 302), ("/OTHERS", 404), ("/BK", 404)]
)
def test_a_path_before_the_code_is_the_accounts_own(
    shown: str, status: int, gateway: Gateway
) -> None:
    put_links(gateway, path="/ACMEBK")
    answer = gateway.call("link", request(code_of(gateway), path=shown))
    assert answer["statusCode"] == status


def test_the_host_is_the_same_in_any_case(gateway: Gateway) -> None:
    put_links(gateway)
    assert gateway.call("link", request(code_of(gateway), host="HK.Example"))["statusCode"] == 302


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://acme.in/ऑफर?q=é", "https://acme.in/%E0%A4%91%E0%A4%AB%E0%A4%B0?q=%C3%A9"),
        ("https://acme.in/a%20b?c=d&e=[1]#f", "https://acme.in/a%20b?c=d&e=[1]#f"),
        ("https://acme.in/\x00\x7f", "https://acme.in/%00%7F"),
    ],
)
def test_a_url_is_a_header_whatever_is_in_it(url: str, location: str, gateway: Gateway) -> None:
    put_links(gateway, url)
    assert gateway.call("link", request(code_of(gateway)))["headers"]["Location"] == location


def test_each_set_is_read_once_by_a_process(gateway: Gateway) -> None:
    put_links(gateway)
    gateway.faults.calls.clear()
    app = gateway.app("link")
    for message in (0, 2, 0):
        assert app.handler(request(code_of(gateway, message)), Context())["statusCode"] == 302
    assert gateway.faults.calls.count("get_entries") == 1
    assert len(clicks(gateway)) == 3


def test_a_process_does_not_keep_all_sets(gateway: Gateway) -> None:
    app = gateway.app("link")
    put_links(gateway)
    service = app.services()
    for number in range(200):
        links = LinkSet("a", BATCH_ID, f"https://{HOST}", int(NOW) + 1, [URL], [[0]])
        packed = {"links": pack_links(links)}
        gateway.store.put_if_absent([LedgerEntry(*links_key(number), BATCH_ID, "", 0, packed)])
        code = gateway.link_signer.code(HOST, Place(number, 0, 0))
        assert app.handler(request(code), Context())["statusCode"] == 302
    assert len(service._sets) < 100


class Busy:
    """A queue that refuses the first bodies."""

    def __init__(self, failures: int, *, raises: bool) -> None:
        self.failures = failures
        self.raises = raises
        self.calls = 0

    def send(self, *_: object) -> list[bool]:
        self.calls += 1
        if self.calls > self.failures:
            return [True]
        if self.raises:
            raise StoreUnavailable("ThrottlingException")
        return [False]


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize(
    ("failures", "count"), [(1, "clicks"), (2, "clicks_lost"), (9, "clicks_lost")]
)
def test_a_person_is_sent_on_though_the_queue_fails(
    failures: int, count: str, raises: bool, gateway: Gateway, logs: Logs
) -> None:
    put_links(gateway)
    service = gateway._link()
    queue = Busy(failures, raises=raises)
    object.__setattr__(service, "queues", queue)
    answer = gateway.app("link", service).handler(request(code_of(gateway)), Context())
    assert (answer["statusCode"], answer["headers"]["Location"]) == (302, URL)
    assert queue.calls == 2
    assert counted(logs) == [(count, "sandbox")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    visits=st.lists(
        st.tuples(st.sampled_from([0, 2]), st.sampled_from([0, 0, 0, 1, 25, 60]), st.booleans()),
        max_size=60,
    )
)
def test_who_follows_a_link_in_a_loop_is_sent_on_and_the_queue_gets_ten_clicks_a_minute(
    visits: list[tuple[int, int, bool]], gateway: Gateway
) -> None:
    put_links(gateway, ends_s=2**33)
    now_s = NOW
    queues = FakeTaskQueues(Faults(), lambda: now_s)
    service = replace(gateway._link(), queues=queues, clock=lambda: now_s)
    clicked: Counter[tuple[int, int]] = Counter()
    lost = 0
    # One visitor clicks many times at once, the other rarely.
    for message, wait_s, is_person in [*visits, *[(0, 0, True)] * (CLICKS_A_MINUTE + 2)]:
        now_s += wait_s
        visited = service.visit(HOST, "", code_of(gateway, message), is_person=is_person)
        assert visited.url == URL
        clicked[message, int(now_s // 60)] += is_person
        lost += visited.visit is Visit.CLICK_LOST
    told = Counter(
        (0 if task.mid.endswith("00") else 2, task.at_s // 60)
        for task in (decode_dlr(message.body) for message in queues.waiting)
        if isinstance(task, ClickTask)
    )
    assert told == +Counter({key: min(count, CLICKS_A_MINUTE) for key, count in clicked.items()})
    assert lost == clicked.total() - told.total() > 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_table_that_is_away_is_a_page_that_says_try_again(
    method: str, gateway: Gateway, logs: Logs
) -> None:
    class Away:
        def get_entries(self, *_: object) -> None:
            raise StoreUnavailable("ThrottlingException")

    service = gateway._link()
    object.__setattr__(service, "store", Away())
    answer = gateway.app("link", service).handler(request(code_of(gateway), method), Context())
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "5"
    assert ("<h1>Please try again</h1>" in answer["body"]) is (method == "GET")
    assert not logs.private()


@pytest.mark.parametrize(
    ("path", "accept", "code"),
    [
        ("/nothing", "*/*", Code.NOT_FOUND),
        ("/favicon.ico", "image/*", Code.NOT_FOUND),
        ("/datasend", "*/*", Code.METHOD_NOT_ALLOWED),
        ("/datasend", "text/html", Code.METHOD_NOT_ALLOWED),
    ],
)
def test_what_is_no_link_is_answered_as_the_api_does(
    path: str, accept: str, code: Code, gateway: Gateway, logs: Logs
) -> None:
    answer = gateway.call("link", http_event("GET", path, None, {"host": HOST, "accept": accept}))
    assert json.loads(answer["body"])["Error"] == code
    assert ("Allow" in answer["headers"]) is (code is Code.METHOD_NOT_ALLOWED)
    assert counted(logs) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.text(st.characters(exclude_characters="/"), min_size=1), html=st.booleans())
def test_nothing_of_a_request_is_in_an_answer(code: str, html: bool, gateway: Gateway) -> None:
    accept = "text/html" if html else "*/*"
    answer = gateway.call("link", request(code, accept=accept))
    assert answer["statusCode"] in (404, 405)
    if len(code) > 5:
        assert code not in answer["body"]


def test_a_thousand_clicks_at_once_are_a_thousand_tasks(gateway: Gateway, logs: Logs) -> None:
    links = LinkSet("sandbox", BATCH_ID, f"https://{HOST}", int(NOW) + 1, [URL], [[0]] * 1_000)
    packed = {"links": pack_links(links)}
    gateway.store.put_if_absent([LedgerEntry(*links_key(SET), BATCH_ID, "", 0, packed)])
    app = gateway.app("link")
    for message in range(1_000):
        assert app.handler(request(code_of(gateway, message)), Context())["statusCode"] == 302
    assert len(clicks(gateway)) == 1_000
    assert counted(logs) == [("clicks", "sandbox")] * 1_000


def test_a_link_of_a_request_leads_to_its_url(gateway: Gateway) -> None:
    """From `send` to `dlr`: a link is requested, visited, and reported to the platform."""
    record = {
        "to": "919876543210",
        "from": "ACMEBK",
        "text": f"See {URL} today",
        "client_ref": "ref",
        "shorten_urls": True,
    }
    headers = {"authorization": "Bearer sandbox.sandbox-secret"}
    answer = gateway.call(
        "send", http_event("POST", "/v1/messages", json.dumps({"messages": [record]}), headers)
    )
    (sent,) = json.loads(answer["body"])["messages"]
    batch = gateway.store.get_batch(sent["mid"][:-2])
    assert batch
    _, link, _ = batch.messages[0].text.split()
    host, path, code = link.removeprefix("https://").split("/")
    assert (host, path) == ("hk.example", "ACMEBK")
    answer = gateway.call("link", request(code, path=f"/{path}"))
    assert answer["headers"]["Location"] == URL
    (click,) = clicks(gateway)
    assert (click.mid, click.short_url) == (sent["mid"], link)
