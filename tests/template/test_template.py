"""Functions: their permissions, settings and publication, read as data.

`sam validate --lint` checks the template's form.
"""

import json
import re
from typing import Any

import pytest

from harkara.api.router import PING
from harkara.runtime import settings
from tests.template.reading import (
    ROOT,
    WORK_QUEUES,
    as_list,
    environment,
    function_id,
    functions,
    grants,
    logical_id,
    resources,
    service,
    services,
    statements,
    template,
)

FUNCTIONS = sorted(functions())
SERVICES = sorted(services())
WIRING = ROOT / "layers" / "core" / "harkara" / "wiring"

RECEIVE = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
)

# Properties of the function as a whole, or of the template only.
NOT_VERSIONED = (
    "Events",
    "ReservedConcurrentExecutions",
    "VersionDescription",
    "DeploymentPreference",
)
# Functions that are released gradually if the operator wants it.
RELEASED = ("receipt", "send", "submit", "submit_priority")

# All permissions of each function, by its code: to add one to the template, add it here too.
GRANTS = {
    "send": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        ("sqs:SendMessage", "SubmitQueue"),
        ("sqs:SendMessage", "SubmitPriorityQueue"),
        ("secretsmanager:GetSecretValue", "PepperSecret"),
        ("secretsmanager:GetSecretValue", "LinkSecret"),
    },
    "manage": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:BatchGetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:PutItem", "AccountsTable"),
        ("dynamodb:UpdateItem", "AccountsTable"),
        ("dynamodb:DeleteItem", "AccountsTable"),
        ("dynamodb:BatchWriteItem", "AccountsTable"),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:BatchWriteItem", "MessagesTable"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("secretsmanager:GetSecretValue", "PepperSecret"),
        ("kms:Encrypt", "SecretsKey"),
        ("kms:Decrypt", "SecretsKey"),
    },
    "submit": {
        *((action, "SubmitQueue") for action in RECEIVE),
        *((action, "SubmitPriorityQueue") for action in RECEIVE),
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:BatchGetItem", "AccountsTable"),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:BatchWriteItem", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        ("sqs:SendMessage", "SubmitQueue"),
        ("sqs:SendMessage", "SubmitPriorityQueue"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("kms:Decrypt", "SecretsKey"),
        ("secretsmanager:GetSecretValue", "TagSecret"),
    },
    "receipt": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("kms:Decrypt", "SecretsKey"),
        ("secretsmanager:GetSecretValue", "TagSecret"),
    },
    "link": {
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("secretsmanager:GetSecretValue", "LinkSecret"),
    },
    "inbound": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:UpdateItem", "AccountsTable"),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:BatchWriteItem", "MessagesTable"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("secretsmanager:GetSecretValue", "TagSecret"),
        ("kms:Decrypt", "SecretsKey"),
    },
    "dlr": {
        *((action, queue) for queue in ("ReceiptQueue", "CallbackQueue") for action in RECEIVE),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("kms:Decrypt", "SecretsKey"),
    },
    "fallback": set(),
    "sweep": {
        ("dynamodb:Query", "DueTable"),
        ("dynamodb:GetItem", "DueTable"),
        ("dynamodb:UpdateItem", "DueTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        *(("sqs:SendMessage", queue) for queue in WORK_QUEUES),
    },
}


