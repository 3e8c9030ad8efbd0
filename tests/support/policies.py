"""The policies of template.yaml, against which the in-memory AWS checks every call.

AWS evaluates a call by action, resource and condition keys; a call that no statement allows is
denied ("Policy evaluation logic", AWS IAM User Guide). "With ForAllValues [the condition] returns
true if there are no keys in the request", so that a call without them passes unless a `Null`
condition requires them ("Set operators for multivalued context keys", the same guide).
`dynamodb:LeadingKeys` are the partition keys of a call to a table ("Using IAM policy conditions for
fine-grained access control", Amazon DynamoDB Developer Guide); PartiQL statements have actions of
their own ("IAM security policies with PartiQL for DynamoDB", there too), and a transaction has the
actions of its parts. As of November 2026.
"""

import fnmatch
import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from tests.support.expressions import inserted
from tests.template.reading import as_list, logical_id, statements

LEADING_KEYS = "dynamodb:LeadingKeys"
# Lambda itself calls these with the function's role: it polls queues and streams, and writes logs.
BY_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}

Context = Mapping[str, Collection[str]]
T = TypeVar("T")


class AccessDenied(AssertionError):
    """AWS would answer AccessDeniedException. No test wants that, so it fails where it happens."""


class Call(NamedTuple):
    """One action on one resource, as IAM sees it; `context` has the condition keys' values."""

    action: str
    resource: str
    context: Context


class Grant(NamedTuple):
    """A permission of a statement: an action, a resource, and one pattern of its leading keys."""

    function: str
    action: str
    resource: str
    leading_key: str = ""


_acting: ContextVar[str] = ContextVar("acting", default="")
"""The function in whose name a thread or task calls; empty for the test, which may do all."""

used: set[Grant] = set()
"""The grants that calls needed since a test cleared this set."""

denied: list[str] = []
"""Denied calls: the code may catch AccessDenied like any other error, so tests check this list."""


