"""What an account reads and changes by API: its registered parts, and its messages."""

import base64
import gzip
import json
from typing import Any

import pytest

from harkara.accounts import Account, Credential, Scope, Secret, Template, hash_secret
from harkara.codes import MEANINGS, Code
from harkara.dlt.csv import export, parse
from harkara.errors import StoreUnavailable
from harkara.ids import mid_of
from harkara.messages import Category
from harkara.tasks import QueueName
from local.samples import CHUNK
from tests.functions.handlers import (
    CHUNK_ID,
    MSISDN,
    RECORD,
    SECRET,
    Context,
    Event,
    Gateway,
    Logs,
    datasend,
    http_event,
)

KEY = f"sandbox.{SECRET}"
SENDER = {"header": "NEWHDR", "categories": ["otp"]}
TEMPLATE = {"template_id": "1107", "category": "otp", "text": "{#numeric#} is your code"}
ROUTES = [
    *(
        pytest.param(method, f"/v1/{collection}{name}", id=f"{method} {collection}{name}")
        for collection in ("senders", "templates", "callbacks")
        for method, name in [
            ("GET", ""),
            ("POST", ""),
            ("GET", "/x"),
            ("PUT", "/x"),
            ("DELETE", "/x"),
        ]
    ),
    pytest.param("GET", f"/v1/messages/{CHUNK.mid(0)}", id="GET message"),
    pytest.param("DELETE", f"/v1/messages/{CHUNK.mid(0)}", id="DELETE message"),
    pytest.param("POST", "/cancel-scheduled/sms", id="cancel"),
]


def request(
    method: str,
    path: str,
    body: Any = None,
    key: str = KEY,
    query: dict[str, str] | None = None,
    **headers: str,
) -> Event:
    content = json.dumps(body) if isinstance(body, dict | list) else body
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    event = http_event(method, path, content, {"x-api-key": key, **names})
    event["queryStringParameters"] = query or {}
    return event


def assert_refused(answer: dict[str, Any], code: Code) -> str:
    """Check the one shape that errors have; return the message."""
    body = json.loads(answer["body"])
    assert answer["statusCode"] == MEANINGS[code].http_status
    assert body.keys() == {"status", "Error", "message"}
    assert (body["status"], body["Error"]) == (False, code)
    return str(body["message"])


def give(gateway: Gateway, username: str, account_id: str, *scopes: Scope) -> str:
    """Return the API key of a further credential."""
    gateway.accounts.credentials[username] = Credential(
        username=username,
        account_id=account_id,
        secrets=(Secret(hash=hash_secret(b"pepper", SECRET)),),
        scopes=scopes or tuple(Scope),
    )
    return f"{username}.{SECRET}"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_gets_in_without_a_secret(
    method: str, path: str, gateway: Gateway, logs: Logs
) -> None:
    gateway.put_samples()
    for key in ("", "sandbox.wrong", "nobody.wrong"):
        answer = gateway.call("manage", request(method, path, {}, key))
        assert_refused(answer, Code.UNAUTHORIZED)
    assert logs.private() == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_credential_without_the_scope_is_told_which(
    method: str, path: str, gateway: Gateway
) -> None:
    needed = Scope.READ if method == "GET" else Scope.ADMIN
    if "messages" in path or "cancel" in path:
        needed = Scope.READ if method == "GET" else Scope.SEND
    key = give(gateway, "other", "sandbox", *(scope for scope in Scope if scope is not needed))
    message = assert_refused(
        gateway.call("manage", request(method, path, {}, key)), Code.SCOPE_MISSING
    )
    assert f"(scope: {needed})" in message


