"""Any request, from any client: no 5xx, no undocumented answer, no private data in the log."""

import base64
import csv
import gzip
import json
import re
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harkara.accept.requests import BODY_LIMIT_BYTES
from harkara.api.resolver import ROUTES, methods_of
from harkara.base.codes import MEANINGS, Code
from harkara.links.codec import CODE_LENGTH
from harkara.model.accounts import Enforcement, Sender, Template
from harkara.model.fields import read
from harkara.model.rates import Rate
from local.settings import RECEIPT_TOKEN
from tests.contract.described import DOCUMENT, OPERATIONS, assert_described, examples_of
from tests.contract.strategies import (
    FORM,
    KEY,
    anything,
    bodies,
    credentials,
    headers,
    nearly,
    queries,
    segment,
    whole,
)
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, SECRET, Context, Event, Logs, http_event
from tests.template.reading import functions

CSV_HEAD = "Entity ID,Header,Template ID,Template Name,Content,Type,Status\n"
FUNCTION_OF = {
    f"{event['Properties']['Method']} {event['Properties']['Path']}": function
    for function, properties in functions().items()
    for event in properties["Events"].values()
    if event["Type"] == "HttpApi" and "Path" in event["Properties"]
}
# Values of a path's variable parts for which a resource exists.
KNOWN = {
    "{number}": "919876543210",
    "{campaign}": "diwali",
    "{export}": BATCH_ID,
    "{code}": "0" * CODE_LENGTH,
    "{mid}": f"{BATCH_ID}00",
    "{name}": "main",
    "{id}": "main",
    "{carrier}": "sim",
    "{token}": RECEIPT_TOKEN,
}

unsuspicious = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=10,
)


class Api:
    """The functions behind the API, each loaded once, found by route as API Gateway does it."""

    def __init__(self, gateway: Gateway) -> None:
        gateway.put_batch()
        self.apps = {
            name: gateway.app(name)
            for name in ("send", "manage", "receipt", "inbound", "link", "fallback")
        }

    def ask(self, route: str, event: Event) -> dict[str, Any]:
        """Return the answer to a request, after checking that Lambda could return it."""
        app = self.apps[FUNCTION_OF.get(route, "fallback")]
        answer: dict[str, Any] = json.loads(json.dumps(app.handler(event, Context())))
        assert answer["statusCode"] < 500
        answer["body"].encode()
        if answer["isBase64Encoded"]:
            content = base64.b64decode(answer["body"])
            unpacked = answer["headers"].get("Content-Encoding") == "gzip"
            answer["body"] = (gzip.decompress(content) if unpacked else content).decode()
        return answer


@pytest.fixture
def api(gateway: Gateway) -> Api:
    """The API of an account that may send the document's examples, with DLT enforced."""
    account = gateway.accounts.accounts["sandbox"]
    template = DOCUMENT["paths"]["/v1/templates"]["post"]["requestBody"]["content"]
    made = read(Template, examples_of(template["application/json"])[0])
    changes = {
        "dlt": Enforcement.ENFORCE,
        "senders": {"ACMEBK": Sender(header="ACMEBK", categories=(made.category,))},
        "templates": {made.dlt_template_id: made},
        "rates": (Rate(prefix="91", price=Decimal("0.25")),),
    }
    gateway.accounts.accounts["sandbox"] = account.model_copy(update=changes)
    return Api(gateway)


def request(
    path: str, method: str, body: Any, query: dict[str, str], given_headers: dict[str, str]
) -> Event:
    event = http_event(method, path, body, given_headers)
    event["rawQueryString"] = urlencode(query, errors="surrogatepass")
    event["queryStringParameters"] = dict(parse_qsl(event["rawQueryString"]))
    return event


def filled(path: str, names: list[str]) -> str:
    """Return a route's path with names in its variable parts; empty names become known values."""
    parts = iter(names)
    return "/".join(
        (next(parts) or KNOWN[part]) if part[:1] == "{" else part for part in path.split("/")
    )


@pytest.mark.parametrize("route", OPERATIONS)
@unsuspicious
@given(
    data=st.data(),
    names=st.lists(st.just("") | segment, min_size=2, max_size=2),
    query=queries,
    given_headers=headers,
    visible=credentials,
)
def test_a_route_answers_as_described(
    route: str,
    data: st.DataObject,
    names: list[str],
    query: dict[str, str],
    given_headers: dict[str, str],
    visible: dict[str, str],
    api: Api,
    logs: Logs,
) -> None:
    method, path = route.split(" ")
    body = data.draw(bodies)
    event = request(filled(path, names), method, body, query, given_headers | visible)
    assert_described(route, api.ask(route, event))
    assert not {SECRET, KEY, RECEIPT_TOKEN} & set(logs.private())


EXAMPLES = [
    pytest.param(route, media_type, example, id=f"{route} {number}")
    for route, operation in OPERATIONS.items()
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items()
    for number, example in enumerate(examples_of(body))
]


