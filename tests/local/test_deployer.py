"""The deployer's version of the real template, and its packages, without an emulator."""

import re
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from local.package import fingerprint, source_files, write_zip
from local.settings import ROOT
from local.transform import expand_http_apis, for_the_emulator, with_code, with_types
from local.translator import load, to_cloudformation
from tests.template.reading import as_list, function_id, functions, routes

LAMBDA = "AWS::Lambda::Function"


@pytest.fixture(scope="module")
def deployed() -> dict[str, Any]:
    return deploy()


def deploy(**keys: str) -> dict[str, Any]:
    """Return the deployed template; `keys` gives zips other names than their resources'."""
    translated = to_cloudformation(for_the_emulator(packaged(**keys)))
    return with_types(expand_http_apis(translated), {"SubmitConcurrency": "3"})


def packaged(**keys: str) -> dict[str, Any]:
    """Return the template with its code in a bucket."""
    sources = load((ROOT / "template.yaml").read_text())
    code = {
        name: {"Bucket": "code", "Key": keys.get(name, f"{name}.zip")}
        for name, resource in sources["Resources"].items()
        if resource["Type"].startswith("AWS::Serverless::")
    }
    return with_code(sources, code)


def released(kind: str) -> dict[str, Any]:
    """Return the template that SAM makes for AWS with this type of releases."""
    sources = packaged()
    release = {**sources["Parameters"]["ReleaseType"], "Default": kind}
    parameters = {**sources["Parameters"], "ReleaseType": release}
    return to_cloudformation({**sources, "Parameters": parameters})