def test_a_secret_of_one_account_reaches_nothing_of_another(gateway: Gateway) -> None:
    gateway.put_samples()
    gateway.accounts.accounts["other"] = Account(
        id="other", name="Other", carrier="sim", callback_hosts=("127.0.0.1",)
    )
    key = give(gateway, "other", "other")
    before = gateway.accounts.accounts["sandbox"]
    for collection, name in (
        ("senders", "SAMPLE"),
        ("templates", "1107160000000000007"),
        ("callbacks", "sample"),
    ):
        listed = gateway.call("manage", request("GET", f"/v1/{collection}", key=key))
        assert json.loads(listed["body"]) == {collection: [], "next": None}
        path = f"/v1/{collection}/{name}"
        shown = json.loads(gateway.call("manage", request("GET", path))["body"])
        for method, body in (("GET", None), ("PUT", shown), ("DELETE", None)):
            answer = gateway.call("manage", request(method, path, body, key))
            assert_refused(answer, Code.NOT_FOUND)
    file = gateway.call("manage", request("GET", "/v1/templates", key=key, accept="text/csv"))
    assert parse(file["body"].encode()) == []
    for method, path, body in (
        ("GET", f"/v1/messages/{CHUNK.mid(0)}", None),
        ("DELETE", f"/v1/messages/{CHUNK.mid(0)}", None),
        ("POST", "/cancel-scheduled/sms", {"mid": CHUNK.mid(0)}),
    ):
        assert_refused(gateway.call("manage", request(method, path, body, key)), Code.NOT_FOUND)
    gateway.call("manage", request("POST", "/v1/senders", SENDER, key))
    assert gateway.accounts.accounts["sandbox"] is before
    assert gateway.store.marks == {}


def test_what_is_created_is_what_send_goes_by(gateway: Gateway) -> None:
    created = gateway.call("manage", request("POST", "/v1/senders", SENDER))
    assert created["statusCode"] == 201
    assert gateway.accounts.accounts["sandbox"].senders["NEWHDR"].categories == (Category.OTP,)
    gateway.call("send", http_event("POST", "/datasend", datasend({**RECORD, "from": "NEWHDR"})))
    assert len(gateway.bodies(QueueName.SUBMIT_PRIORITY)) == 1


def test_pages_lead_from_one_to_the_next(gateway: Gateway) -> None:
    gateway.put_samples()
    seen: list[str] = []
    after = ""
    while after is not None:
        query = {"limit": "1", "after": after}
        page = json.loads(
            gateway.call("manage", request("GET", "/v1/callbacks", query=query))["body"]
        )
        seen += [each["id"] for each in page["callbacks"]]
        after = page["next"]
    assert seen == ["main", "sample", "unused"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"limit": "1,2"}, "limit"),
        ({"after": "x" * 65}, "after"),
    ],
)
def test_a_wrong_query_is_refused(query: dict[str, str], field: str, gateway: Gateway) -> None:
    answer = gateway.call("manage", request("GET", "/v1/senders", query=query))
    assert f"({field}: " in assert_refused(answer, Code.INVALID_REQUEST)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(None, Code.MALFORMED_JSON, id="no body"),
        pytest.param("{", Code.MALFORMED_JSON, id="half a body"),
        pytest.param(b"\xff", Code.MALFORMED_JSON, id="no UTF-8"),
        pytest.param('{"header": "\\ud800"}', Code.MALFORMED_JSON, id="half a character"),
        pytest.param("[]", Code.INVALID_REQUEST, id="an array"),
        pytest.param("{}", Code.INVALID_REQUEST, id="no fields"),
        pytest.param({**SENDER, "x": 1}, Code.INVALID_REQUEST, id="an unknown field"),
        pytest.param(" " * (4 * 1024 * 1024 + 1), Code.BODY_TOO_LARGE, id="more than 4 MB"),
    ],
)
def test_a_wrong_body_is_refused(body: Any, code: Code, gateway: Gateway) -> None:
    assert_refused(gateway.call("manage", request("POST", "/v1/senders", body)), code)
    assert gateway.accounts.accounts["sandbox"].senders == {}


