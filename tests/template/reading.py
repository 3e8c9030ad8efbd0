"""template.yaml and monitoring.yaml as plain data, with helpers that extract parts for tests."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
MESSAGE_QUEUES = ("SubmitQueue", "SubmitPriorityQueue", "ReceiptQueue", "CallbackQueue")
WORK_QUEUES = (*MESSAGE_QUEUES, "ExportQueue")

Resource = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms as their long ones: !Ref X is {"Ref": "X"}."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def template() -> dict[str, Any]:
    """Return the whole of template.yaml."""
    return _load("template.yaml")


def monitoring() -> dict[str, Any]:
    """Return the whole of monitoring.yaml, which template.yaml nests."""
    return _load("monitoring.yaml")


@cache
def _load(name: str) -> dict[str, Any]:
    text = (ROOT / name).read_text()
    loaded: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    return loaded


def resources(kind: str) -> dict[str, Resource]:
    """Return the resources of one type in both templates by logical id: `AWS::SQS::Queue`."""
    return {
        name: resource
        for part in (template(), monitoring())
        for name, resource in part["Resources"].items()
        if resource["Type"] == kind
    }


def functions() -> dict[str, Resource]:
    """Return the functions' properties by the functions' names: `send`, `submit_priority`."""
    return {
        re.sub("(?<!^)(?=[A-Z])", "_", name.removesuffix("Function")).lower(): each["Properties"]
        for name, each in resources("AWS::Serverless::Function").items()
    }


def timeout_s(function: str) -> int:
    """Return a function's default time-out."""
    timeout = functions()[function]["Timeout"]
    if isinstance(timeout, dict):
        timeout = template()["Parameters"][timeout["Ref"]]["Default"]
    return int(timeout)


def memory_gb(function: str) -> float:
    """Return a function's memory, in units of 1,024 MB as Lambda bills it."""
    return float(functions()[function]["MemorySize"]) / 1024


def function_id(function: str) -> str:
    """Return the logical id of a function: SubmitPriorityFunction of `submit_priority`."""
    return f"{function.title().replace('_', '')}Function"


def service(function: str) -> str:
    """Return the folder of a function's code: `submit_priority` runs that of `submit`."""
    name: str = functions()[function]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    return name


def services() -> set[str]:
    """Return the names under which functions log and count, one for each folder of functions/."""
    return set(map(service, functions()))


def routes(properties: dict[str, Any]) -> set[str]:
    """Return a function's route keys: `POST /datasend`; `$default` matches all other requests."""
    events = [event for event in properties["Events"].values() if event["Type"] == "HttpApi"]
    return {
        f"{each['Method']} {each['Path']}" if "Path" in each else "$default"
        for each in (event["Properties"] for event in events)
    }


def environment(function: str) -> dict[str, Any]:
    """Return a function's environment, with the variables of all functions."""
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {**shared, **functions()[function]["Environment"]["Variables"]}


def statements(function: str) -> list[dict[str, Any]]:
    """Return the statements of a function's role."""
    role = resources("AWS::IAM::Role")[logical_id(functions()[function]["Role"])]["Properties"]
    (policy,) = role["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def grants(function: str) -> set[tuple[str, str]]:
    """Return a function's permissions, as pairs: ("dynamodb:GetItem", "AccountsTable")."""
    return {
        (action, target)
        for statement in statements(function)
        for action in as_list(statement["Action"])
        for target in map(logical_id, as_list(statement["Resource"]))
    }


def as_list(value: Any) -> list[Any]:
    """Return an element of a policy, which may be a single value, as a list."""
    return value if isinstance(value, list) else [value]


def logical_id(reference: Any) -> str:
    """Return the resource that a !Ref or !GetAtt names, and what !Sub has below one."""
    if "Ref" in reference:
        return str(reference["Ref"])
    if "Fn::Sub" in reference:
        return re.sub(r"\${(\w+)\.Arn}", r"\1", reference["Fn::Sub"])
    return str(reference["Fn::GetAtt"][0])
