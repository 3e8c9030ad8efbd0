"""The API's description compared to the implementation, and the page made from it."""

import ast
import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harkara.accept.formats import ics, native
from harkara.accept.requests import Options, Record, SendRequest
from harkara.api.openapi import managing, page
from harkara.api.openapi.answers import RECORDS
from harkara.api.openapi.document import document
from harkara.api.resolver import ROUTES
from harkara.base.codes import MEANINGS, Code
from harkara.base.json import encode
from harkara.manage.registry import PAGE_LIMIT, RowResult
from harkara.model.messages import Category, State

ROOT = Path(__file__).parents[3]
METHODS = ("get", "head", "post", "put", "delete")
SCHEMAS = document()["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": item[method]
    for path, item in document()["paths"].items()
    for method in METHODS
    if method in item
}
# Such a record is refused only when the account or the time is known.
LATER = {"PROMOTIONAL_HOURS", "URL_NOT_ALLOWED"}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from nodes(each)


def codes_of(operation: dict[str, Any]) -> dict[str, str]:
    """Return the codes with which an operation is refused, and the status of each."""
    return {
        code: status
        for status, answer in operation["responses"].items()
        for node in nodes(answer.get("content", {}))
        if "Error" in node
        for code in node["Error"]["enum"]
    }


def test_the_routes_are_those_of_the_api() -> None:
    routes = {f"{method} {path}" for path, methods in ROUTES.items() for method in methods}
    # The console's pages are for people.
    assert set(OPERATIONS) == {route for route in routes if " /console" not in route}


def test_every_operation_has_a_name_of_its_own_and_a_tag_of_the_document() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    tags = [tag["name"] for tag in document()["tags"]]
    assert {tag for each in OPERATIONS.values() for tag in each["tags"]} == set(tags)


def test_every_reference_leads_to_a_component() -> None:
    for reference in {node["$ref"] for node in nodes(document()) if "$ref" in node}:
        assert reference.startswith("#/components/")
        _, _, kind, name = reference.split("/")
        assert name in document()["components"][kind]


def test_every_parameter_in_a_path_is_described() -> None:
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                described = {each["name"] for each in parameters if each.get("in") == "path"}
                assert described == set(re.findall(r"{(\w+)}", path))


@pytest.mark.parametrize("route", OPERATIONS)
def test_a_refusal_has_the_status_of_its_code(route: str) -> None:
    for code, status in codes_of(OPERATIONS[route]).items():
        assert status == str(MEANINGS[Code(code)].http_status)


@pytest.mark.parametrize(
    "route", [route for route, operation in OPERATIONS.items() if operation["security"]]
)
def test_what_takes_credentials_refuses_the_wrong_ones(route: str) -> None:
    statuses = OPERATIONS[route]["responses"]
    assert {"401", "403", "503", "500"} <= set(statuses)
    assert statuses["401"]["headers"].keys() == {"WWW-Authenticate"}
    assert statuses["503"]["headers"].keys() == {"Retry-After"}


@pytest.mark.parametrize("route", OPERATIONS)
def test_what_sends_takes_an_idempotency_key_and_knows_rates(route: str) -> None:
    operation = OPERATIONS[route]
    sends = operation["tags"] == ["Send"] and operation["operationId"] != "health"
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    assert (key in operation.get("parameters", [])) == sends
    assert ("429" in operation["responses"]) == sends


def test_the_document_has_the_table_of_codes() -> None:
    assert document()["x-codes"] == {
        code.value: meaning._asdict() for code, meaning in MEANINGS.items()
    }


def test_records_are_refused_with_the_codes_that_the_errors_page_names() -> None:
    page_text = (ROOT / "docs" / "errors.md").read_text()
    section = page_text.partition("## Records")[2].partition("\n## ")[0]
    assert set(RECORDS) == {*re.findall(r"^\| `(\w+)`", section, re.M), *LATER}


def test_words_and_limits_are_those_of_the_code() -> None:
    report = SCHEMAS["ImportReport"]["properties"]
    assert report.keys() - {"rows", "left_out"} == {*map(str, RowResult)}
    assert report["rows"]["items"]["properties"]["result"]["enum"] == [*map(str, RowResult)]
    assert managing.PAGE_LIMIT == PAGE_LIMIT
    assert {*map(str, State)} < set(SCHEMAS["MessageHistory"]["properties"]["state"]["enum"])
    assert SCHEMAS["NewMessage"]["properties"]["category"]["examples"] == [*map(str, Category)]


# Every described field is read, and every field that is read is described.