def leading_keys(operator: str, *keys: str) -> dict[str, Any]:
    """Return the condition that limits a statement to items with these partition keys."""
    return {
        operator: {"dynamodb:LeadingKeys": list(keys)},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def parameters_in(value: Any) -> set[str]:
    """Return the parameters that a piece of the template refers to."""
    if isinstance(value, dict):
        named = {value.get("Ref"), *re.findall(r"\${(\w+)}", str(value.get("Fn::Sub", "")))}
        found: set[str] = named & template()["Parameters"].keys()
        return found.union(*map(parameters_in, value.values()))
    return set().union(*map(parameters_in, value)) if isinstance(value, list) else set()


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


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_needs_and_nothing_else(function: str) -> None:
    name = service(function).title()
    log = {("logs:CreateLogStream", f"{name}Log"), ("logs:PutLogEvents", f"{name}Log")}
    assert grants(function) == GRANTS[service(function)] | log
    properties = functions()[function]
    assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert "Policies" not in properties


def test_of_messages_nothing_is_updated_but_what_processes_count_together() -> None:
    conditions = {
        function: statement["Condition"]
        for function in SERVICES
        for statement in statements(function)
        if "dynamodb:UpdateItem" in as_list(statement["Action"])
        and "MessagesTable" in map(logical_id, as_list(statement["Resource"]))
    }
    counted = {
        "send": ["rate#*"],
        "submit": ["pace#*", "breaker#*"],
        "dlr": ["door#*"],
        "manage": ["door#*"],
    }
    assert conditions == {
        function: leading_keys("ForAllValues:StringLike", *keys)
        for function, keys in counted.items()
    }


def test_of_due_nothing_is_updated_but_the_cursors() -> None:
    (updates,) = (
        statement
        for function in SERVICES
        for statement in statements(function)
        if "dynamodb:UpdateItem" in as_list(statement["Action"])
        and "DueTable" in map(logical_id, as_list(statement["Resource"]))
    )
    assert updates["Condition"] == leading_keys("ForAllValues:StringEquals", "cursor")


def test_of_messages_only_who_is_last_is_written_over_and_only_parked_rows_go() -> None:
    written = [
        (function, statement["Condition"])
        for function in SERVICES
        for statement in statements(function)
        if {"dynamodb:BatchWriteItem", "dynamodb:DeleteItem"} & set(as_list(statement["Action"]))
        and "MessagesTable" in map(logical_id, as_list(statement["Resource"]))
    ]
    expected = {
        "manage": ["parked#*"],
        "submit": ["last#*", "pointer#*"],
        "inbound": ["inbound#*"],
    }
    assert dict(written) == {
        function: leading_keys("ForAllValues:StringLike", *keys)
        for function, keys in expected.items()
    }


def test_submit_sends_through_aws_only_where_the_operator_names_what_it_may_use() -> None:
    policy = resources("AWS::IAM::ManagedPolicy")["SmsVoicePolicy"]
    assert policy["Condition"] == "SendsThroughAws"
    assert policy["Properties"]["Roles"] == [{"Ref": "SubmitRole"}]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sms-voice:SendTextMessage"
    assert statement["Resource"] == {"Fn::Split": [",", {"Ref": "SmsVoiceArns"}]}
    assert template()["Parameters"]["SmsVoiceArns"]["Default"] == ""
    condition = template()["Conditions"]["SendsThroughAws"]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SmsVoiceArns"}, ""]}]}


def test_a_condition_on_all_values_refuses_a_call_that_has_none() -> None:
    conditions = [
        statement["Condition"]
        for function in FUNCTIONS
        for statement in statements(function)
        if "Condition" in statement
    ]
    assert conditions
    for condition in conditions:
        for operator, keys in condition.items():
            if operator.startswith("ForAllValues:"):
                assert condition.get("Null") == dict.fromkeys(keys, "false")


def test_no_policy_of_a_role_has_a_wildcard() -> None:
    shared = resources("AWS::IAM::ManagedPolicy").values()
    allowed = [
        *(statement for function in FUNCTIONS for statement in statements(function)),
        *(
            statement
            for policy in shared
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        ),
    ]
    for statement in allowed:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in as_list(statement["Action"]))
        # X-Ray's actions take no resource (Service Authorization Reference), and the ids of network
        # interfaces are not known before.
        takes_none = statement["Sid"] in ("Traces", "NetworkInterfaces")
        assert takes_none or not any("*" in str(each) for each in as_list(statement["Resource"]))


