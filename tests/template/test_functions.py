"""Names, logs, environment, network and executions of the functions, read as data.

`sam validate --lint` checks the template's form.
"""

import pytest

from harkara.runtime import settings
from tests.template.reading import (
    ROOT,
    environment,
    function_id,
    functions,
    logical_id,
    resources,
    service,
    template,
)

FUNCTIONS = sorted(functions())
WIRING = ROOT / "layers" / "core" / "harkara" / "wiring"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_called_like_its_code_which_logs_under_that_name(function: str) -> None:
    assert functions()[function]["CodeUri"] == f"functions/{service(function)}/"
    assert function_id(function).startswith(service(function).title())
    assert function_id(function) in resources("AWS::Serverless::Function")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_json_into_the_group_of_its_code(function: str) -> None:
    group = f"{service(function).title()}Log"
    assert functions()[function]["LoggingConfig"] == {"LogGroup": {"Ref": group}}
    shared = template()["Globals"]["Function"]["LoggingConfig"]
    assert (shared["LogFormat"], shared["SystemLogLevel"]) == ("JSON", {"Ref": "PlatformLogLevel"})
    # No START, END and REPORT lines for every invocation by default.
    assert template()["Parameters"]["PlatformLogLevel"]["Default"] == "WARN"


def test_invocations_are_traced_where_the_operator_wants_it_and_every_role_may() -> None:
    assert template()["Globals"]["Function"]["Tracing"] == {"Ref": "Tracing"}
    assert template()["Parameters"]["Tracing"]["Default"] == "PassThrough"
    assert template()["Conditions"]["TracesInvocations"] == {
        "Fn::Equals": [{"Ref": "Tracing"}, "Active"]
    }
    policy = resources("AWS::IAM::ManagedPolicy")["TracingPolicy"]
    assert policy["Condition"] == "TracesInvocations"
    assert {each["Ref"] for each in policy["Properties"]["Roles"]} == {
        logical_id(functions()[function]["Role"]) for function in FUNCTIONS
    }
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def test_what_requests_urls_has_fixed_addresses_where_there_is_a_vpc() -> None:
    """Exactly the functions that are wired with `harkara.net` are in the VPC."""
    inside = {name for name, each in functions().items() if "VpcConfig" in each}
    calling = {path.stem for path in WIRING.glob("*.py") if "harkara.net." in path.read_text()}
    calling.add("console")  # by the services of `manage`
    assert inside == {name for name in functions() if service(name) in calling}
    assert {"dlr", "manage", "submit"} <= inside
    for name in inside:
        condition, subnets, otherwise = functions()[name]["VpcConfig"]["Fn::If"]
        assert (condition, otherwise) == ("UsesVpc", {"Ref": "AWS::NoValue"})
        assert subnets == {
            each: {"Fn::Split": [",", {"Ref": each}]} for each in ("SubnetIds", "SecurityGroupIds")
        }
    policy = resources("AWS::IAM::ManagedPolicy")["VpcPolicy"]
    assert policy["Condition"] == "UsesVpc"
    roles = {logical_id(functions()[name]["Role"]) for name in inside}
    assert {each["Ref"] for each in policy["Properties"]["Roles"]} == roles


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_environment_is_what_its_settings_declare(function: str) -> None:
    # `fallback` has none of its own.
    model = getattr(settings, f"{service(function).title()}Settings", settings._Settings)
    shared = {
        "STAGE",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_LOG_LEVEL",
        "POWERTOOLS_METRICS_NAMESPACE",
    }
    assert set(environment(function)) == {name.upper() for name in model.model_fields} | shared


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_environment_value_is_a_secret(function: str) -> None:
    for name, value in environment(function).items():
        if name == "POWERTOOLS_SERVICE_NAME":
            assert function.startswith(value)
        elif name == "POWERTOOLS_METRICS_NAMESPACE":
            assert value == {"Fn::Sub": "Harkara/${AWS::StackName}"}
        elif "SECRET" in name or "KEY" in name or "TOKEN" in name:
            # The id that GetSecretValue or KMS takes, not the secret value.
            kind = "AWS::KMS::Key" if name.endswith("_KEY_ID") else "AWS::SecretsManager::Secret"
            assert name.endswith("_ID")
            assert value["Ref"] in {*resources(kind), "ProxySecretArn"}
        else:
            assert "Ref" in value or "Fn::FindInMap" in value


def test_no_parameter_takes_a_secret() -> None:
    for parameter in template()["Parameters"].values():
        assert "NoEcho" not in parameter


@pytest.mark.parametrize("function", FUNCTIONS)
def test_executions_of_a_function_can_be_reserved_and_are_not_by_default(function: str) -> None:
    name = function.rpartition("_")[2].title()
    condition, parameter, otherwise = functions()[function]["ReservedConcurrentExecutions"][
        "Fn::If"
    ]
    assert (condition, parameter) == (f"Reserves{name}", {"Ref": f"{name}ReservedConcurrency"})
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert template()["Parameters"][parameter["Ref"]]["Default"] == 0
    reserves = {"Fn::Not": [{"Fn::Equals": [parameter, 0]}]}
    assert template()["Conditions"][condition] == reserves