VALUES: dict[str, Any] = {
    "smstype": "otp",
    "category": "otp",
    "scheduletime": "2026-01-31 18:30:00",
    "send_at": "2026-01-31T18:30:00Z",
    "validity": 77,
    "validity_period_s": 77,
    "templatevariables": ["x"],
    "variables": ["x"],
    "allowunicode": False,
    "urlshortening": False,
    "shorten_urls": False,
}
# An option with two names has its value under the other one.
UNREAD = {"user", "pass", "username", "password", "urlshortening", "shorten_urls"}


def read_ics(fields: dict[str, Any]) -> SendRequest:
    return ics.parse(encode({"smstosend": [fields]}))[1]


def read_single(fields: dict[str, Any]) -> SendRequest:
    return ics.parse(encode(fields))[1]


def read_smpp(fields: dict[str, Any]) -> SendRequest:
    return ics.parse_smpp("", encode(fields), "application/json")[1]


def read_native(fields: dict[str, Any]) -> SendRequest:
    return native.parse(encode({"messages": [fields]}))


@pytest.mark.parametrize(
    ("schema", "read"),
    [
        pytest.param("IcsRecord", read_ics, id="batch"),
        pytest.param("IcsSingle", read_single, id="single"),
        pytest.param("SmppMessage", read_smpp, id="smpp"),
        pytest.param("NewMessage", read_native, id="native"),
    ],
)
def test_every_described_field_is_read_and_no_other(schema: str, read: Any) -> None:
    names = SCHEMAS[schema]["properties"].keys()
    fields = {name: VALUES.get(name, f"value of {name}") for name in names}
    (record,) = read(fields).records
    assert record.problem is None
    filled = Record._fields[: Record._fields.index("options")]
    assert all(getattr(record, name) for name in filled)
    options = native.OPTIONS if read is read_native else ics.OPTIONS
    assert {name for name in options if name in names} == options.keys()
    plain = Options()._asdict()
    read_options = {field.option for field in options.values()}
    assert all(getattr(record.options, name) != plain[name] for name in read_options)
    for name in names - UNREAD:
        (without,) = read({key: value for key, value in fields.items() if key != name}).records
        assert without != record


@pytest.mark.parametrize("form", ["IcsForm", "SmppForm"])
def test_a_form_has_the_fields_of_theencode(form: str) -> None:
    json_fields = SCHEMAS[{"IcsForm": "IcsSingle", "SmppForm": "SmppMessage"}[form]]["properties"]
    assert SCHEMAS[form]["properties"].keys() - {"smstosend"} == json_fields.keys()


def test_the_query_has_the_fields_of_the_form() -> None:
    operation = OPERATIONS["GET /smpp"]
    query = {each["name"] for each in operation["parameters"] if each.get("in") == "query"}
    assert query | {"username", "password"} == SCHEMAS["SmppForm"]["properties"].keys()


def test_only_manage_pays_for_it() -> None:
    importers = {
        path.parent.name
        for path in [*ROOT.glob("functions/*/app.py"), *ROOT.glob("layers/core/harkara/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (f"{node.module}.{node.names[0].name}").startswith("harkara.api.openapi")
    }
    assert importers == {"manage", "openapi"}


# The page


class Reader(HTMLParser):
    """Collects the contents of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.links.add(str(value))


def reading(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def test_the_page_needs_nothing_from_elsewhere() -> None:
    found = reading(page.render(document()))
    assert not found.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert found.attributes <= {"id", "href", "lang", "charset", "name", "content"}
    assert {link for link in found.links if not link.startswith("#")} == {"openapi.json"}


def test_the_pages_links_lead_to_its_own_parts() -> None:
    found = reading(page.render(document()))
    assert len(set(found.ids)) == len(found.ids)
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_the_page_shows_every_operation_object_and_code() -> None:
    found = reading(page.render(document()))
    names = {operation["operationId"] for operation in OPERATIONS.values()}
    assert names | set(SCHEMAS) | {*map(str, Code)} <= set(found.ids)


def test_the_policy_admits_the_pages_style_and_nothing_else() -> None:
    html = page.render(document())
    (style,) = re.findall("<style>(.*?)</style>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.HEADERS["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert {each.partition(" ")[2] for each in policy[2:]} == {"'none'"}


def test_what_stands_in_the_document_is_no_markup() -> None:
    hostile = '"><script>alert(1)</script>`<img src=x>`'
    spoilt = document() | {
        "info": {"title": hostile, "description": hostile},
        "x-codes": {"A": {**MEANINGS[Code.NO_RECORDS]._asdict(), "advice": hostile}},
    }
    found = reading(page.render(spoilt))
    assert not found.tags & {"script", "img"}
