"""/v1/consents: rights, refusals, the audit log, and logs without numbers."""

import json
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.model.accounts import Scope
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, Logs
from tests.functions.managing import request

PATH = "/v1/consents"
OF_NUMBER = f"{PATH}/%2B{MSISDN}"
FIELDS = {"number": f"+{MSISDN}", "header": "ACMEFD", "purpose": "Offers"}


def call(gateway: Gateway, method: str, path: str, body: Any = None, **query: str) -> Any:
    return gateway.call("manage", request(method, path, body, query=query))


def test_a_consent_goes_in_is_read_and_goes_out(gateway: Gateway, logs: Logs) -> None:
    added = call(gateway, "POST", PATH, FIELDS)
    assert added["statusCode"] == 201
    entry = json.loads(added["body"])
    assert (entry["number"], entry["header"], entry["source"]) == (MSISDN, "ACMEFD", "dca")
    other = json.loads(call(gateway, "POST", PATH, {**FIELDS, "header": "ACMEBK"})["body"])
    assert json.loads(call(gateway, "GET", OF_NUMBER)["body"]) == {"consents": [other, entry]}
    page = json.loads(call(gateway, "GET", PATH, limit="1")["body"])
    assert page == {"consents": [other, entry], "next": None}
    assert call(gateway, "DELETE", OF_NUMBER, header="ACMEBK")["statusCode"] == 204
    assert_refused(call(gateway, "DELETE", OF_NUMBER, header="ACMEBK"), Code.NOT_FOUND)
    assert json.loads(call(gateway, "GET", OF_NUMBER)["body"]) == {"consents": [entry]}
    actions = [(each.action, each.subject, each.email) for each in gateway.audited]
    assert actions == [
        ("consent.put", "ACMEFD", "sandbox"),
        ("consent.put", "ACMEBK", "sandbox"),
        ("consent.remove", "ACMEBK", "sandbox"),
        ("consent.remove", "ACMEBK", "sandbox"),
    ]
    assert MSISDN not in str(gateway.audited)
    assert logs.private() == []


def test_consents_are_listed_in_pages(gateway: Gateway) -> None:
    for number in range(3):
        call(gateway, "POST", PATH, {**FIELDS, "number": f"91987654321{number}"})
    numbers, after = [], ""
    while after is not None:
        page = json.loads(call(gateway, "GET", PATH, limit="2", after=after)["body"])
        numbers += [each["number"] for each in page["consents"]]
        after = page["next"]
    assert sorted(numbers) == [f"91987654321{number}" for number in range(3)]


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "code"),
    [
        pytest.param("GET", OF_NUMBER, None, {}, Code.NOT_FOUND, id="read: not there"),
        pytest.param("GET", f"{PATH}/12", None, {}, Code.INVALID_REQUEST, id="read: no number"),
        pytest.param("DELETE", OF_NUMBER, None, {}, Code.INVALID_REQUEST, id="remove: no header"),
        pytest.param(
            "DELETE", OF_NUMBER, None, {"header": "a b"}, Code.INVALID_REQUEST, id="remove: header"
        ),
        pytest.param("POST", PATH, {"number": "12"}, {}, Code.INVALID_REQUEST, id="add: number"),
        pytest.param("POST", PATH, [], {}, Code.INVALID_REQUEST, id="add: no object"),
        pytest.param(
            "POST",
            PATH,
            {**FIELDS, "since": "2999-01-01T00:00:00Z"},
            {},
            Code.INVALID_REQUEST,
            id="to come",
        ),
        pytest.param("GET", PATH, None, {"limit": "0"}, Code.INVALID_REQUEST, id="limit"),
    ],
)
def test_what_is_wrong_is_refused(
    method: str,
    path: str,
    body: Any,
    query: dict[str, str],
    code: Code,
    gateway: Gateway,
    logs: Logs,
) -> None:
    assert_refused(call(gateway, method, path, body, **query), code)
    assert not [each for each in gateway.audited if each.action != "consent.remove"]
    assert logs.private() == []


def test_an_older_consent_does_not_replace_a_later_one(gateway: Gateway) -> None:
    call(gateway, "POST", PATH, FIELDS)
    older = {**FIELDS, "since": "2020-01-01T00:00:00Z"}
    assert_refused(call(gateway, "POST", PATH, older), Code.INVALID_REQUEST)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_consents_are_for_admins(method: str, gateway: Gateway) -> None:
    credential = gateway.accounts.credentials["sandbox"]
    scopes = {"scopes": (Scope.SEND, Scope.READ)}
    gateway.accounts.credentials["sandbox"] = credential.model_copy(update=scopes)
    assert_refused(call(gateway, method, PATH, FIELDS), Code.SCOPE_MISSING)
