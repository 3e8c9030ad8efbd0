"""Alarms and dashboard: they name only metrics that AWS or the functions emit."""

import json
import re
from typing import Any

import pytest

from harkara.runtime.metrics import COUNTS, DELAYS, SHARES
from tests.template.reading import function_id, functions, resources, services, template

OWN = {
    (service, name)
    for table in (COUNTS, DELAYS, SHARES)
    for service in table
    for name in table[service]
}
NAMESPACE = "Harkara/${MainStack}"
TOO_MANY = "too_many_requests"
ALARMS = {
    name: resource["Properties"] for name, resource in resources("AWS::CloudWatch::Alarm").items()
}
# Alarms on several metrics are in test_alarms.py.
PLAIN = {name: alarm for name, alarm in ALARMS.items() if "MetricName" in alarm}
FUNCTIONS = set(map(function_id, functions()))
TABLES = set(resources("AWS::DynamoDB::Table"))
# AWS's metrics of the stack's resources: namespace and dimension -> values, metric names.
OF_AWS = {
    ("AWS/Lambda", "FunctionName"): (
        FUNCTIONS,
        {
            *("ConcurrentExecutions", "Errors", "Throttles", "Duration"),
            *("RecursiveInvocationsDropped", "IteratorAge"),
        },
    ),
    ("AWS/SQS", "QueueName"): (
        set(resources("AWS::SQS::Queue")),
        {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
    ),
    ("AWS/ApiGateway", "ApiId"): (
        {"HttpApi"},
        {"Count", "4xx", "5xx", "Latency", "IntegrationLatency"},
    ),
    ("AWS/DynamoDB", "TableName"): (
        TABLES,
        {
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        },
    ),
}
SEARCH = re.compile(
    r"""SEARCH\('\{"([^"]+)",service,carrier\} MetricName="(\w+)"', '(\w+)', 60\)"""
)


def dashboard() -> dict[str, Any]:
    (resource,) = resources("AWS::CloudWatch::Dashboard").values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def placed() -> list[dict[str, Any]]:
    body: dict[str, Any] = json.loads(dashboard()["DashboardBody"]["Fn::Sub"])
    return list(body["widgets"])


def widgets() -> list[dict[str, Any]]:
    return [widget["properties"] for widget in placed()]


def test_no_widget_lies_on_another_or_beyond_the_grid() -> None:
    covered = [
        (x, y)
        for each in placed()
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(covered) == len(set(covered))
    assert max(x for x, _ in covered) < 24


def test_a_dashboard_is_named_after_its_stack_and_region() -> None:
    assert dashboard()["DashboardName"] == {"Fn::Sub": "${MainStack}-${AWS::Region}"}


def test_functions_write_into_the_namespace_of_their_stack() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    namespace = NAMESPACE.replace("MainStack", "AWS::StackName")
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Fn::Sub": namespace}
    assert {service for service, _ in OWN} <= services()


@pytest.mark.parametrize("name", PLAIN)
def test_an_alarm_is_of_a_metric_that_is_emitted(name: str) -> None:
    alarm = PLAIN[name]
    ((dimension),) = alarm["Dimensions"]
    if alarm["Namespace"] == {"Fn::Sub": NAMESPACE}:
        assert dimension["Name"] == "service"
        assert (dimension["Value"], alarm["MetricName"]) in OWN
    else:
        assert (alarm["Namespace"], alarm["MetricName"], dimension["Name"]) in {
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
            ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
            ("AWS/ApiGateway", "5xx", "ApiId"),
            ("AWS/Lambda", "Errors", "FunctionName"),
            ("AWS/Lambda", "Invocations", "FunctionName"),
            ("AWS/Lambda", "IteratorAge", "FunctionName"),
            ("AWS/Lambda", "RecursiveInvocationsDropped", "FunctionName"),
        }


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_what_to_do_and_tells_who_is_named(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmDescription"]
    assert alarm["AlarmActions"] == [
        {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]},
        {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]},
    ]
    # Most metrics are emitted only on an event, so that missing data is good; not so for runs.
    is_of_runs = alarm.get("MetricName") == "Invocations"
    assert (
        alarm["TreatMissingData"] == ("breaching" if is_of_runs else "notBreaching")
        or "InsufficientDataActions" in alarm
    )


def test_each_schedule_of_sweep_that_does_not_run_is_noticed() -> None:
    """Two runs that come early or late, inside a period or across its edge, raise no alarm."""
    alarm = ALARMS["SweepRunsAlarm"]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "SweepFunction"}}]
    schedules = functions()["sweep"]["Events"].values()
    assert {each["Properties"]["Schedule"] for each in schedules} == {"rate(1 minute)"}
    minutes = alarm["Period"] // 60
    assert alarm["Statistic"] == "Sum"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert (len(schedules) - 1) * minutes < alarm["Threshold"] <= len(schedules) * minutes
    # With all runs made, one minute of two consecutive periods may fall outside.
    periods = alarm["EvaluationPeriods"]
    assert len(schedules) * (periods * minutes - 1) > periods * (alarm["Threshold"] - 1)