@pytest.mark.parametrize("name", ["Acme%20Ltd", "Acme Ltd"])
def test_a_name_may_be_escaped_in_the_url(name: str, gateway: Gateway) -> None:
    gateway.call("manage", request("POST", "/v1/senders", {**SENDER, "header": "Acme Ltd"}))
    answer = gateway.call("manage", request("GET", f"/v1/senders/{name}"))
    assert json.loads(answer["body"])["header"] == "Acme Ltd"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("collection", ["senders", "templates", "callbacks"])
def test_a_name_of_any_length_is_not_found(method: str, collection: str, gateway: Gateway) -> None:
    for name in ("x", "x" * 65, "x" * 5_000, "%00", "%F0%9F%98%80" * 300):
        answer = gateway.call("manage", request(method, f"/v1/{collection}/{name}"))
        assert_refused(answer, Code.NOT_FOUND)


def test_what_is_removed_is_gone(gateway: Gateway) -> None:
    gateway.put_samples()
    answer = gateway.call("manage", request("DELETE", "/v1/senders/UNUSED"))
    assert (answer["statusCode"], answer["body"]) == (204, "")
    again = gateway.call("manage", request("DELETE", "/v1/senders/UNUSED"))
    assert_refused(again, Code.NOT_FOUND)
    assert_refused(gateway.call("manage", request("DELETE", "/v1/callbacks/main")), Code.IN_USE)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/accounts"), ("PUT", "/v1/accounts/x"), ("GET", "/v1")],
)
def test_another_route_is_not_found(method: str, path: str, gateway: Gateway) -> None:
    assert_refused(gateway.call("manage", request(method, path, {})), Code.NOT_FOUND)


def test_another_method_is_told_which_are_allowed(gateway: Gateway) -> None:
    answer = gateway.call("manage", request("PATCH", "/v1/senders", {}))
    assert_refused(answer, Code.METHOD_NOT_ALLOWED)
    assert answer["headers"]["Allow"] == "GET, POST"


def test_a_store_that_fails_says_try_again(gateway: Gateway) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("a text of AWS")

    gateway.registry.find = fail  # type: ignore[method-assign,assignment]
    answer = gateway.call("manage", request("GET", "/v1/senders"))
    assert_refused(answer, Code.TRY_AGAIN)


# Templates as CSV


def template(number: int) -> Template:
    return Template(
        dlt_template_id=str(number), category=Category.OTP, text=f'"{number}", {{#var#}}\nनमस्ते'
    )


