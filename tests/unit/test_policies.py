"""The in-memory AWS reads the policies of template.yaml as IAM does."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support import policies
from tests.support.policies import AccessDenied, acting, as_function

KEYED = {
    "Effect": "Allow",
    "Action": ["dynamodb:UpdateItem", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"],
    "Resource": {"Fn::GetAtt": ["MessagesTable", "Arn"]},
    "Condition": {
        "ForAllValues:StringLike": {
            "dynamodb:LeadingKeys": ["carrier-rate#*", "health#?", "cursor"]
        },
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
}
FREE = {
    "Effect": "Allow",
    "Action": "dynamodb:PartiQLInsert",
    "Resource": {"Fn::GetAtt": ["DueTable", "Arn"]},
}
PARTS = {
    "Effect": "Allow",
    "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
    "Resource": {"Fn::GetAtt": ["AccountsTable", "Arn"]},
}
ENCRYPTED = {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": {"Fn::GetAtt": ["SecretsKey", "Arn"]},
    "Condition": {
        "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["carrier", "account"]},
        "StringLike": {"kms:EncryptionContext:carrier": "sim*"},
    },
}


@pytest.fixture(autouse=True)
def _policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "statements", lambda _: [KEYED, FREE, PARTS, ENCRYPTED])
    monkeypatch.setattr(policies, "_rules", policies._rules.__wrapped__)
    monkeypatch.setattr(policies, "used", set())
    # These tests provoke denials.
    monkeypatch.setattr(policies, "denied", [])


def update(key: str, table: str = "MessagesTable") -> dict[str, Any]:
    return {"TableName": table, "Key": {"pk": {"S": key}, "sk": {"S": "rate"}}}


def get_all(*keys: str) -> dict[str, Any]:
    return {"RequestItems": {"MessagesTable": {"Keys": [{"pk": {"S": key}} for key in keys]}}}


def insert(*tables: str) -> dict[str, Any]:
    return {
        "Statements": [
            {"Statement": f"INSERT INTO \"{each}\" VALUE {{'pk':?}}", "Parameters": [{"S": "a"}]}
            for each in tables
        ]
    }


def write(*keys: str) -> dict[str, Any]:
    writes = [{"PutRequest": {"Item": {"pk": {"S": key}}}} for key in keys[:1]]
    writes += [{"DeleteRequest": {"Key": {"pk": {"S": key}}}} for key in keys[1:]]
    return {"RequestItems": {"MessagesTable": writes}}


def transact(*parts: str, table: str = "AccountsTable") -> dict[str, Any]:
    item = {"pk": {"S": "account#acme"}}
    fields = {"Put": {"Item": item}, "Update": {"Key": item}, "Delete": {"Key": item}}
    return {"TransactItems": [{each: {"TableName": table, **fields[each]}} for each in parts]}


def decrypt(**context: str) -> dict[str, Any]:
    return {"EncryptionContext": context}


ALLOWED = [
    ("UpdateItem", update("carrier-rate#sim"), ["carrier-rate#*"]),
    ("UpdateItem", update("carrier-rate#"), ["carrier-rate#*"]),
    ("UpdateItem", update("health#1"), ["health#?"]),
    ("UpdateItem", update("cursor"), ["cursor"]),
    ("BatchGetItem", get_all("carrier-rate#sim", "cursor"), ["carrier-rate#*", "cursor"]),
    ("BatchWriteItem", write("carrier-rate#sim", "cursor"), ["carrier-rate#*", "cursor"]),
    ("BatchExecuteStatement", insert("DueTable", "DueTable"), [""]),
    ("TransactWriteItems", transact("Put", "Update"), ["", ""]),
    ("Decrypt", decrypt(carrier="sim-2"), [""]),
]
DENIED = [
    pytest.param("UpdateItem", update("rate#acme"), id="another leading key"),
    pytest.param("UpdateItem", update("PACE#sim"), id="case counts"),
    pytest.param("UpdateItem", update("health#12"), id="? is one character"),
    pytest.param("UpdateItem", update("cursors"), id="no pattern is a prefix by itself"),
    pytest.param("UpdateItem", update("carrier-rate#sim", "DueTable"), id="another table"),
    pytest.param("PutItem", update("carrier-rate#sim"), id="another action"),
    pytest.param("BatchGetItem", get_all("carrier-rate#sim", "rate#acme"), id="one key of many"),
    pytest.param("BatchGetItem", get_all(), id="no key at all, which ForAllValues lets through"),
    pytest.param(
        "BatchWriteItem", write("carrier-rate#sim", "rate#acme"), id="one delete of many writes"
    ),
    pytest.param("BatchExecuteStatement", insert("DueTable", "MessagesTable"), id="a statement"),
    pytest.param("TransactWriteItems", transact("Put", "Delete"), id="a part of a transaction"),
    pytest.param("Decrypt", decrypt(), id="no encryption context"),
    pytest.param("Decrypt", decrypt(carrier="other"), id="another encryption context"),
    pytest.param("Scan", {"TableName": "AccountsTable"}, id="an operation that nobody makes"),
]


@pytest.mark.parametrize(("operation", "params", "patterns"), ALLOWED)
def test_what_a_statement_allows_is_done_and_noted(
    operation: str, params: dict[str, Any], patterns: Sequence[str]
) -> None:
    with acting("submit"):
        policies.check(operation, params)
    assert sorted(grant.leading_key for grant in policies.used) == patterns
    assert policies.used <= policies.granted("submit")


@pytest.mark.parametrize(("operation", "params"), DENIED)
def test_what_no_statement_allows_is_denied(operation: str, params: dict[str, Any]) -> None:
    with acting("submit"), pytest.raises(AccessDenied) as denied:
        policies.check(operation, params)
    assert policies.denied == [str(denied.value)]


def test_the_test_itself_may_do_all() -> None:
    policies.check("UpdateItem", update("rate#acme"))
    assert policies.used == set()


def test_a_port_calls_as_its_function_only() -> None:
    class Port:
        def call(self) -> str:
            return policies._acting.get()

    port = as_function("submit", Port())
    with acting("dlr"):
        assert port.call() == "submit"
        assert policies._acting.get() == "dlr"


@pytest.mark.parametrize("operator", ["ArnLike", "ForAllValues:StringNotLike"])
def test_a_condition_that_is_not_known_here_fails_the_test(
    operator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = {**FREE, "Condition": {operator: {"dynamodb:LeadingKeys": ["a"]}}}
    monkeypatch.setattr(policies, "statements", lambda _: [statement])
    with acting("submit"), pytest.raises(AssertionError, match="is not known here"):
        policies.check("BatchExecuteStatement", insert("DueTable"))
