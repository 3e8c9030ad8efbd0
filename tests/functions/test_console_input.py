"""What the console gets from outside: hostile values, wrong files and forms, repeats, no store."""

from typing import Any

import pytest

from console import assets
from harkara.base.errors import StoreUnavailable
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Category
from tests.functions.handlers import Gateway
from tests.functions.invoking import Logs
from tests.functions.visiting_console import (
    OPERATORS_PAGES,
    PAGES,
    Page,
    operating,
    request,
    signed_in,
    visit,
)
from tests.support.people import changes

HOSTILE = "<img src=x onerror=alert(1)>'\"&{{7*7}}=1+1"


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.put_samples()
    return signed_in(gateway)


def test_what_comes_from_outside_is_shown_as_text(gateway: Gateway, cookie: str) -> None:
    """Also where a form comes back with an error, and where an endpoint answers."""
    gateway.registry.put_all(
        "sandbox",
        [
            Template.model_construct(
                dlt_template_id="7",
                name=HOSTILE,
                headers=(HOSTILE,),
                category=Category.OTP,
                text=HOSTILE,
                pe_id=HOSTILE,
            ),
            Sender.model_construct(
                header=HOSTILE, categories=(Category.OTP,), pe_id=HOSTILE, callback=HOSTILE
            ),
            CallbackEndpoint.model_construct(id="bad", name=HOSTILE, url=HOSTILE, format="generic"),
        ],
    )
    fields = dict.fromkeys(
        ("template_id", "name", "headers", "text", "pe_id", "header", "to", "from", "url", "id")
        + ("variables", "category", "categories", "format", "states", "callback", "email", "next"),
        HOSTILE,
    )
    request: list[tuple[str, str, dict[str, Any]]] = [
        *(("GET", f"/console/{path}", {}) for path in ("templates", "senders", "callbacks")),
        *(("GET", f"/console/{path}", {}) for path in ("templates/7", "callbacks/bad", "test")),
        *(("POST", f"/console/{path}", {"fields": fields}) for path in ("templates", "senders")),
        *(("POST", f"/console/{path}", {"fields": fields}) for path in ("callbacks", "test")),
        ("POST", "/console/templates/try", {"fields": fields}),
        ("POST", "/console/send", {"fields": {**fields, "pasted": HOSTILE}}),
        ("POST", "/console/send", {"fields": {**fields, "pasted": f"to,text\n{HOSTILE},x"}}),
        ("POST", "/console/users", {"fields": fields}),
        ("POST", "/console/users/change", {"fields": {**fields, "act": HOSTILE}}),
        ("POST", "/console/sign-in", {"fields": fields}),
        ("GET", "/console/find", {"query": {"q": HOSTILE}}),
        ("GET", f"/console/{HOSTILE}", {}),
        ("GET", "/console/templates", {"query": {"header": HOSTILE, "after": HOSTILE}}),
    ]
    visible = 0
    for method, path, options in request:
        answer = visit(gateway, method, path, cookie=cookie, **options)
        assert answer["statusCode"] < 500, path
        page = Page(answer["body"])
        assert "img" not in [tag for tag, _ in page.tags], path
        assert not [name for _, names in page.tags for name in names if name.startswith("on")]
        assert "49" not in "".join(page.words).replace("4988", ""), path
        visible += "onerror" in answer["body"]
    assert visible > 10


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"\x00\x01\x02\xff" * 1000, 400),
        (b"%PDF-1.7 not a table", 400),
        (b"PK\x03\x04" + b"\x00" * 100, 400),
        (b"a;b\n1;2\n", 400),
        (b"x" * 4_300_000, 413),
    ],
    ids=["empty", "bytes", "pdf", "xlsx", "other columns", "too large"],
)
@pytest.mark.parametrize("path", ["/console/templates/upload", "/console/send"])
def test_a_file_of_another_kind_is_refused_with_a_reason(
    path: str, content: bytes, status: int, gateway: Gateway, cookie: str
) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
    answer = visit(
        gateway,
        "POST",
        path,
        fields=head + content + b"\r\n--b--\r\n",
        cookie=cookie,
        content_type="multipart/form-data; boundary=b",
    )
    assert answer["statusCode"] == status
    assert 'role="alert"' in answer["body"] or "too large" in answer["body"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nbroken"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 1000)),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&text=\xff"),
        ("text/plain", b"x"),
    ],
)
def test_a_malformed_form_changes_nothing(
    content_type: str, body: bytes, gateway: Gateway, cookie: str
) -> None:
    before = gateway.accounts.accounts["sandbox"]
    for path in ("/console/templates", "/console/test", "/console/sign-in", "/console/invitation"):
        answer = visit(gateway, "POST", path, fields=body, cookie=cookie, content_type=content_type)
        assert answer["statusCode"] == 200 or 400 <= answer["statusCode"] < 500
    assert gateway.accounts.accounts["sandbox"] == before
    assert not gateway.queues.waiting


