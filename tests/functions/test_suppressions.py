"""/v1/suppressions: rights to change the lists, refusals, and logs without numbers."""

import json
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.model.accounts import Scope
from harkara.model.suppressions import Source
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, NOW, SECRET, Logs, http_event

PATH = "/v1/suppressions"
OF_NUMBER = f"{PATH}/%2B{MSISDN}"


def call(
    gateway: Gateway, method: str, path: str, body: Any = None, query: str = ""
) -> dict[str, Any]:
    headers = {"x-api-key": f"sandbox.{SECRET}"}
    event = http_event(method, path, None if body is None else json.dumps(body), headers)
    event["rawQueryString"] = query
    event["queryStringParameters"] = dict(pair.split("=") for pair in query.split("&") if query)
    answer: dict[str, Any] = gateway.call("manage", event)
    return answer


def sources(gateway: Gateway) -> set[Source]:
    return {entry.source for entry in gateway.suppressions.entries("sandbox", [MSISDN])}


def test_a_number_goes_in_is_read_and_goes_out(gateway: Gateway, logs: Logs) -> None:
    added = call(gateway, "POST", PATH, {"number": f"+{MSISDN}", "categories": ["*"]})
    assert added["statusCode"] == 201
    entry = json.loads(added["body"])
    assert (entry["number"], entry["source"], len(entry["categories"])) == (MSISDN, "opt_out", 6)
    registered = {"number": MSISDN, "source": "dnd", "preferences": [2]}
    call(gateway, "POST", PATH, registered)
    read = json.loads(call(gateway, "GET", OF_NUMBER)["body"])["suppressions"]
    assert read == [entry, {**registered, "since": entry["since"]}]
    assert json.loads(call(gateway, "GET", PATH, query="limit=1")["body"]) == {
        "suppressions": read,
        "next": None,
    }
    assert call(gateway, "DELETE", OF_NUMBER, query="source=dnd")["statusCode"] == 204
    assert sources(gateway) == {Source.OPT_OUT}
    call(gateway, "POST", PATH, registered)
    assert call(gateway, "DELETE", OF_NUMBER)["statusCode"] == 204
    assert sources(gateway) == set()
    assert logs.private() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "code"),
    [
        pytest.param("GET", OF_NUMBER, None, "", Code.NOT_FOUND, id="read: not there"),
        pytest.param("DELETE", OF_NUMBER, None, "", Code.NOT_FOUND, id="remove: not there"),
        pytest.param("GET", f"{PATH}/12", None, "", Code.INVALID_REQUEST, id="read: no number"),
        pytest.param("DELETE", f"{PATH}/12", None, "", Code.INVALID_REQUEST, id="remove: none"),
        pytest.param("DELETE", OF_NUMBER, None, "source=x", Code.INVALID_REQUEST, id="source"),
        pytest.param("POST", PATH, {"number": "12"}, "", Code.INVALID_REQUEST, id="add: no number"),
        pytest.param("POST", PATH, [], "", Code.INVALID_REQUEST, id="add: no object"),
        pytest.param("GET", PATH, None, "limit=0", Code.INVALID_REQUEST, id="limit"),
    ],
)
def test_what_is_wrong_is_refused(
    method: str,
    path: str,
    body: Any,
    query: str,
    code: Code,
    gateway: Gateway,
    logs: Logs,
) -> None:
    assert_refused(call(gateway, method, path, body, query), code)
    assert logs.private() == []


def test_what_comes_too_late_changes_nothing(gateway: Gateway) -> None:
    call(gateway, "POST", PATH, {"number": MSISDN})
    call(gateway, "DELETE", OF_NUMBER)
    late = {"number": MSISDN, "since": "2026-01-01T08:59:59Z"}
    assert_refused(call(gateway, "POST", PATH, late), Code.INVALID_REQUEST)
    assert sources(gateway) == set()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_lists_are_for_who_may_change_the_account(method: str, gateway: Gateway) -> None:
    credential = gateway.accounts.credentials["sandbox"]
    scopes = (Scope.SEND, Scope.READ)
    gateway.accounts.credentials["sandbox"] = credential.model_copy(update={"scopes": scopes})
    assert_refused(call(gateway, method, PATH, {"number": MSISDN}), Code.SCOPE_MISSING)
    assert_refused(call(gateway, "GET", OF_NUMBER), Code.SCOPE_MISSING)
    assert_refused(call(gateway, "DELETE", OF_NUMBER), Code.SCOPE_MISSING)
    assert sources(gateway) == set()


def test_a_number_is_suppressed_as_of_the_request(gateway: Gateway) -> None:
    call(gateway, "POST", PATH, {"number": MSISDN, "since": None, "categories": None})
    (entry,) = gateway.suppressions.entries("sandbox", [MSISDN])
    assert entry.since_s == int(NOW)
