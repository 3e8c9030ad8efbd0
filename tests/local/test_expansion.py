"""The template as CloudFormation expands it for a change set, with SAM's own transform."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from local.transform import with_code
from local.translator import load, to_cloudformation
from tests.template.reading import ROOT, functions, routes, template

# AWS CloudFormation User Guide, "Understand CloudFormation quotas" (2026-11).
RESOURCES, PARAMETERS, OUTPUTS, MAPPINGS, BYTES = 500, 200, 200, 200, 1_000_000
# The longest values.
LONG = {
    "Stage": "a" * 20,
    "Architecture": "x86_64",
    "LogLevel": "DEBUG",
    "ProxySecretArn": "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:" + "a" * 64,
    "SubnetIds": ",".join(["subnet-" + "0" * 17] * 4),
    "SecurityGroupIds": ",".join(["sg-" + "0" * 17] * 2),
    "CallbackPorts": "443,8443,65535",
}


def resolve(value: Any, values: Mapping[str, str]) -> Any:
    """Evaluate CloudFormation's functions, with the values of the names in them."""
    match value:
        case {"Ref": name}:
            return values[name]
        case {"Fn::Split": [separator, text]}:
            return resolve(text, values).split(separator)
        case {"Fn::Join": [separator, parts]}:
            return separator.join(resolve(parts, values))
        case {"Fn::Select": [number, parts]}:
            return resolve(parts, values)[number]
        case {"Fn::Sub": [text, own]}:
            own = {name: resolve(each, values) for name, each in own.items()}
            return resolve({"Fn::Sub": text}, {**values, **own})
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], text)
    raise AssertionError(f"not known here: {value}")


@pytest.fixture(scope="module")
def expanded() -> dict[str, Any]:
    source = load((ROOT / "template.yaml").read_text())
    code = {
        name: {"Bucket": "bucket", "Key": name}
        for name, resource in source["Resources"].items()
        if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    }
    return to_cloudformation(with_code(source, code))


def of(expanded: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        name: each["Properties"]
        for name, each in expanded["Resources"].items()
        if each["Type"] == kind
    }


def test_the_expanded_template_fits_cloudformations_quotas(expanded: dict[str, Any]) -> None:
    assert len(expanded["Resources"]) <= RESOURCES
    assert len(expanded["Parameters"]) <= PARAMETERS
    assert len(expanded["Outputs"]) <= OUTPUTS
    assert len(expanded["Mappings"]) <= MAPPINGS
    assert len(json.dumps(expanded).encode()) <= BYTES


def test_nothing_of_sam_is_left_to_expand(expanded: dict[str, Any]) -> None:
    kinds = {each["Type"] for each in expanded["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::Serverless::")]
    assert "Globals" not in expanded


def test_every_function_runs_on_the_chosen_processor(expanded: dict[str, Any]) -> None:
    made = of(expanded, "AWS::Lambda::Function")
    assert len(made) == len(functions())
    assert template()["Parameters"]["Architecture"]["AllowedValues"] == ["x86_64", "arm64"]
    for properties in made.values():
        assert properties["Architectures"] == [{"Ref": "Architecture"}]


def test_every_route_reaches_the_published_version(expanded: dict[str, Any]) -> None:
    """A route to the function itself would run without a snapshot, and past a release's alarms."""
    (api,) = of(expanded, "AWS::ApiGatewayV2::Api").values()
    operations = [each for path in api["Body"]["paths"].values() for each in path.values()]
    assert len(operations) == len(set().union(*map(routes, functions().values())))
    for operation in operations:
        uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        assert re.search(r"functions/\$\{\w+Aliaslive\}/invocations$", uri)


def test_a_versions_description_is_not_too_long(expanded: dict[str, Any]) -> None:
    """Lambda takes 256 characters (API reference, PublishVersion)."""
    values = {
        name: LONG.get(name)
        or max(map(str, each.get("AllowedValues", [each.get("MaxValue", "9" * 7)])), key=len)
        for name, each in template()["Parameters"].items()
    }
    for properties in of(expanded, "AWS::Lambda::Version").values():
        assert len(resolve(properties["Description"], values)) <= 256


@pytest.mark.parametrize(
    ("given", "visible"),
    [
        ({}, "  "),
        ({"ProxySecretArn": LONG["ProxySecretArn"]}, "a" * 64 + "  "),
        ({"SubnetIds": "subnet-0a,subnet-0b", "SecurityGroupIds": "sg-0c"}, " 0a,0b 0c"),
    ],
)
def test_a_versions_description_has_the_network_and_the_proxy_where_there_are_some(
    expanded: dict[str, Any], given: dict[str, str], visible: str
) -> None:
    names = dict.fromkeys(template()["Parameters"], "x")
    values = {**names, "ProxySecretArn": "", "SubnetIds": "", "SecurityGroupIds": "", **given}
    texts = [each["Description"] for each in of(expanded, "AWS::Lambda::Version").values()]
    short = [resolve(text, values) for text in texts if isinstance(text["Fn::Sub"], list)]
    assert len(short) == 4
    proxy, _, network = visible.partition(" ")
    assert all(f"x x {proxy} x" in text and text.endswith(f" {network}") for text in short)
