"""Requirements on queues, tables, secrets and logs of the template, read as data."""

import json
import re
from typing import Any

import pytest

from harkara.ports import SHARDS
from tests.template.reading import (
    MESSAGE_QUEUES,
    WORK_QUEUES,
    function_id,
    functions,
    grants,
    logical_id,
    resources,
    routes,
    services,
    template,
)

NEW_ACCOUNT = 10
"""Concurrent executions of a new AWS account, as reported in November 2022 and since."""


def sqs_triggers() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (function, queue, trigger) for every queue that feeds a function."""
    return [
        (name, logical_id(event["Properties"]["Queue"]), event["Properties"])
        for name, properties in functions().items()
        for event in properties["Events"].values()
        if event["Type"] == "SQS"
    ]


def test_there_is_a_trigger_for_every_queue_and_for_no_dead_letters() -> None:
    assert sorted(queue for _, queue, _ in sqs_triggers()) == sorted(WORK_QUEUES)


def batch_size(trigger: dict[str, Any]) -> Any:
    size = trigger["BatchSize"]
    return template()["Parameters"][size["Ref"]]["Default"] if isinstance(size, dict) else size


@pytest.mark.parametrize(("function", "queue", "trigger"), sqs_triggers())
def test_a_batch_reports_its_failures_and_has_its_own_limit(
    function: str, queue: str, trigger: dict[str, Any]
) -> None:
    assert trigger["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    limit = template()["Parameters"][trigger["ScalingConfig"]["MaximumConcurrency"]["Ref"]]
    assert 2 <= limit["MinValue"] <= limit["Default"] <= limit["MaxValue"] <= 1000
    # A piece of an export takes all the time and memory of an execution.
    assert batch_size(trigger) == (1 if queue == "ExportQueue" else 10)
    assert "MaximumBatchingWindowInSeconds" not in trigger


def test_the_lanes_are_two_functions_that_differ_in_their_queue_and_their_executions() -> None:
    lanes = {queue: function for function, queue, _ in sqs_triggers() if "Submit" in queue}
    assert lanes == {"SubmitQueue": "submit", "SubmitPriorityQueue": "submit_priority"}
    own = ("Description", "Events", "ReservedConcurrentExecutions", "DeploymentPreference")
    bulk, priority = (
        {name: value for name, value in functions()[each].items() if name not in own}
        for each in lanes.values()
    )
    assert bulk == priority


def test_a_new_account_has_executions_for_the_api_while_all_queues_are_full() -> None:
    """Exports are made on request, and take none as long as nobody begins one."""
    parameters = template()["Parameters"]
    limits = {
        queue: each["ScalingConfig"]["MaximumConcurrency"]["Ref"]
        for _, queue, each in sqs_triggers()
    }
    assert len(set(limits.values())) == len(WORK_QUEUES)
    of_messages = [parameters[limits[queue]]["Default"] for queue in MESSAGE_QUEUES]
    assert sum(of_messages) <= NEW_ACCOUNT - 2


def test_what_puts_messages_into_its_own_queue_may_and_has_an_alarm_where_it_is_stopped() -> None:
    loops = {
        function
        for function, queue, _ in sqs_triggers()
        if ("sqs:SendMessage", queue) in grants(function)
    }
    allowed = {name for name, each in functions().items() if each.get("RecursiveLoop") == "Allow"}
    assert allowed == loops == {"submit", "submit_priority", "dlr", "files"}
    alarms = [
        alarm["Properties"]["Dimensions"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"].get("MetricName") == "RecursiveInvocationsDropped"
    ]
    watched = {dimension["Value"]["Ref"] for (dimension,) in alarms}
    assert watched == set(map(function_id, loops))


@pytest.mark.parametrize(("function", "queue", "trigger"), sqs_triggers())
def test_a_visibility_timeout_is_at_least_six_times_the_functions(
    function: str, queue: str, trigger: dict[str, Any]
) -> None:
    assert functions()[function]["Timeout"] == {"Ref": "BatchTimeoutSeconds"}
    visibility = resources("AWS::SQS::Queue")[queue]["Properties"]["VisibilityTimeout"]
    mapping, parameter, key = visibility["Fn::FindInMap"]
    assert parameter == {"Ref": "BatchTimeoutSeconds"}
    for seconds in template()["Parameters"]["BatchTimeoutSeconds"]["AllowedValues"]:
        assert template()["Mappings"][mapping][str(seconds)][key] >= 6 * seconds


@pytest.mark.parametrize("queue", WORK_QUEUES)
def test_a_queue_has_dead_letters_and_an_alarm(queue: str) -> None:
    properties = resources("AWS::SQS::Queue")[queue]["Properties"]
    redrive = properties["RedrivePolicy"]
    dead_letters = logical_id(redrive["deadLetterTargetArn"])
    assert dead_letters == queue.removesuffix("Queue") + "DeadLetters"
    # A hand-back counts as a receive: a low limit would make dead letters of healthy messages.
    assert redrive["maxReceiveCount"] >= 20
    assert resources("AWS::SQS::Queue")[dead_letters]["Properties"] == {
        "MessageRetentionPeriod": 14 * 86400,
        "SqsManagedSseEnabled": True,
    }
    assert properties["SqsManagedSseEnabled"] is True
    alarm = resources("AWS::CloudWatch::Alarm")[f"{dead_letters}Alarm"]["Properties"]
    (dimension,) = alarm["Dimensions"]
    assert logical_id(dimension["Value"]) == dead_letters
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


@pytest.mark.parametrize("table", ["AccountsTable", "MessagesTable", "ActivityTable", "DueTable"])
def test_a_table_is_on_demand_recoverable_expiring_and_kept(table: str) -> None:
    resource = resources("AWS::DynamoDB::Table")[table]
    properties = resource["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectsTables", True, False]}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["SSESpecification"]["Fn::If"][0] == "HasTableKey"
    assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


@pytest.mark.parametrize("table", ["Accounts", "Messages", "Activity", "Due"])
def test_a_table_is_warmed_only_where_more_is_asked_than_a_new_one_takes(table: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[f"{table}Table"]["Properties"]
    condition, warm, otherwise = properties["WarmThroughput"]["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    taken = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
    assert warm.keys() == taken.keys()
    defaults = []
    for name, units in taken.items():
        parameter = template()["Parameters"][warm[name]["Ref"]]
        assert parameter["Default"] == parameter["MinValue"] == units
        defaults.append({"Fn::Equals": [warm[name], units]})
    assert template()["Conditions"][condition] == {"Fn::Not": [{"Fn::And": defaults}]}


def test_a_secret_outlives_the_stack() -> None:
    kept = {**resources("AWS::SecretsManager::Secret"), **resources("AWS::KMS::Key")}
    assert sorted(kept) == ["LinkSecret", "PepperSecret", "SecretsKey", "TagSecret"]
    for resource in kept.values():
        assert resource["UpdateReplacePolicy"] == "Retain"
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_access_log_holds_no_path_query_or_address() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    visible = set(
        re.findall(r"\$context\.([\w.]+)", api["Properties"]["AccessLogSettings"]["Format"])
    )
    assert visible == {
        "requestId",
        "requestTime",
        "routeKey",
        "status",
        "responseLength",
        "responseLatency",
        "integration.status",
        "integrationErrorMessage",
    }


def test_who_asks_for_what_anybody_may_ask_for_has_a_limit_of_his_own() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    limits = api["Properties"]["RouteSettings"]
    strangers = ["$default", "GET /docs", "GET /openapi.json"]
    parameters = {
        **dict.fromkeys(strangers, "StrangerRequestsPerSecond"),
        **dict.fromkeys(routes(functions()["link"]), "LinkRequestsPerSecond"),
    }
    assert "GET /{code}" in parameters
    assert set(limits) <= set().union(*map(routes, functions().values()))  # else AWS refuses
    assert limits == {
        route: {
            "ThrottlingRateLimit": {"Ref": parameter},
            "ThrottlingBurstLimit": {"Ref": parameter},
        }
        for route, parameter in parameters.items()
    }


def test_routes_are_held_to_the_quota_of_aws_alone_by_default() -> None:
    """API Gateway reads a limit of 0, or a missing one of the two, as no requests at all."""
    (api,) = resources("AWS::Serverless::HttpApi").values()
    condition, limits, otherwise = api["Properties"]["DefaultRouteSettings"]["Fn::If"]
    assert condition == "LimitsRequests"
    assert limits.keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert template()["Parameters"]["ApiRequestsPerSecond"]["Default"] == 0


def test_every_log_group_expires() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert len(groups) == len(services()) + 1
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_retention_mapping_is_days_in_seconds() -> None:
    days = template()["Parameters"]["RetentionDays"]["AllowedValues"]
    assert template()["Mappings"]["Retention"] == {
        str(each): {"Seconds": each * 86400} for each in days
    }


def test_no_two_stacks_of_an_account_and_region_have_a_layer_of_one_name() -> None:
    names = [
        layer["Properties"]["LayerName"]["Fn::Sub"]
        for layer in resources("AWS::Serverless::LayerVersion").values()
    ]
    assert len(set(names)) == len(names) == 4
    assert all(name.startswith("${AWS::StackName}-") for name in names)


def test_each_further_layer_is_there_for_its_own_functions_alone() -> None:
    more = {
        name: each["Properties"]["Layers"]
        for name, each in resources("AWS::Serverless::Function").items()
        if "Layers" in each["Properties"]
    }
    assert more == {
        "ConsoleFunction": [{"Ref": "ConsoleLayer"}],
        "SubmitFunction": [{"Ref": "SigningLayer"}],
        "SubmitPriorityFunction": [{"Ref": "SigningLayer"}],
    }


def test_every_parameter_has_a_default_so_that_nothing_must_be_asked() -> None:
    """`sam deploy --guided` is not usable: it asks for every route whether it may be public."""
    assert [name for name, each in template()["Parameters"].items() if "Default" not in each] == []


def test_each_shard_of_what_is_due_is_swept_every_minute_by_one_run() -> None:
    sweep = functions()["sweep"]
    events = [event["Properties"] for event in sweep["Events"].values()]
    assert {event["Schedule"] for event in events} == {"rate(1 minute)"}
    shards = [shard for event in events for shard in json.loads(event["Input"])["shards"]]
    assert sorted(shards) == list(range(SHARDS))
    # A late run would repeat the next minute's.
    never = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert sweep["EventInvokeConfig"] == never


def test_what_is_written_of_messages_is_counted_from_the_tables_stream() -> None:
    (stream,) = functions()["activity"]["Events"].values()
    properties = stream["Properties"]
    assert properties["Stream"] == {"Fn::GetAtt": ["MessagesTable", "StreamArn"]}
    table = resources("AWS::DynamoDB::Table")["MessagesTable"]["Properties"]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    # Without a window no event names its shard, by whose watermark events count once.
    assert properties["TumblingWindowInSeconds"] > 0
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    # Two batches of a shard at a time would wait for each other's watermark.
    assert "ParallelizationFactor" not in properties
    # What fails is repeated for a day, and then reported.
    assert not {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"} & properties.keys()
    failures = properties["DestinationConfig"]["OnFailure"]
    assert logical_id(failures["Destination"]) == "ActivityFailures"
    assert "ActivityFailures" in resources("AWS::SQS::Queue")