def test_the_delay_of_what_is_due_is_noticed_before_anything_is_lost() -> None:
    alarm = ALARMS["SweepDelayAlarm"]
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Maximum", "GreaterThanThreshold")
    # A run's own minute is no delay, and the metric is in milliseconds.
    assert 2 * 60_000 < alarm["Threshold"] <= 15 * 60_000


def test_there_is_an_alarm_for_what_a_person_has_to_see_to() -> None:
    watched = {json.dumps((alarm["MetricName"], alarm["Dimensions"])) for alarm in PLAIN.values()}
    assert len(watched) == len(PLAIN)
    own = {a["MetricName"] for a in PLAIN.values() if a["Namespace"] == {"Fn::Sub": NAMESPACE}}
    assert own == {
        "in_doubt",
        "callbacks_parked",
        "callbacks_at_90_percent",
        "breaker_opened",
        "low_conversions",
        "put_off",
        "sweep_delay",
    }
    aged = [a for a in PLAIN.values() if a["MetricName"] == "ApproximateAgeOfOldestMessage"]
    assert [a["Dimensions"][0]["Value"]["Ref"] for a in aged] == [
        "SubmitQueue",
        "SubmitPriorityQueue",
        "ReceiptQueue",
        "CallbackQueue",
    ]


def test_the_dashboard_shows_every_metric_that_is_emitted_and_no_other() -> None:
    visible = set()
    for widget in widgets():
        for metric in (m for m in widget["metrics"] if m[0] == NAMESPACE and m[1] != TOO_MANY):
            assert metric[2] == "service"
            visible.add((metric[3], metric[1]))
    by_carrier = {
        ("submit", "submit_latency"),
        ("submit", "breaker_state"),
        ("dlr", "receipt_delay"),
    }
    assert visible | by_carrier == OWN


def test_the_dashboard_shows_what_aws_emits_of_every_resource() -> None:
    visible: dict[tuple[str, str], set[tuple[str, str]]] = {key: set() for key in OF_AWS}
    for widget in widgets():
        for metric in (m for m in widget["metrics"] if len(m) > 1 and m[0] != NAMESPACE):
            namespace, name, dimension, value, _ = metric
            visible[namespace, dimension].add((value.removeprefix("${").removesuffix("}"), name))
    for key, (resources_there, names) in OF_AWS.items():
        assert {name for _, name in visible[key]} == names
        assert {resource for resource, _ in visible[key]} == resources_there
    lambdas = visible["AWS/Lambda", "FunctionName"]
    every = {(each, name) for each in FUNCTIONS for name in ("Errors", "Throttles", "Duration")}
    assert every <= lambdas


def test_the_dashboard_shows_what_was_answered_429_and_the_tables_own_errors() -> None:
    metrics = [metric for widget in widgets() for metric in widget["metrics"]]
    assert [NAMESPACE, TOO_MANY, {"stat": "Sum"}] in metrics
    (search,) = (m[0]["expression"] for m in metrics if len(m) == 1 and "AWS/" in str(m))
    schema, names = re.fullmatch(
        r"SEARCH\('\{(.+)\} MetricName=\"SystemErrors\" TableName=\((.+)\)', 'Sum', 60\)", search
    ).groups()  # type: ignore[union-attr]
    assert schema == '"AWS/DynamoDB",Operation,TableName'
    assert set(names.split(" OR ")) == {f'"${{{table}}}"' for table in TABLES}


def test_what_the_dashboard_searches_for_is_emitted_by_carrier() -> None:
    emitted = {name for _, name in OWN}
    for widget in widgets():
        for metric in (m for m in widget["metrics"] if len(m) == 1 and "AWS/" not in str(m)):
            found = SEARCH.fullmatch(metric[0]["expression"])
            assert found
            namespace, name, _ = found.groups()
            assert namespace == NAMESPACE
            assert name in emitted
