"""The account's templates as files: imported and exported by API."""

import base64
import gzip
import json

import pytest

from harkara.api import resolver
from harkara.base.codes import Code
from harkara.manage.template_csv import export
from harkara.model.accounts import Template
from harkara.model.messages import Category
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import Context, Logs
from tests.functions.managing import request


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
        (False, "text/plain"),
        (False, "application/vnd.ms-excel"),
        (False, "application/octet-stream"),
        (False, "application/x-www-form-urlencoded"),
        (False, "text/tab-separated-values"),
        (True, "application/octet-stream"),
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
        "left_out": 0,
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
    monkeypatch.setattr(resolver, "EXPORT_LIMIT_BYTES", 100)
    for encoding, way in (("", "Accept-Encoding: gzip"), ("gzip", "in JSON, page by page")):
        event = request("GET", "/v1/templates", accept="text/csv", accept_encoding=encoding)
        answer = app.handler(event, Context())
        assert way in assert_refused(answer, Code.INVALID_REQUEST)


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/csv"])
def test_a_json_object_is_one_template_whatever_it_is_called(
    content_type: str, gateway: Gateway
) -> None:
    body = json.dumps({"template_id": "1", "category": "otp", "text": "x"})
    event = request("POST", "/v1/templates", body, content_type=content_type)
    assert gateway.call("manage", event)["statusCode"] == 201


def test_a_file_without_types_asks_for_one(gateway: Gateway) -> None:
    body = "Template ID,Content\n1,x"
    event = request("POST", "/v1/templates", body, content_type="text/csv")
    assert "?type=" in assert_refused(gateway.call("manage", event), Code.INVALID_CSV)
    query = {"type": "Service (Implicit)"}
    event = request("POST", "/v1/templates", body, query=query, content_type="text/csv")
    assert json.loads(gateway.call("manage", event)["body"])["created"] == 1
    registered = gateway.accounts.accounts["sandbox"].templates["1"]
    assert registered.category is Category.SERVICE_IMPLICIT
    event = request("POST", "/v1/templates", body, query={"type": "Foo"}, content_type="text/csv")
    assert "(type: one of" in assert_refused(gateway.call("manage", event), Code.INVALID_REQUEST)


def test_utf_16_is_read(gateway: Gateway) -> None:
    body = "sep=;\nTemplate ID;Content;Type\n1;नमस्ते {# NUM #};Trans".encode("utf-16")
    event = request("POST", "/v1/templates", body, content_type="application/octet-stream")
    assert json.loads(gateway.call("manage", event)["body"])["created"] == 1
    registered = gateway.accounts.accounts["sandbox"].templates["1"]
    assert registered.text == "नमस्ते {# NUM #}"


def test_what_may_be_wrong_is_said(gateway: Gateway) -> None:
    body = "Template ID,Content,Type\n1,Dear ##name##,T\n2,x,T\n3,x,Foo"
    event = request("POST", "/v1/templates", body, content_type="text/csv")
    rows = json.loads(gateway.call("manage", event)["body"])["rows"]
    assert [row["result"] for row in rows] == ["created", "created", "refused"]
    assert rows[0]["problem"].startswith("character 6 of the text begins what looks like")
    assert rows[1]["problem"] == ""
    fields = {"template_id": "1", "category": "otp", "text": "Dear ##name##"}
    answer = gateway.call("manage", request("PUT", "/v1/templates/1", fields))
    assert json.loads(answer["body"])["warning"] == rows[0]["problem"]
    header = {"header": "VM-ACMEFD-S", "categories": ["otp"]}
    answer = gateway.call("manage", request("POST", "/v1/senders", header))
    assert answer["statusCode"] == 201
    assert "without what operators put around it" in json.loads(answer["body"])["warning"]
    answer = gateway.call("manage", request("GET", "/v1/senders/VM-ACMEFD-S"))
    assert "warning" not in json.loads(answer["body"])


def test_templates_are_listed_and_audited_with_their_marks(gateway: Gateway) -> None:
    fields = {"template_id": "1", "category": "otp", "text": "Your code at Acme: {#var#}"}
    gateway.call("manage", request("POST", "/v1/templates", fields))
    listed = json.loads(gateway.call("manage", request("GET", "/v1/templates"))["body"])
    (row,) = [each for each in listed["templates"] if each["template_id"] == "1"]
    assert [mark["rule"] for mark in row["marks"]] == ["untagged"]
    audited = json.loads(gateway.call("manage", request("GET", "/v1/templates/audit"))["body"])
    marks = {each["template_id"]: each["marks"] for each in audited["templates"]}
    assert marks["1"] == row["marks"]
    event = request("GET", "/v1/templates/audit", accept="text/csv")
    answer = gateway.call("manage", event)
    assert answer["headers"]["Content-Type"].startswith("text/csv")
    assert "1,,untagged," in answer["body"]