class As:
    """A proxy that makes each method call of an object in the name of a function."""

    def __init__(self, function: str, of: Any) -> None:
        self._function = function
        self._of = of

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._of, name)
        if not callable(member):
            return member

        def call(*args: Any, **kwargs: Any) -> Any:
            # Inlined `acting`: a context manager is too slow for a million calls.
            before = _acting.set(self._function)
            try:
                answer = member(*args, **kwargs)
            finally:
                _acting.reset(before)
            return self._pages(answer) if isinstance(answer, Generator) else answer

        return call

    def _pages(self, pages: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while True:
            with acting(self._function):
                page = next(pages, end)
            if page is end:
                return
            yield page


def as_function(function: str, of: T) -> T:
    """Return a port whose calls are made by a function, and checked against its policy."""
    return cast(T, As(function, of))


@contextmanager
def acting(function: str) -> Iterator[None]:
    """Make the calls in this context in the name of a function."""
    before = _acting.set(function)
    try:
        yield
    finally:
        _acting.reset(before)


def check(operation: str, params: Mapping[str, Any]) -> None:
    """Raise AccessDenied if the acting function may not make a call."""
    if function := _acting.get():
        for call in calls(operation, params):
            authorize(function, call)


def authorize(function: str, call: Call) -> None:
    """Raise AccessDenied if a function's policy does not allow a call; record the used grants."""
    for rule in _rules(function, call.action, call.resource):
        if all(holds(call.context) for holds in rule.conditions):
            if rule.patterns:
                used.update(rule.used(function, call))
            elif rule.grant not in used:
                used.add(rule.grant)
            return
    context = {name: sorted(values) for name, values in call.context.items()}
    raise _denial(f"{function} may not {call.action} {call.resource} {context}")


def _denial(text: str) -> AccessDenied:
    denied.append(text)
    return AccessDenied(text)


def granted(function: str) -> set[Grant]:
    """Return all grants of a function's policy."""
    return {
        Grant(function, action, logical_id(resource), pattern)
        for statement in statements(function)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        for pattern in _leading_patterns(statement) or ("",)
    }


def calls(operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    """Yield the IAM calls of one request to DynamoDB, SQS, S3, KMS or Secrets Manager."""
    if "Key" in params and "Bucket" in params:
        # "Actions, resources, and condition keys for Amazon S3", Service Authorization Reference:
        # an upload's steps are PutObject, a HEAD is GetObject.
        action = "GetObject" if operation in ("GetObject", "HeadObject") else "PutObject"
        folder, _, _ = params["Key"].partition("/")
        yield Call(f"s3:{action}", f"{params['Bucket']}/{folder}/*", {})
        return
    match operation:
        case "SendMessageBatch":
            yield Call("sqs:SendMessage", params["QueueUrl"], {})
        case "GetQueueAttributes" | "ReceiveMessage":
            yield Call(f"sqs:{operation}", params["QueueUrl"], {})
        case "StartMessageMoveTask" | "ListMessageMoveTasks" | "CancelMessageMoveTask":
            # Amazon SQS Developer Guide, "Configuring a dead-letter queue redrive": who asks for a
            # move must be allowed to make it.
            source = params.get("SourceArn") or params["TaskHandle"].replace("#", ":")
            for each in (operation, "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
                yield Call(f"sqs:{each}", source.rpartition(":")[2], {})
            if operation == "StartMessageMoveTask":
                yield Call("sqs:SendMessage", params["DestinationArn"].rpartition(":")[2], {})
        case "ChangeMessageVisibilityBatch":
            yield Call("sqs:ChangeMessageVisibility", params["QueueUrl"], {})
        case "Encrypt" | "Decrypt":
            context = params.get("EncryptionContext", {})
            keys = {f"kms:EncryptionContext:{name}": [value] for name, value in context.items()}
            keys["kms:EncryptionContextKeys"] = list(context)
            yield Call(f"kms:{operation}", params.get("KeyId", "SecretsKey"), keys)
        case "GetSecretValue":
            yield Call("secretsmanager:GetSecretValue", params["SecretId"], {})
        case "BatchExecuteStatement":
            for statement in params["Statements"]:
                table, item = inserted(statement)
                yield _on_table("PartiQLInsert", table, [item["pk"]["S"]])
        case "BatchGetItem":
            for table, request in params["RequestItems"].items():
                yield _on_table(operation, table, [key["pk"]["S"] for key in request["Keys"]])
        case "BatchWriteItem":
            for table, writes in params["RequestItems"].items():
                yield _on_table(operation, table, [_written(each)["pk"]["S"] for each in writes])
        case "TransactWriteItems":
            for action in params["TransactItems"]:
                ((name, part),) = action.items()
                yield from calls(_PARTS[name], part)
        case "Query":
            values = params["ExpressionAttributeValues"]
            _, _, name = params["KeyConditionExpression"].partition("pk = ")
            yield _on_table(operation, params["TableName"], [values[name.split()[0]]["S"]])
        case "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem":
            item = params.get("Key") or params["Item"]
            yield _on_table(operation, params["TableName"], [item["pk"]["S"]])
        case "Scan":  # it has no leading keys
            yield _on_table(operation, params["TableName"], [])
        case _:
            raise _denial(f"{operation} is not known here")


_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def _written(request: Mapping[str, Any]) -> Mapping[str, Any]:
    item: Mapping[str, Any] = (
        request["PutRequest"]["Item"]
        if "PutRequest" in request
        else request["DeleteRequest"]["Key"]
    )
    return item


def _on_table(operation: str, table: str, leading_keys: Collection[str]) -> Call:
    return Call(f"dynamodb:{operation}", table, {LEADING_KEYS: leading_keys})


@dataclass(frozen=True)
class _Rule:
    """A statement that allows an action on a resource, under conditions."""

    grant: Grant
    conditions: tuple[Callable[[Context], bool], ...]
    patterns: tuple[str, ...]

    def used(self, function: str, call: Call) -> Iterator[Grant]:
        """Yield the grants of this statement that a call needs, one for each pattern."""
        for pattern in self.patterns:
            if any(_matcher(pattern)(key) for key in call.context[LEADING_KEYS]):
                yield Grant(function, call.action, call.resource, pattern)


@cache
def _rules(function: str, action: str, resource: str) -> tuple[_Rule, ...]:
    """Return the statements for an action on a resource, those with most conditions first."""
    rules = []
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        if action in as_list(statement["Action"]) and resource in map(
            logical_id, as_list(statement["Resource"])
        ):
            conditions = tuple(
                _condition(operator, name, as_list(values))
                for operator, keys in statement.get("Condition", {}).items()
                for name, values in keys.items()
            )
            grant = Grant(function, action, resource)
            rules.append(_Rule(grant, conditions, _leading_patterns(statement)))
    return tuple(sorted(rules, key=lambda rule: -len(rule.conditions)))


def _leading_patterns(statement: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        pattern
        for operator, keys in statement.get("Condition", {}).items()
        if operator != "Null"
        for pattern in as_list(keys.get(LEADING_KEYS, []))
    )


def _condition(operator: str, name: str, required: Sequence[str]) -> Callable[[Context], bool]:
    """Return a predicate: whether a call's keys meet a condition."""
    quantity, _, kind = operator.rpartition(":")
    match quantity, kind:
        case "", "Null":
            return lambda context: (not context.get(name)) == (required == ["true"])
        case (("ForAllValues" | "ForAnyValue" | ""), ("StringLike" | "StringEquals")):
            fits = [_matcher(value) if kind == "StringLike" else value.__eq__ for value in required]
            every = {"ForAllValues": all, "ForAnyValue": any, "": any}[quantity]
            return lambda context: every(
                any(fit(value) for fit in fits) for value in context.get(name, ())
            )
    raise AssertionError(f"{operator} is not known here")


@cache
def _matcher(pattern: str) -> Callable[[str], object]:
    """Return a matcher of IAM's * and ?, which have no other special characters."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match