def test_a_test_message_is_sent_once_however_often_its_form_comes(
    gateway: Gateway, cookie: str
) -> None:
    form = {"to": "919876543210", "from": "ACMEBK", "text": "Hello", "key": "k1", "action": "send"}
    answers = [
        visit(gateway, "POST", "/console/test", fields=form, cookie=cookie) for _ in range(2)
    ]
    indexes = {answer["headers"]["Location"] for answer in answers}
    assert len(indexes) == 1
    assert len(gateway.queues.waiting) == 1
    other = visit(gateway, "POST", "/console/test", fields={**form, "key": "k2"}, cookie=cookie)
    assert other["headers"]["Location"] not in indexes
    assert changes(gateway.people)[-1].action == "message.test"
    assert "919876543210" not in str(changes(gateway.people))


def test_a_store_that_cannot_be_reached_gives_a_page_that_says_try_again(
    gateway: Gateway, cookie: str, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("throttled")

    for index in (gateway.registry, gateway.people.store):
        name = "find" if index is gateway.registry else "get"
        monkeypatch.setattr(index, name, away)
        answer = visit(gateway, "GET", "/console/senders", cookie=cookie)
        assert answer["statusCode"] == 503
        assert "Please try again" in answer["body"]
    monkeypatch.setattr(gateway.people.store, "get", lambda _: 1 / 0)
    answer = visit(gateway, "GET", "/console/senders", cookie=cookie)
    assert answer["statusCode"] == 500
    assert "ZeroDivision" not in answer["body"]
    assert "division" not in answer["body"]


def test_files_are_cached_for_a_year_and_packed_where_that_is_taken(gateway: Gateway) -> None:
    for name in assets.ASSETS:
        path = assets.url(name)
        plain = visit(gateway, "GET", path)
        packed = visit(gateway, "GET", path, accept_encoding="gzip, br")
        assert plain["body"] == packed["body"]
        assert "immutable" in packed["headers"]["Cache-Control"]
        assert packed["headers"]["Content-Encoding"] == "gzip"
    assert visit(gateway, "GET", assets.url("../people.py"))["statusCode"] == 404
    assert visit(gateway, "GET", assets.url("nothing.css"))["statusCode"] == 404


def test_pages_and_files_are_small(gateway: Gateway, cookie: str) -> None:
    sizes = {name: len(each.packed) for name, each in assets.ASSETS.items()}
    assert sizes["console.css"] <= 12_000
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= 25_000
    for path in (*PAGES, *OPERATORS_PAGES):
        person = operating(gateway) if path in OPERATORS_PAGES else cookie
        event = request("GET", path, cookie=person, accept_encoding="gzip")
        assert len(gateway.call("console", event)["body"]) * 3 / 4 <= 20_000


def test_an_unknown_path_is_a_page(gateway: Gateway, cookie: str) -> None:
    for method, path in (("GET", "/console/nothing"), ("POST", "/console/find"), ("GET", "/x")):
        answer = visit(gateway, method, path, cookie=cookie)
        assert answer["statusCode"] == 404
        assert "There is no such page" in answer["body"]
