"""The account's templates as files: imported and exported by API."""

import base64
import gzip
import json

import pytest

from harkara.accounts import Template
from harkara.codes import Code
from harkara.dlt.csv import export
from harkara.messages import Category
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
