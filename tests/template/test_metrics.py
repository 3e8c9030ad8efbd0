"""Alarms and dashboard: every metric that they name is one that something emits."""

import json
import re
from typing import Any

import pytest

from harkara.metrics import COUNTS, DELAYS, SHARES
from tests.template.reading import resources, services, template

OWN = {
    (service, name)
    for table in (COUNTS, DELAYS, SHARES)
    for service in table
    for name in table[service]
}
NAMESPACE = "Harkara/${AWS::StackName}"
ALARMS = {
    name: resource["Properties"] for name, resource in resources("AWS::CloudWatch::Alarm").items()
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
    assert dashboard()["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_functions_write_into_the_namespace_of_their_stack() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Fn::Sub": NAMESPACE}
    assert {service for service, _ in OWN} <= services()


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_of_a_metric_that_is_emitted(name: str) -> None:
    alarm = ALARMS[name]
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
    assert alarm["TreatMissingData"] == "notBreaching"


def test_there_is_an_alarm_for_what_a_person_has_to_see_to() -> None:
    watched = {json.dumps((alarm["MetricName"], alarm["Dimensions"])) for alarm in ALARMS.values()}
    assert len(watched) == len(ALARMS)
    own = {a["MetricName"] for a in ALARMS.values() if a["Namespace"] == {"Fn::Sub": NAMESPACE}}
    assert own == {
        "in_doubt",
        "callbacks_parked",
        "callbacks_at_90_percent",
        "breaker_opened",
        "put_off",
    }
    aged = [a for a in ALARMS.values() if a["MetricName"] == "ApproximateAgeOfOldestMessage"]
    assert [a["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for a in aged] == [
        "SubmitQueue",
        "SubmitPriorityQueue",
        "ReceiptQueue",
        "CallbackQueue",
    ]


def test_the_dashboard_shows_every_metric_that_is_emitted_and_no_other() -> None:
    shown = set()
    for widget in widgets():
        for namespace, name, *rest in (m for m in widget["metrics"] if len(m) > 1):
            assert namespace == NAMESPACE
            assert rest[0] == "service"
            shown.add((rest[1], name))
    by_carrier = {
        ("submit", "submit_latency"),
        ("submit", "breaker_state"),
        ("dlr", "receipt_delay"),
    }
    assert shown | by_carrier == OWN


def test_what_the_dashboard_searches_for_is_emitted_by_carrier() -> None:
    emitted = {name for _, name in OWN}
    for widget in widgets():
        for metric in (m for m in widget["metrics"] if len(m) == 1):
            found = SEARCH.fullmatch(metric[0]["expression"])
            assert found
            namespace, name, _ = found.groups()
            assert namespace == NAMESPACE
            assert name in emitted