@pytest.mark.parametrize(
    ("packed", "content_type"),
    [
        (False, "text/csv"),
        (False, "Text/CSV; charset=utf-8"),
        (False, "application/csv"),
        (True, "application/gzip"),
        (True, "application/x-gzip"),
    ],
)
def test_a_file_is_imported_and_exported(
    packed: bool, content_type: str, gateway: Gateway, logs: Logs
) -> None:
    content = export([template(1), template(2)])
    body = gzip.compress(content) if packed else content.decode()
    event = request("POST", "/v1/templates", body, content_type=content_type)
    report = json.loads(gateway.call("manage", event)["body"])
    assert report == {
        "created": 2,
        "changed": 0,
        "unchanged": 0,
        "skipped": 0,
        "refused": 0,
        "rows": [
            {"row": 2, "template_id": "1", "result": "created", "problem": ""},
            {"row": 3, "template_id": "2", "result": "created", "problem": ""},
        ],
    }
    assert [line["counts"]["created"] for line in logs.lines() if "counts" in line] == [2]
    answer = gateway.call("manage", request("GET", "/v1/templates", accept="text/csv, */*;q=0.1"))
    assert answer["headers"]["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["body"].encode() == content
    answer = gateway.call(
        "manage", request("GET", "/v1/templates", accept="text/csv", accept_encoding="br, gzip")
    )
    assert answer["headers"]["Content-Encoding"] == "gzip"
    assert answer["isBase64Encoded"]
    assert gzip.decompress(base64.b64decode(answer["body"])) == content


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("Content,Type\nx,T", id="a column is missing"),
        pytest.param("", id="empty"),
        pytest.param(None, id="no body"),
        pytest.param("\x1f\ufffd\x08", id="spoiled gzip"),
        pytest.param(b"Template ID,Content,Type\n1,\xff,T", id="no UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(body: str | bytes | None, gateway: Gateway) -> None:
    answer = gateway.call("manage", request("POST", "/v1/templates", body, content_type="text/csv"))
    assert_refused(answer, Code.INVALID_CSV)
    assert gateway.accounts.accounts["sandbox"].templates == {}


def test_csv_is_for_templates_alone(gateway: Gateway) -> None:
    answer = gateway.call(
        "manage", request("POST", "/v1/senders", "Header\nX", content_type="text/csv")
    )
    assert_refused(answer, Code.MALFORMED_JSON)
    answer = gateway.call("manage", request("GET", "/v1/senders", accept="text/csv"))
    assert json.loads(answer["body"]) == {"senders": [], "next": None}


def test_an_export_that_is_too_large_says_how_to_get_it(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.put_samples()
    app = gateway.app("manage")
    monkeypatch.setattr(app, "EXPORT_LIMIT_BYTES", 100)
    for encoding, way in (("", "Accept-Encoding: gzip"), ("gzip", "in JSON, page by page")):
        event = request("GET", "/v1/templates", accept="text/csv", accept_encoding=encoding)
        answer = app.handler(event, Context())
        assert way in assert_refused(answer, Code.INVALID_REQUEST)


# Messages


def test_a_message_is_shown_without_its_text(gateway: Gateway, logs: Logs) -> None:
    gateway.put_chunk()
    mid = mid_of(CHUNK_ID, 0)
    answer = gateway.call("manage", request("GET", f"/v1/messages/{mid}"))
    body = json.loads(answer["body"])
    assert (body["mid"], body["to"], body["state"]) == (mid, MSISDN, "accepted")
    assert "4711" not in answer["body"]
    assert logs.private() == []


@pytest.mark.parametrize("way", ["DELETE", "key", "body"])
def test_a_message_is_cancelled(way: str, gateway: Gateway, logs: Logs) -> None:
    gateway.put_chunk()
    mid = mid_of(CHUNK_ID, 1)
    event = request("POST", "/cancel-scheduled/sms", {"mid": mid})
    if way == "DELETE":
        event = request("DELETE", f"/v1/messages/{mid}")
    elif way == "body":
        body = {"user": "sandbox", "pass": SECRET, "mid": mid}
        event = request("POST", "/cancel-scheduled/sms", body, key="")
    answer = gateway.call("manage", event)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "status": "cancelled",
        "mid": mid,
        "to": MSISDN,
        "client_ref": "ref",
    }
    assert len(gateway.bodies(QueueName.RECEIPT)) == 1
    shown = gateway.call("manage", request("GET", f"/v1/messages/{mid}"))
    assert json.loads(shown["body"])["state"] == "cancelled"
    assert logs.private() == []


@pytest.mark.parametrize("fields", [{"mid": []}, {"mid": {}}, {"mid": "x", "user": []}])
def test_a_wrong_cancel_is_refused(fields: dict[str, Any], gateway: Gateway) -> None:
    answer = gateway.call("manage", request("POST", "/cancel-scheduled/sms", fields))
    assert_refused(answer, Code.INVALID_REQUEST)


@pytest.mark.parametrize("mid", ["x", "", CHUNK.mid(0), "1" * 29, "x" * 10_000])
def test_an_unknown_message_is_not_found(mid: str, gateway: Gateway) -> None:
    gateway.put_chunk()
    answer = gateway.call("manage", request("POST", "/cancel-scheduled/sms", {"mid": mid}))
    assert_refused(answer, Code.NOT_FOUND)
