"""DynamoDB's expressions, of the forms in use, on items in memory."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

Item = dict[str, Any]
Params = dict[str, Any]

_INSERT = re.compile(r'INSERT INTO "([^"]+)" VALUE \{(.*)\}')
_FIELD = re.compile(r"'(\w+)':\?")
_FUNCTION = re.compile(r"(attribute_exists|attribute_not_exists|begins_with)\((\S+?)(?:, (\S+))?\)")
_BETWEEN = re.compile(r"(\S+) BETWEEN (\S+) AND (\S+)")
_COMPARISON = re.compile(r"(\S+) (=|<|<=|>=) (\S+)")


def is_in_bounds(params: Params, expression: str) -> bool:
    """Whether a query's BETWEEN has ordered bounds, and its start key meets its condition.

    DynamoDB refuses other queries: "The BETWEEN operator requires upper bound to be greater than or
    equal to lower bound", "The provided starting key is outside query boundaries".
    """
    if expression != "KeyConditionExpression":
        return True
    start, values = params.get("ExclusiveStartKey"), params["ExpressionAttributeValues"]
    bounds = _BETWEEN.search(params[expression])
    return (bounds is None or values[bounds[2]]["S"] <= values[bounds[3]]["S"]) and (
        start is None or holds(params, expression, start)
    )


def first_sort_key(params: Params, expression: str) -> str:
    """Return a sort key before which a query finds nothing."""
    if expression != "KeyConditionExpression":
        return ""
    values = params["ExpressionAttributeValues"]
    clauses = [
        each for each in chain.from_iterable(_parsed(params[expression])) if each.name == "sk"
    ]
    bounds = [values[each.value]["S"] for each in clauses if each.kind not in ("<", "<=")]
    return max(bounds, default="")


def partition_of(params: Params, expression: str) -> str | None:
    """Return the only partition that a query reads; None for a scan, which reads all."""
    if expression != "KeyConditionExpression":
        return None
    clauses = chain.from_iterable(_parsed(params[expression]))
    (clause,) = (each for each in clauses if each.name == "pk")
    return str(params["ExpressionAttributeValues"][clause.value]["S"])


def _name(params: Params, placeholder: str) -> str:
    return str(params.get("ExpressionAttributeNames", {}).get(placeholder, placeholder))


class _Clause(NamedTuple):
    """A part of an expression: a function or a comparison, with its attribute and its operand."""

    kind: str
    name: str
    value: str


@cache
def _parsed(expression: str) -> Sequence[Sequence[_Clause]]:
    """Return an expression as a conjunction of alternatives."""
    whole = _BETWEEN.sub(r"\1 >= \2 AND \1 <= \3", expression)
    return [
        [_clause(each) for each in clause.strip("()").split(" OR ")]
        if " OR " in clause
        else [_clause(clause)]
        for clause in (whole.split(" AND ") if whole else [])
    ]


def _clause(text: str) -> _Clause:
    if function := _FUNCTION.fullmatch(text):
        return _Clause(function[1], function[2], function[3])
    comparison = _COMPARISON.fullmatch(text)
    assert comparison, f"not known here: {text}"
    return _Clause(comparison[2], comparison[1], comparison[3])


def holds(params: Params, expression: str, item: Item) -> bool:
    return all(
        any(_clause_holds(params, each, item) for each in alternatives)
        for alternatives in _parsed(params.get(expression, ""))
    )


def _clause_holds(params: Params, clause: _Clause, item: Item) -> bool:
    found = item.get(_name(params, clause.name))
    match clause.kind:
        case "attribute_exists" | "attribute_not_exists":
            return (found is not None) == (clause.kind == "attribute_exists")
        case "begins_with":
            prefix = params["ExpressionAttributeValues"][clause.value]["S"]
            return found is not None and found["S"].startswith(prefix)
    required = params["ExpressionAttributeValues"][clause.value]
    if clause.kind == "=" or found is None:
        return bool(found == required)
    less = (
        int(found["N"]) < int(required["N"])
        if "N" in required
        else bool(found["S"] < required["S"])
    )
    if clause.kind == ">=":
        return not less
    return less or (clause.kind == "<=" and bool(found == required))


def updated(item: Item, params: Params) -> Item:
    """Return an item after `SET name = :value, ... ADD name :number REMOVE name`, or some of it."""
    changes, _, removed = params["UpdateExpression"].partition(" REMOVE ")
    sets, _, adds = changes.partition("ADD ")
    values = params["ExpressionAttributeValues"]
    for assignment in filter(None, sets.removeprefix("SET ").strip().split(", ")):
        name, _, value = assignment.partition(" = ")
        former, plus, more = value.partition(" + ")
        if plus:
            total = int(item[_name(params, former)]["N"]) + int(values[more]["N"])
            item[_name(params, name)] = {"N": str(total)}
        else:
            item[_name(params, name)] = values[value]
    for addition in filter(None, adds.split(", ")):
        name, _, value = addition.partition(" ")
        before = item.get(_name(params, name), {"N": "0"})["N"]
        item[_name(params, name)] = {"N": str(int(before) + int(values[value]["N"]))}
    return {name: value for name, value in item.items() if name != removed}


def inserted(statement: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return table and item of a statement `INSERT INTO "table" VALUE {'name':?,...}`."""
    table, names = _insert(statement["Statement"])
    return table, dict(zip(names, statement["Parameters"], strict=True))


@cache
def _insert(statement: str) -> tuple[str, Sequence[str]]:
    found = _INSERT.fullmatch(statement)
    assert found, f"not known here: {statement}"
    return found[1], _FIELD.findall(found[2])