def waits_for(resources: dict[str, Any]) -> dict[str, set[str]]:
    """Return which resources each one refers to, and so is created after."""

    def named(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(named, value))
        if not isinstance(value, dict):
            return set()
        texts = [value.get("Ref"), *as_list(value.get("Fn::GetAtt", []))[:1]]
        texts += as_list(value.get("DependsOn", []))
        if "Fn::Sub" in value:
            texts += re.findall(r"\$\{(\w+)[.}]", str(as_list(value["Fn::Sub"])[0]))
        return {*texts} & resources.keys() | set().union(*map(named, value.values()))

    return {name: named(resource) for name, resource in resources.items()}


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def test_every_http_event_becomes_a_route_to_what_its_function_published(
    deployed: dict[str, Any],
) -> None:
    integrations = of_type(deployed, "AWS::ApiGatewayV2::Integration")
    targets = {}
    for route in of_type(deployed, "AWS::ApiGatewayV2::Route").values():
        name = route["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
        assert integrations[name]["PayloadFormatVersion"] == "2.0"
        targets[route["RouteKey"]] = integrations[name]["IntegrationUri"]["Fn::Sub"]
    expected = {
        route: function_id(name)
        for name, properties in functions().items()
        for route in routes(properties)
    }
    assert targets.keys() == expected.keys()
    assert all(f"${{{expected[key]}Aliaslive}}" in uri for key, uri in targets.items())


RELEASED = ("SendFunction", "ReceiptFunction", "SubmitFunction", "SubmitPriorityFunction")


def test_a_gradual_release_is_codedeploys_and_an_alarm_takes_it_back() -> None:
    made = released("Canary10Percent10Minutes")
    groups = of_type(made, "AWS::CodeDeploy::DeploymentGroup")
    assert sorted(groups) == sorted(f"{function}DeploymentGroup" for function in RELEASED)
    for function in RELEASED:
        alias = made["Resources"][f"{function}Aliaslive"]
        version = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
        policy = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{function}DeploymentGroup"}
        # The old version is deleted after all traffic has moved: one version is kept.
        assert made["Resources"][version]["DeletionPolicy"] == "Delete"
        group = groups[f"{function}DeploymentGroup"]
        assert "Canary10Percent10Minutes" in str(group["DeploymentConfigName"])
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        condition, watched, _ = group["AlarmConfiguration"]["Fn::If"]
        assert condition == "ReleasesGradually"
        (alarm,) = watched["Alarms"]
        watching = str(made["Resources"][alarm["Name"]["Ref"]]["Properties"]["Metrics"])
        assert watching.count(str({"Fn::GetAtt": [version, "Version"]})) == 2


def test_a_release_at_once_needs_no_codedeploy() -> None:
    made = released("AllAtOnce")
    kinds = {each["Type"] for each in made["Resources"].values()}
    assert not [kind for kind in kinds if "CodeDeploy" in kind]
    assert not [name for name, each in made["Resources"].items() if "UpdatePolicy" in each]


def test_a_queue_is_worked_off_by_what_was_published(deployed: dict[str, Any]) -> None:
    mappings = of_type(deployed, "AWS::Lambda::EventSourceMapping")
    for name in ("SubmitFunctionBulk", "SubmitPriorityFunctionPriority"):
        function = name.partition("Function")[0]
        assert mappings[name]["FunctionName"] == {"Ref": f"{function}FunctionAliaslive"}


def test_a_ping_goes_to_what_was_published(deployed: dict[str, Any]) -> None:
    targets = [
        rule["Targets"][0]["Arn"]
        for name, rule in of_type(deployed, "AWS::Events::Rule").items()
        if name.endswith("Ping")
    ]
    pinged = [function_id(name) for name, each in functions().items() if "SnapStart" in each]
    assert sorted(each["Ref"] for each in targets) == sorted(f"{id_}Aliaslive" for id_ in pinged)


@pytest.mark.parametrize("changed", ["CoreLayer", "DepsLayer", "SendFunction"])
def test_other_code_is_another_version_of_the_function(
    deployed: dict[str, Any], changed: str
) -> None:
    versions = of_type(deployed, "AWS::Lambda::Version").keys()
    again = of_type(deploy(**{changed: "other.zip"}), "AWS::Lambda::Version").keys()
    everyone = changed.endswith("Layer")
    assert versions - again == {each for each in versions if everyone or each.startswith(changed)}


def test_no_api_keeps_an_openapi_body(deployed: dict[str, Any]) -> None:
    (api,) = of_type(deployed, "AWS::ApiGatewayV2::Api").values()
    assert "Body" not in api
    assert (api["ProtocolType"], api["Name"]) == ("HTTP", {"Ref": "AWS::StackName"})


def test_the_emulator_gets_no_monitoring(deployed: dict[str, Any]) -> None:
    kinds = {each["Type"] for each in deployed["Resources"].values()}
    assert not kinds & {"AWS::CloudFormation::Stack", "AWS::CloudWatch::Alarm"}
    assert "AWS::SNS::Topic" in kinds


@pytest.mark.parametrize("kind", ["AllAtOnce", "Canary10Percent10Minutes"])
def test_no_resource_waits_for_itself_whatever_the_release(kind: str) -> None:
    """The linter reads the template with its defaults, which make no CodeDeploy group."""
    waits = waits_for(released(kind)["Resources"])
    order = list(TopologicalSorter(waits).static_order())
    assert sorted(order) == sorted(waits)


def test_traffic_shifts_only_when_the_alarm_watches_and_monitoring_comes_after_it() -> None:
    """So the alarm of a release cannot be in the nested stack, which has the API's alarms."""
    waits = waits_for(released("Canary10Percent10Minutes")["Resources"])
    order = list(TopologicalSorter(waits).static_order())
    for function in RELEASED:
        alarm = f"{function.removesuffix('Function')}ReleaseAlarm"
        assert order.index(alarm) < order.index(f"{function}Aliaslive")
    assert "HttpApi" in waits["Monitoring"]
    behind_routes = {"SendFunction", "ReceiptFunction"}
    assert {f"{each}Aliaslive" for each in behind_routes} <= waits["HttpApi"]


def test_every_function_has_the_tracing_that_is_chosen(deployed: dict[str, Any]) -> None:
    modes = [each["TracingConfig"]["Mode"] for each in of_type(deployed, LAMBDA).values()]
    assert modes == [{"Ref": "Tracing"}] * len(functions())


def test_code_comes_from_the_bucket(deployed: dict[str, Any]) -> None:
    made = of_type(deployed, LAMBDA)
    assert len(made) == len(functions())
    assert made["SendFunction"]["Code"] == {"S3Bucket": "code", "S3Key": "SendFunction.zip"}


def test_values_have_the_types_that_the_emulator_needs(deployed: dict[str, Any]) -> None:
    mappings = of_type(deployed, "AWS::Lambda::EventSourceMapping")
    assert mappings["SubmitFunctionBulk"]["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert mappings["DlrFunctionReceipts"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert deployed["Mappings"]["Retention"]["30"]["Seconds"] == "2592000"


def test_equal_sources_make_an_equal_zip(tmp_path: Path) -> None:
    zips = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "app.py").write_text("x = 1\n")
        (folder / "__pycache__" / f"app.{name}.pyc").write_bytes(name.encode())
        target = tmp_path / f"{name}.zip"
        write_zip(folder, source_files(folder), target)
        zips.append(target.read_bytes())
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["app.py"]


def test_a_fingerprint_changes_with_content_name_and_python(tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    source.write_text("x = 1\n")
    first = fingerprint(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.pyc").write_bytes(b"")
    assert fingerprint(tmp_path) == first
    assert fingerprint(tmp_path, "3.13") != first
    source.write_text("x = 2\n")
    changed = fingerprint(tmp_path)
    source.rename(tmp_path / "main.py")
    assert len({first, changed, fingerprint(tmp_path)}) == 3
