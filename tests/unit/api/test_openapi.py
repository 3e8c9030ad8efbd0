"""The API's description compared to the implementation, and the page made from it."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harkara.accept.formats import ics, native
from harkara.accept.formats.refusals import REFUSALS
from harkara.accept.requests import Options, Record, SendRequest
from harkara.api import docs
from harkara.api.description import RECORDS
from harkara.api.resolver import ROUTES
from harkara.base.codes import MEANINGS, Code
from harkara.base.json import encode
from harkara.manage.registry import RowResult
from harkara.model.messages import Category, State
from tests.support.ics_bodies import parse_datasend, parse_smpp
from tools import write_openapi

ROOT = Path(__file__).parents[3]
METHODS = ("get", "head", "post", "put", "delete")
DOCUMENT: dict[str, Any] = json.loads(docs.DOCUMENT.read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": item[method]
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
}
# Such a record is refused only when the account or the time is known.
LATER = {"PROMOTIONAL_HOURS", "URL_NOT_ALLOWED"}
# It has a key of its own, and answers most refusals with 200.
HOOK = "POST /hooks/supabase"


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
        for code in answer.get("x-codes", ())
    }


@pytest.mark.parametrize(
    ("path", "text"), write_openapi.files().items(), ids=lambda value: getattr(value, "name", "")
)
def test_a_generated_file_is_current(path: Path, text: str) -> None:
    assert path.read_text() == text, "`make openapi` writes it anew"


def test_every_error_is_one_component_and_every_enum_has_a_name() -> None:
    for route, operation in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            if status >= "400" and route.partition(" ")[2] not in REFUSALS:
                schema = answer["content"].get("application/json", {}).get("schema")
                assert schema in (None, {"$ref": "#/components/schemas/Error"})
                assert schema or status == "410"
    named = [id(schema) for schema in SCHEMAS.values()]
    choices = [node for node in nodes(DOCUMENT) if isinstance(node.get("enum"), list)]
    assert choices
    assert all(id(node) in named for node in choices)


def test_the_first_schema_of_one_message_is_that_with_its_mid() -> None:
    """Generated clients try the schemas in order, and take the first that fits."""
    for route, singles in (("POST /v1/messages", "SentSingle"), ("POST /smpp", "IcsSingleAnswer")):
        content = OPERATIONS[route]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"]
        first = schema.get("anyOf", [schema])[0]
        assert first == {"$ref": f"#/components/schemas/{singles}"}
        assert {"mid", "status"} <= set(SCHEMAS[singles]["required"])


def test_the_routes_are_those_of_the_api() -> None:
    routes = {f"{method} {path}" for path, methods in ROUTES.items() for method in methods}
    # The console's pages are for people.
    assert set(OPERATIONS) == {route for route in routes if " /console" not in route}


def test_every_operation_has_a_name_of_its_own_and_a_tag_of_the_document() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    tags = [tag["name"] for tag in DOCUMENT["tags"]]
    assert {tag for each in OPERATIONS.values() for tag in each["tags"]} == set(tags)


def test_every_reference_leads_to_a_component() -> None:
    for reference in {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}:
        assert reference.startswith("#/components/")
        _, _, kind, name = reference.split("/")
        assert name in DOCUMENT["components"][kind]


def test_every_parameter_in_a_path_is_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                described = {each["name"] for each in parameters if each.get("in") == "path"}
                assert described == set(re.findall(r"{(\w+)}", path))


@pytest.mark.parametrize(
    "route", [route for route in OPERATIONS if route.partition(" ")[2] not in REFUSALS]
)
def test_a_refusal_has_the_status_of_its_code(route: str) -> None:
    assert codes_of(OPERATIONS[route])
    for code, status in codes_of(OPERATIONS[route]).items():
        assert status == str(MEANINGS[Code(code)].http_status)


@pytest.mark.parametrize(
    "route", [route for route, operation in OPERATIONS.items() if operation["security"]]
)
def test_what_takes_credentials_refuses_the_wrong_ones(route: str) -> None:
    statuses = OPERATIONS[route]["responses"]
    assert {"401", "503", "500"} <= set(statuses)
    assert "403" in statuses or route == HOOK
    assert statuses["401"]["headers"].keys() == {"WWW-Authenticate"}
    assert statuses["503"]["headers"].keys() == {"Retry-After"}


@pytest.mark.parametrize("route", OPERATIONS)
def test_what_sends_takes_an_idempotency_key_and_knows_rates(route: str) -> None:
    operation = OPERATIONS[route]
    sends = operation["tags"] == ["Send"] and route != HOOK
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    assert (key in operation.get("parameters", [])) == sends
    assert ("429" in operation["responses"]) == sends


def test_the_document_has_the_table_of_codes() -> None:
    assert DOCUMENT["x-codes"] == {
        code.value: meaning._asdict() for code, meaning in MEANINGS.items()
    }


def test_records_are_refused_with_the_codes_that_the_errors_page_names() -> None:
    page_text = (ROOT / "docs" / "errors.md").read_text()
    section = page_text.partition("## Records")[2].partition("\n## ")[0]
    assert set(RECORDS) == {*re.findall(r"^\| `(\w+)`", section, re.M), *LATER}


def test_words_and_limits_are_those_of_the_code() -> None:
    report = SCHEMAS["ImportReport"]["properties"]
    assert report.keys() - {"rows", "left_out"} == {*map(str, RowResult)}
    assert SCHEMAS["RowResult"]["enum"] == [*map(str, RowResult)]
    assert SCHEMAS["State"]["enum"] == [*map(str, State)]
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
    "rcs": {"text": "Hello"},
}
# An option with two names has its value under the other one.
UNREAD = {"user", "pass", "username", "password", "urlshortening", "shorten_urls"}


def read_ics(fields: dict[str, Any]) -> SendRequest:
    return parse_datasend(encode({"smstosend": [fields]}))[1]


def read_single(fields: dict[str, Any]) -> SendRequest:
    return parse_datasend(encode(fields))[1]


def read_smpp(fields: dict[str, Any]) -> SendRequest:
    return parse_smpp("", encode(fields), "application/json")[1]


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


@pytest.mark.parametrize("form", ["IcsSingle", "SmppMessage"])
def test_a_form_has_the_fields_of_the_object(form: str) -> None:
    fields = SCHEMAS[f"{form}Form"]["properties"].keys() - {"smstosend"}
    assert fields == SCHEMAS[form]["properties"].keys()


def test_the_query_has_the_fields_of_the_form() -> None:
    operation = OPERATIONS["GET /smpp"]
    query = {each["name"] for each in operation["parameters"] if each.get("in") == "query"}
    assert query | {"username", "password"} == SCHEMAS["SmppMessageForm"]["properties"].keys()


# The page


class Reader(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_page_loads_nothing_but_the_document() -> None:
    html = str(docs.page(packed=False).body)
    reader = Reader()
    reader.feed(html)
    assert set(reader.tags) == {"html", "meta", "title", "style", "div", "script"}
    assert reader.attributes == {"lang", "charset", "name", "content", "id"}
    assert html.count('url: "openapi.json"') == 1


def test_the_policy_admits_the_parts_of_the_page_and_nothing_else() -> None:
    answer = docs.page(packed=False)
    policy = dict(
        each.split(" ", 1) for each in str(answer.headers["Content-Security-Policy"]).split("; ")
    )
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        parts = re.findall(f"<{tag}>(.*?)</{tag}>", str(answer.body), re.DOTALL)
        digests = (hashlib.sha256(part.encode()).digest() for part in parts)
        hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert len(hashes) == 2
        assert policy.pop(name) == " ".join(hashes)
    assert policy.pop("connect-src") == "'self'"
    assert policy.pop("img-src") == "data:"
    assert set(policy.values()) == {"'none'"}


def test_a_packed_page_is_the_page() -> None:
    answer = docs.page(packed=True)
    packed: Any = answer.body
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed).decode() == docs.page(packed=False).body
    assert len(packed) < 600_000