@pytest.mark.parametrize(("route", "media_type", "example"), EXAMPLES)
@unsuspicious
@given(data=st.data())
def test_what_is_nearly_right_is_answered_as_described(
    route: str, media_type: str, example: Any, data: st.DataObject, api: Api, logs: Logs
) -> None:
    method, path = route.split(" ")
    fields = data.draw(nearly(whole(example)))
    body = urlencode(fields, errors="surrogatepass") if media_type == FORM else json.dumps(fields)
    given_headers = {"content-type": media_type, "x-api-key": KEY}
    answer = api.ask(route, request(filled(path, ["", ""]), method, body, {}, given_headers))
    assert_described(route, answer)
    assert not {SECRET, KEY} & set(logs.private())


ROWS = [
    ["1101172974420810001", "ACMEBK", "1107161234567890001", "Order", "Hello", "OTP", "Active"],
    ["1101172974420810001", "ACMEBK;X", "1107161234567890002", "=1+1", "A {#var#}", "SE", ""],
]


@unsuspicious
@given(table=nearly(ROWS), packs=st.booleans())
def test_a_file_that_is_nearly_right_is_answered_as_described(
    table: list[Any], packs: bool, api: Api, logs: Logs
) -> None:
    written = StringIO()
    csv.writer(written).writerows(row for row in table if isinstance(row, list))
    content = (CSV_HEAD + written.getvalue()).encode("utf-8", "surrogatepass")
    given_headers = {"content-type": "text/csv", "x-api-key": KEY}
    body = gzip.compress(content) if packs else content
    answer = api.ask(
        "POST /v1/templates", request("/v1/templates", "POST", body, {}, given_headers)
    )
    assert_described("POST /v1/templates", answer)
    assert not {SECRET, KEY} & set(logs.private())


@unsuspicious
@given(
    path=st.sampled_from([*ROUTES, "/", "", "/v1", "/v1/messages/"]) | anything.map("/{}".format),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]),
    body=bodies,
    given_headers=headers,
    visible=credentials,
)
def test_what_is_no_route_is_answered_in_the_one_shape(
    path: str,
    method: str,
    body: Any,
    given_headers: dict[str, str],
    visible: dict[str, str],
    api: Api,
) -> None:
    if method in methods_of(re.sub("/+", "/", path).rstrip("/")):  # extra slashes do no harm
        return
    answer = api.ask("$default", request(path, method, body, {}, given_headers | visible))
    found = json.loads(answer["body"])
    if path == "/webengage":
        assert found.keys() == {"status", "statusCode", "message"}
        assert answer["statusCode"] == 405
        return
    if path == "/hooks/supabase":
        assert found.keys() == {"error"}
        return
    assert found.keys() == {"status", "Error", "message"}
    assert answer["statusCode"] == MEANINGS[Code(found["Error"])].http_status in (404, 405)
    assert ("Allow" in answer["headers"]) == (answer["statusCode"] == 405)


DEEP = "[" * 100_000
LARGE = {
    "nested arrays": DEEP,
    "nested objects": '{"smstosend":' * 100_000,
    "nested records": '{"messages": [{"to": ' + DEEP,
    "a number of a million digits": '{"to": ' + "9" * 1_000_000 + "}",
    "an exponent": '{"to": 1e999999, "validity": 1e400}',
    "20,000 keys": json.dumps({str(number): 0 for number in range(20_000)}),
    "one key a thousand times": "{" + ", ".join(['"to": "1"'] * 1_000) + "}",
    "a lone surrogate": '{"to": "\\ud800", "smstext": "\\udfff", "text": "\\ud83d"}',
    "null characters": '{"to": "\\u0000", "from": "\\u0000"}' + "\0",
    "a byte order mark": "\ufeff{}",
    "utf-16": json.dumps({"to": "1"}).encode("utf-16"),
    "too long": " " * (BODY_LIMIT_BYTES + 1),
    "a form of a million fields": "a=1&" * 500_000,
    "a form of wrong escapes": "to=%ff%fe&from=%&smstosend=%5b%7b",
    "a form of nested JSON": f"smstosend={quote(DEEP)}",
    "a CSV of a million columns": CSV_HEAD + "," * 1_000_000,
    "a CSV of open quotes": CSV_HEAD + '"' * 300_001,
    "a bomb in gzip": gzip.compress(bytes(64 * 1024 * 1024)),
    "half of a gzip": gzip.compress(bytes(10_000))[:-9],
}


@pytest.mark.parametrize("content_type", ["application/json", FORM, "text/csv", "application/gzip"])
@pytest.mark.parametrize("name", LARGE)
def test_a_large_or_broken_body_is_answered_as_described(
    name: str, content_type: str, api: Api, logs: Logs
) -> None:
    for route in OPERATIONS:
        method, path = route.split(" ")
        if method in ("POST", "PUT"):
            given_headers = {"content-type": content_type, "x-api-key": KEY}
            event = request(filled(path, ["", ""]), method, LARGE[name], {}, given_headers)
            assert_described(route, api.ask(route, event))
    assert not {SECRET, KEY, RECEIPT_TOKEN} & set(logs.private())
