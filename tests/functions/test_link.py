"""The link function: its redirects, its answers, its counts."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.links.codec import LinkKey, LinkSet, pack_links
from harkara.model.events import ClickTask
from harkara.model.ledger import LedgerEntry, links_key
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, NOW, Context, Logs, http_event
from tests.functions.visiting import HOST, URL, clicks, code_of, counted, put_links, request

SAFE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


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
    assert [click.by_bot for click in clicks(gateway)] == [True]
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
    put_links(gateway, expires_at_s=int(NOW))
    answer = gateway.call("link", request(code_of(gateway)))
    assert_page(answer, 410, "This link has ended")
    assert "acme.example" not in answer["body"]
    assert clicks(gateway) == []
    assert counted(logs) == [("links_ended", "sandbox")]


@pytest.mark.parametrize(
    ("visible", "status"), [("/ACMEBK", 302), ("", 302), ("/OTHERS", 404), ("/BK", 404)]
)
def test_a_path_before_the_code_is_the_accounts_own(
    visible: str, status: int, gateway: Gateway
) -> None:
    put_links(gateway, path="/ACMEBK")
    answer = gateway.call("link", request(code_of(gateway), path=visible))
    assert answer["statusCode"] == status


@pytest.mark.parametrize(
    ("visible", "status"),
    [("/ACMEBK", 302), ("", 302), ("/ACMEFD", 404), ("/{header}", 404), ("/BK", 404)],
)
def test_a_link_by_header_leads_on_below_its_own_header(
    visible: str, status: int, gateway: Gateway
) -> None:
    put_links(gateway, path="/{header}", headers=("ACMEBK", "", "ACMEFD"))
    code = code_of(gateway)
    answer = gateway.call("link", request(code, path=visible))
    assert answer["statusCode"] == status
    short_urls = [f"https://{HOST}/ACMEBK/{code}"] if status == 302 else []
    assert [click.short_url for click in clicks(gateway)] == short_urls


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
        code = gateway.link_signer.code(HOST, LinkKey(number, 0, 0))
        assert app.handler(request(code), Context())["statusCode"] == 302
    assert len(service._sets) < 100


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_table_that_is_away_is_a_page_that_says_try_again(
    method: str, gateway: Gateway, logs: Logs
) -> None:
    class Away:
        def get_entries(self, *_: object) -> None:
            raise StoreUnavailable("ThrottlingException")

    service = gateway.link_service()
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