def test_what_a_function_may_decrypt_is_of_carriers_or_of_callbacks() -> None:
    """The contexts are those of harkara.aws.accounts and harkara.aws.destinations."""
    contexts = {
        service(function): statement["Condition"]
        for function in FUNCTIONS
        for statement in statements(function)
        if "kms:Decrypt" in as_list(statement["Action"])
    }
    kinds = {
        **dict.fromkeys(["submit", "receipt", "inbound"], "carrier"),
        **dict.fromkeys(["dlr", "manage"], "callback"),
    }
    assert contexts == {
        function: {
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": [kind]},
            "Null": {"kms:EncryptionContextKeys": "false"},
        }
        for function, kind in kinds.items()
    }


def test_what_requests_urls_has_fixed_addresses_where_there_is_a_vpc() -> None:
    """Exactly the functions that are wired with `harkara.net` are in the VPC."""
    inside = {name for name, each in functions().items() if "VpcConfig" in each}
    calling = {path.stem for path in WIRING.glob("*.py") if "harkara.net." in path.read_text()}
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
    model = getattr(settings, f"{service(function).title()}Settings")
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


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_answers_requests_is_published_with_a_snapshot(function: str) -> None:
    properties = functions()[function]
    answers = any(event["Type"] == "HttpApi" for event in properties["Events"].values())
    assert properties.get("SnapStart") == ({"ApplyOn": "PublishedVersions"} if answers else None)
    published = answers or function in RELEASED
    assert properties.get("AutoPublishAlias") == ("live" if published else None)


def test_releases_can_be_gradual_and_are_judged_by_an_alarm_of_their_own() -> None:
    releases = template()["Mappings"]["Releases"]
    parameter = template()["Parameters"]["ReleaseType"]
    assert list(releases) == parameter["AllowedValues"]
    assert parameter["Default"] == "AllAtOnce"
    gradual = {name: each["Gradual"] for name, each in releases.items()}
    assert gradual == {name: str(name != "AllAtOnce").lower() for name in releases}
    assert {name for name in FUNCTIONS if "DeploymentPreference" in functions()[name]} == set(
        RELEASED
    )
    for function in RELEASED:
        name = function_id(function).removesuffix("Function")
        assert functions()[function]["DeploymentPreference"] == {
            "Enabled": {"Fn::FindInMap": ["Releases", {"Ref": "ReleaseType"}, "Gradual"]},
            "Type": {"Ref": "ReleaseType"},
            "Alarms": {
                "Fn::If": [
                    "ReleasesGradually",
                    [{"Ref": f"{name}ReleaseAlarm"}],
                    [{"Ref": "AWS::NoValue"}],
                ]
            },
        }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_snapshot_is_kept_awake(function: str) -> None:
    """Lambda deactivates a version that was not called for 14 days."""
    properties = functions()[function]
    pings = [
        (event["Properties"]["Schedule"], json.loads(event["Properties"]["Input"]))
        for event in properties["Events"].values()
        if event["Type"] == "Schedule" and event["Properties"]["Schedule"] != "rate(1 minute)"
    ]
    assert pings == ([("rate(1 day)", PING)] if "SnapStart" in properties else [])


@pytest.mark.parametrize(
    "function", [name for name in FUNCTIONS if "AutoPublishAlias" in functions()[name]]
)
def test_whatever_changes_a_function_publishes_a_version(function: str) -> None:
    """A version depends on code, layers, template properties, and the values of parameters."""
    properties = functions()[function]
    assert properties["AutoPublishAliasAllProperties"] is True
    assert properties["VersionDeletionPolicy"] == "Delete"
    assert template()["Globals"]["LayerVersion"] == {"PublishLambdaVersion": True}
    # SAM names versions after the template's text, which parameter values do not change. And
    # CloudFormation fails when it publishes an unchanged function: no other parameters.
    own = {name: value for name, value in properties.items() if name not in NOT_VERSIONED}
    used = parameters_in([own, template()["Globals"]["Function"]])
    assert parameters_in(properties["VersionDescription"]) == used
